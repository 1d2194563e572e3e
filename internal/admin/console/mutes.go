package console

import (
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"heed/engine/state"
)

type mutesData struct {
	Now, Over []state.Mute
	Rule      string
	Rules     []string
}

func (c *console) mutes(q *request) (answer, error) {
	list, err := c.Service.Mutes(q.ctx(), true)
	if err != nil {
		return nil, err
	}
	d := mutesData{Rule: q.get("rule")}
	now := time.Now()
	for _, m := range list.Mutes {
		if m.Until.After(now) {
			d.Now = append(d.Now, m)
		} else if len(d.Over) < 50 {
			d.Over = append(d.Over, m)
		}
	}
	rules, err := c.Service.Rules(q.ctx())
	if err != nil {
		return nil, err
	}
	for _, rule := range rules.Rules {
		d.Rules = append(d.Rules, rule.Name)
	}
	return view{
		Title: "Mutes", Nav: "Mutes", Template: "mutes", Data: d, Command: "heed rules mutes",
		API: "/api/v1/mutes?all=true",
	}, nil
}

func (c *console) mute(q *request) (answer, error) {
	lasting, err := model.ParseDuration(strings.TrimSpace(q.PostFormValue("for")))
	if err != nil {
		return nil, invalid("For how long? Write a duration, such as 2h or 3d.")
	}
	rule, key, reason := q.PostFormValue("rule"), q.PostFormValue("key"), q.PostFormValue("reason")
	_, err = c.Service.Mute(q.ctx(), rule, key, reason, time.Duration(lasting))
	if err != nil {
		return nil, err
	}
	return done("/ui/mutes", "muted", 0), nil
}

func (c *console) unmute(q *request) (answer, error) {
	ended, err := c.Service.Unmute(q.ctx(), q.PostFormValue("rule"), q.PostFormValue("key"))
	if err != nil {
		return nil, err
	}
	return done("/ui/mutes", "unmuted", len(ended.Missed)), nil
}
