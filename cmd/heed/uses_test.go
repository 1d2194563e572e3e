package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/engine/record"
	"heed/internal/app"
)

// TestServe_eachUseRunsFromSignedEventToWhatArrives runs the example rules as they
// are, but for the addresses: each fixture is signed and sent, and what arrives
// at Slack, at the other systems and in the mailbox is compared.
func TestServe_eachUseRunsFromSignedEventToWhatArrives(t *testing.T) {
	workspace := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/users.lookupByEmail") {
			fmt.Fprint(w, `{"ok":true,"user":{"id":"U0NORA"}}`)
			return
		}
		slackOK(w, r)
	})
	others := newSink(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mail := newMailbox(t)
	for _, name := range []string{"SLACK_BOT_TOKEN", "LMS_AUTHORIZATION", "SALESFORCE_AUTHORIZATION", "ENROLMENT_AUTHORIZATION", "ACCESS_AUTHORIZATION", "OKTA_FLOW_TOKEN"} {
		t.Setenv(name, "canary-"+name)
	}
	s := startServer(t, exampleRules(t, workspace.URL, others.URL, mail.addr), func(o *app.Options) {
		table, err := os.ReadFile("../../testdata/managers.csv")
		if err == nil {
			err = os.MkdirAll(filepath.Join(filepath.Dir(o.Rules), "testdata"), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(filepath.Dir(o.Rules), "testdata/managers.csv"), table, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	for fixture, want := range map[string][]string{
		"quiz-low-score": {
			"#enablement-coaching: u-1042 scored 61 of 100 on *Discovery calls*. Time for some coaching?",
			"U0NORA: u-1042 scored 61 of 100 on *Discovery calls*.\n<https://acme.mindtickle.example.com/users/u-1042|Open the profile>\n",
		},
		"quiz-passed":   nil,
		"quiz-practice": nil,
		"course-completed": {
			`POST /lms.example.com/xapi/statements {"id":"fb683dcf-841a-5a7f-aef6-32fbb47485cf","actor":{"account":{"homePage":"https://acme.mindtickle.example.com","name":"u-1042"}},"verb":{"id":"http://adlnet.gov/expapi/verbs/completed"},"object":{"id":"https://acme.mindtickle.example.com/courses/c-310","definition":{"name":{"en":"Selling with stories"}}},"result":{"completion":true,"score":{"raw":78}},"timestamp":"2026-03-02T09:30:00Z"}`,
			`PATCH /acme.my.salesforce.com/services/data/v62.0/sobjects/Contact/MindTickle_Id__c/u-1042?updateOnly=true {"Training_Status__c":"Completed","Last_Course__c":"Selling with stories","Last_Course_Score__c":78,"Last_Course_Date__c":"2026-03-02"}`,
		},
		"user-provisioned": {
			`POST /enablement.example.com/api/programmes/onboarding/enrolments {"user":"u-3007","role":"Account Executive","team":"emea-west"}`,
			"mail to maya.iyer@example.com: Welcome to the team",
		},
		"user-deprovisioned":    {"DELETE /access.example.com/api/users/u-0815/grants?reason=left+the+company "},
		"module-finished":       {`POST /leaderboard.example.com/api/scores {"user":"u-1042","module":"m-77","minutes":45.2}`},
		"module-halfway":        nil,
		"certification-expired": nil, // below
	} {
		t.Run(fixture, func(t *testing.T) {
			body, err := os.ReadFile("../../testdata/events/" + fixture + ".json")
			if err != nil {
				t.Fatal(err)
			}
			before := [3]int{len(workspace.got()), len(others.got()), len(mail.got())}
			s.post(fixture, string(body))
			for _, d := range s.settled(fixture) {
				if d.State != record.Done {
					t.Errorf("%s of %s is %s: %s", d.Action, d.Rule, d.State, d.LastError)
				}
			}
			got := arrived(t, workspace.got()[before[0]:], others.got()[before[1]:], mail.got()[before[2]:])
			if fixture == "certification-expired" {
				if len(got) != 2 || !strings.HasPrefix(got[0], "POST /acme.workflows.okta.example.com/api/flo/0f1e2d3c4b5a/invoke") || !strings.HasPrefix(got[1], "mail to certifications@example.com: ") {
					t.Errorf("arrived %q", got)
				}
				return
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +arrived)\n%s", diff)
			}
		})
	}
}

// exampleRules are the example's, with other addresses.
func exampleRules(t *testing.T, slack, others, mail string) string {
	t.Helper()
	text, err := os.ReadFile("../../rules.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules := strings.ReplaceAll(string(text), "      token: {env: SLACK_BOT_TOKEN}\n",
		"      token: {env: SLACK_BOT_TOKEN}\n      api_url: "+slack+"\n      allow_private: true\n      rate: 1000/s\n")
	rules = regexp.MustCompile(`(?m)^      url: https:/(\S+)$`).ReplaceAllString(rules,
		"      url: "+others+"$1\n      allow_private: true")
	return regexp.MustCompile(`(?m)^      smtp: .*\n      username: .*\n      password: .*$`).ReplaceAllString(rules,
		"      smtp: smtp://"+mail+"\n      tls: none\n      allow_private: true")
}

// arrived is what came in, as people would tell it, in order.
func arrived(t *testing.T, messages, calls []call, mails []string) []string {
	t.Helper()
	var all []string
	for _, m := range messages {
		form, err := url.ParseQuery(m.body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(m.path, "/chat.postMessage") {
			all = append(all, form.Get("channel")+": "+form.Get("text"))
		} else if form.Get("email") != "nora@example.com" {
			t.Errorf("looked up %s", form.Get("email"))
		}
	}
	for _, c := range calls {
		all = append(all, c.method+" "+c.path+" "+c.body)
	}
	for _, m := range mails {
		to := regexp.MustCompile(`(?m)^RCPT (.*)$`).FindStringSubmatch(m)
		subject := regexp.MustCompile(`(?m)^Subject: (.*?)\r?$`).FindStringSubmatch(m)
		all = append(all, "mail to "+to[1]+": "+subject[1])
	}
	slices.Sort(all)
	return all
}
