package console

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"heed/engine/backtest"
	"heed/engine/document"
	"heed/internal/admin"
	"heed/internal/admin/access"
)

// playData is the playground.
type playData struct {
	File     string
	Files    []admin.RuleText
	Text     string
	Version  string // of the file when it was opened
	Since    string
	Line     int // to begin at
	Writable bool
	// Check is what is wrong; nil before the first check.
	Check *admin.RuleCheck
	// Formatted says that the text was laid out.
	Formatted bool
	Backtest  *backtestData
	// Problem says why something could not be done.
	Problem string
	// Conflict is the file as it is now, if it was changed since it was opened.
	Conflict *conflict
}

// conflict is what another change made of the file.
type conflict struct {
	Version string
	Lines   []diffLine
}

// backtestData are the consequences of an edit.
type backtestData struct {
	backtest.Result
	Took time.Duration
}

func (c *console) playground(q *request) (answer, error) {
	d, err := c.openPlayground(q)
	if err != nil {
		return nil, err
	}
	return d.view(), nil
}

// openPlayground opens the file that is named, or that a rule is in.
func (c *console) openPlayground(q *request) (d playData, err error) {
	d = playData{File: q.get("file"), Since: cmp.Or(q.get("since"), "7d")}
	if name := q.get("rule"); name != "" {
		list, err := c.Service.Rules(q.ctx())
		if err != nil {
			return d, err
		}
		for i := range list.Rules {
			if rule := &list.Rules[i]; rule.Name == name {
				d.File, d.Line = cmp.Or(d.File, filepath.Base(rule.File)), rule.Line
			}
		}
	}
	if d.Files, d.Writable, err = c.Service.RuleTexts(q.ctx()); err != nil {
		return d, err
	}
	file, err := c.Service.RuleText(q.ctx(), d.File)
	if err != nil {
		return d, err
	}
	d.File, d.Text, d.Version = filepath.Base(file.Name), file.Text, file.Version
	d.Writable = d.Writable && q.who.Check(access.Rules) == nil
	return d, nil
}

func (d *playData) view() view {
	v := view{
		Title: "Playground", Nav: "Playground", Template: "playground", Data: d, exact: true,
		Command: "heed backtest --rules " + quoted(d.File) + " --against active --since " + quoted(d.Since),
	}
	if d.Conflict != nil {
		v.status = http.StatusConflict
	}
	return v
}

// play does what the pressed button says with the text of the form.
func (c *console) play(q *request) (answer, error) {
	d, err := c.openPlayground(q)
	if err != nil {
		return nil, err
	}
	d.Text = strings.ReplaceAll(q.PostFormValue("text"), "\r\n", "\n")
	d.Version, d.Since = q.PostFormValue("version"), cmp.Or(q.PostFormValue("since"), d.Since)
	switch q.PostFormValue("do") {
	case "download":
		return download{d.File, "application/yaml", []byte(d.Text)}, nil
	case "format":
		err = c.format(q, &d)
	case "backtest":
		err = c.tryOut(q, &d)
	case "save":
		if err = c.save(q, &d); err == nil && d.Problem == "" && d.Conflict == nil {
			return done("/ui/playground?file="+url.QueryEscape(d.File), "saved", 0), nil
		}
	}
	if err != nil {
		return nil, err
	}
	check, err := c.Service.CheckRules(q.ctx(), d.File, d.Text)
	if err != nil {
		return nil, err
	}
	d.Check = &check
	return d.view(), nil
}

// TestsText says how many tests pass.
func (d *playData) TestsText() string {
	failed := 0
	for _, test := range d.Check.Tests {
		if !test.Passed {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Sprintf("✘ %d of %d tests fail.", failed, len(d.Check.Tests))
	}
	return fmt.Sprintf("✔ %d tests pass.", len(d.Check.Tests))
}

func (c *console) format(q *request, d *playData) error {
	text, err := c.Service.FormatRules(q.ctx(), d.File, d.Text)
	if refusal, ok := err.(*admin.Error); ok {
		d.Problem = refusal.Text
		return nil
	}
	if err == nil {
		d.Text, d.Formatted = text, true
	}
	return err
}

// tryOut runs the text against recorded events, and compares it with the active
// rules.
func (c *console) tryOut(q *request, d *playData) error {
	since, err := parseSince("since", d.Since)
	if err != nil {
		return err
	}
	began := time.Now()
	result, err := c.Service.Backtest(q.ctx(), admin.BacktestQuery{
		File: d.File, Rules: d.Text, Against: "active", Since: since, Until: began,
	})
	if refusal, ok := err.(*admin.Error); ok {
		d.Problem = refusal.Text
		return nil
	}
	if err == nil {
		d.Backtest = &backtestData{result, time.Since(began).Round(time.Millisecond)}
	}
	return err
}

func (c *console) save(q *request, d *playData) error {
	err := c.Service.SaveRules(q.ctx(), d.File, d.Text, d.Version)
	refusal, ok := err.(*admin.Error)
	if !ok {
		return err
	}
	if now, changed := refusal.Problems.(admin.RuleText); changed {
		d.Conflict = &conflict{now.Version, differences(now.Text, d.Text)}
		return nil
	}
	if problems, _ := refusal.Problems.([]document.Problem); refusal.Kind == admin.Conflict && problems == nil {
		return err
	}
	d.Problem = refusal.Text
	return nil
}
