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
	Tool       sarifTool     `json:"tool"`
	ColumnKind string        `json:"columnKind"`
	Results    []sarifResult `json:"results"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name    string      `json:"name"`
	Version string      `json:"version"`
	Rules   []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID string `json:"id"`
}

type sarifResult struct {
	RuleID    string          `json:"ruleId"`
	RuleIndex int             `json:"ruleIndex"`
	Level     string          `json:"level"`
	Message   sarifText       `json:"message"`
	Locations []sarifLocation `json:"locations"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifLocation struct {
	Physical sarifPhysical `json:"physicalLocation"`
}

type sarifPhysical struct {
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region sarifRegion `json:"region"`
}

type sarifRegion struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn"`
	EndColumn   int `json:"endColumn"`
}

func printSARIF(w io.Writer, problems []document.Problem) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "heed", Version: buildVersion(), Rules: []sarifRule{}}},
		ColumnKind: "unicodeCodePoints", Results: []sarifResult{},
	}
	for i := range problems {
		p := &problems[i]
		rule := slices.Index(run.Tool.Driver.Rules, sarifRule{p.Code})
		if rule < 0 {
			rule = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{p.Code})
		}
		result := sarifResult{
			RuleID: p.Code, RuleIndex: rule, Level: string(p.Severity),
			Message: sarifText{p.Message},
		}
		if p.Hint != "" {
			result.Message.Text += "\n" + p.Hint
		}
		var at sarifPhysical
		at.Artifact.URI = (&url.URL{Path: filepath.ToSlash(p.File)}).String()
		at.Region = sarifRegion{p.Line, p.Col, p.Col + p.Width()}
		result.Locations = []sarifLocation{{at}}
		run.Results = append(run.Results, result)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	})
}
