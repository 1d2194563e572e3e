package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"heed/engine/document"
)

// The formats that other programs read the problems of heed check in.

// printAnnotations writes workflow commands, from which GitHub Actions makes
// annotations beside the lines of a pull request:
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func printAnnotations(w io.Writer, problems []document.Problem) error {
	value := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	data := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	for i := range problems {
		p := &problems[i]
		message := p.Message
		if p.Hint != "" {
			message += "\nhint: " + p.Hint
		}
		_, err := fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d,endColumn=%d,title=%s::%s\n",
			p.Severity, value.Replace(p.File), p.Line, p.Col, p.Col+p.Width(), value.Replace(p.Code), data.Replace(message))
		if err != nil {
			return err
		}
	}
	return nil
}

// The parts of SARIF 2.1.0 that code scanning reads:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool struct {
		Driver struct {
			Name    string      `json:"name"`
			Version string      `json:"version"`
			Rules   []sarifRule `json:"rules"`
		} `json:"driver"`
	} `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifRule struct {
	ID string `json:"id"`
}

type sarifResult struct {
	RuleID    string `json:"ruleId"`
	RuleIndex int    `json:"ruleIndex"`
	Level     string `json:"level"`
	Message   struct {
		Text string `json:"text"`
	} `json:"message"`
	Locations [1]struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine   int `json:"startLine"`
				StartColumn int `json:"startColumn"`
				EndColumn   int `json:"endColumn"`
			} `json:"region"`
		} `json:"physicalLocation"`
	} `json:"locations"`
}

func printSARIF(w io.Writer, problems []document.Problem) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	driver := &run.Tool.Driver
	driver.Name, driver.Version, driver.Rules = "heed", buildVersion(), []sarifRule{}
	for i := range problems {
		p := &problems[i]
		rule := slices.Index(driver.Rules, sarifRule{p.Code})
		if rule < 0 {
			rule = len(driver.Rules)
			driver.Rules = append(driver.Rules, sarifRule{p.Code})
		}
		result := sarifResult{RuleID: p.Code, RuleIndex: rule, Level: string(p.Severity)}
		result.Message.Text = p.Message
		if p.Hint != "" {
			result.Message.Text += "\n" + p.Hint
		}
		at := &result.Locations[0].Physical
		at.Artifact.URI = (&url.URL{Path: filepath.ToSlash(p.File)}).String()
		at.Region.StartLine, at.Region.StartColumn, at.Region.EndColumn = p.Line, p.Col, p.Col+p.Width()
		run.Results = append(run.Results, result)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	})
}
