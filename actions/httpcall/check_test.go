package httpcall_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heed/actions/actiontest"
)

func TestEachMistakeIsReportedAtItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ config, step, want string }{
		"no url":             {`http: {}`, ``, `config:1:7: error: the http action act has no url [missing-key] (write url: https://host/path)`},
		"empty url":          {`http: {url: }`, ``, `config:1:13: error: url of the http action act is empty [missing-key] (write url: https://host/path)`},
		"relative url":       {`http: {url: example.com/api}`, ``, `config:1:13: error: url of the http action act is not an absolute address [bad-url] (write https://example.com/api)`},
		"url with template":  {`http: {url: "https://example.com/{{ data.userId }}"}`, ``, `config:1:13: error: url of the http action act holds a template [template-in-url] (the configured address is fixed; a rule adds path and query)`},
		"url with password":  {`http: {url: "https://u:p@example.com"}`, ``, `config:1:13: warning: url of the http action act holds a password [plain-secret] (send it in headers: {Authorization: {env: NAME}})`},
		"loopback":           {`http: {url: "http://127.0.0.1:9/"}`, ``, `config:1:13: error: url of the http action act: 127.0.0.1 is a loopback, link-local or private address; set allow_private: true for the action if it really lives there [private-address] (add allow_private: true)`},
		"localhost":          {`http: {url: "http://LOCALHOST/"}`, ``, `config:1:13: error: url of the http action act: LOCALHOST is a loopback, link-local or private address; set allow_private: true for the action if it really lives there [private-address] (add allow_private: true)`},
		"private IPv6":       {`http: {url: "http://[::ffff:10.0.0.1]/"}`, ``, `config:1:13: error: url of the http action act: ::ffff:10.0.0.1 is a loopback, link-local or private address; set allow_private: true for the action if it really lives there [private-address] (add allow_private: true)`},
		"allowed private":    {`http: {url: "http://127.0.0.1:9/", allow_private: true}`, ``, ``},
		"url from nowhere":   {`http: {url: {env: UNSET}}`, ``, `config:1:13: error: url of the http action act: the environment variable UNSET is not set [missing-env] (set UNSET where heed runs)`},
		"broken secret url":  {`http: {url: {env: AUTH}}`, ``, `config:1:13: error: url of the http action act is not an absolute address [bad-url] (write https://host/path)`},
		"plain secret":       {`http: {url: https://h, headers: {authorization: Bearer x}}`, ``, `config:1:49: warning: authorization in headers of the http action act stands in the rule file as plain text [plain-secret] (write authorization: {env: NAME} or {file: PATH})`},
		"plain token":        {`http: {url: https://h, headers: {X-Gitlab-Token: x}}`, ``, `config:1:50: warning: X-Gitlab-Token in headers of the http action act stands in the rule file as plain text [plain-secret] (write X-Gitlab-Token: {env: NAME} or {file: PATH})`},
		"plain header":       {`http: {url: https://h, headers: {X-Author: heed, X-Version: 2}}`, ``, ``},
		"bad header name":    {`http: {url: https://h, headers: {"a b": x}}`, ``, `config:1:34: error: "a b" is not a name for a header [bad-header] (write letters, digits and hyphens, such as X-Request-Source)`},
		"empty header name":  {`http: {url: https://h, headers: {"": x}}`, ``, `config:1:34: error: "" is not a name for a header [bad-header] (write letters, digits and hyphens, such as X-Request-Source)`},
		"reserved header":    {`http: {url: https://h, headers: {host: x}}`, ``, `config:1:34: error: the header host is set by heed itself [bad-header] (leave it out)`},
		"own key":            {`http: {url: https://h, headers: {idempotency-key: x}}`, ``, `config:1:34: error: the header idempotency-key is set by heed itself [bad-header] (leave it out)`},
		"header twice":       {`http: {url: https://h, headers: {x-a: 1, X-A: 2}}`, ``, `config:1:42: error: the header X-A is given twice [duplicate-key] (remove one of the two: capital letters make no difference in a header's name)`},
		"broken header":      {`http: {url: https://h, headers: {Authorization: {env: BROKEN}}}`, ``, `config:1:49: error: the header Authorization of the http action act holds a line break or control character [bad-header] (write it on one line, in quotes)`},
		"template in header": {`http: {url: https://h, headers: {X-User: "{{ data.userId }}"}}`, ``, `config:1:42: error: the header X-User of the http action act is fixed: it cannot hold a template [template-not-allowed] (write it under headers in the rule)`},
		"headers as text":    {`http: {url: https://h, headers: x}`, ``, `config:1:33: error: headers of the http action act must be an object of keys and values, not the text "x" [wrong-type] (write headers: {name: value})`},
		"unknown key":        {`http: {url: https://h, header: {}}`, ``, `config:1:24: error: the http action act has no key header [unknown-key] (use "headers")`},

		"step: method":           {lms, `method: FETCH`, `step:1:9: error: there is no method FETCH [wrong-type] (write one of GET, POST, PUT, PATCH, DELETE)`},
		"step: method template":  {lms, `method: "{{ data.userId }}"`, `step:1:9: error: method of the http action act is fixed: it cannot hold a template [template-not-allowed] (an event must not choose where a message goes; write one rule for each method)`},
		"step: query in path":    {lms, `path: /users?id={{ data.userId }}`, `step:1:7: error: path of the http action act holds a ? [bad-path] (put what follows the ? under query: {name: value})`},
		"step: fragment":         {lms, `path: "/users#{{ data.userId }}"`, `step:1:7: error: path of the http action act holds a # [bad-path] (put what follows the ? under query: {name: value})`},
		"step: address in path":  {lms, `path: https://evil.example.com/`, `step:1:7: error: path of the http action act holds a whole address [bad-path] (the address is configured with the action; write only what comes behind it)`},
		"step: space in path":    {lms, `path: /a b`, `step:1:7: error: path of the http action act holds a space, a backslash or a control character [bad-path] (write %20 for a space)`},
		"step: backslash":        {lms, `path: \\evil.example.com`, `step:1:7: error: path of the http action act holds a space, a backslash or a control character [bad-path] (write %20 for a space)`},
		"step: bad escape":       {lms, `path: /100%/{{ data.userId }}`, `step:1:7: error: path of the http action act holds a % that starts no escape [bad-path] (write %25 for a per cent sign)`},
		"step: two bodies":       {lms, "json: {}\nbody: x", `step:2:7: error: the http action act has more than one of json, form and body [two-bodies] (keep one of them)`},
		"step: bad header":       {lms, `headers: {"a:b": x}`, `step:1:11: error: "a:b" is not a name for a header [bad-header] (write letters, digits and hyphens, such as X-Request-Source)`},
		"step: broken header":    {lms, "headers:\n  X-Note: |\n    {{ data.userId }}\n", `step:2:11: error: the header X-Note of the http action act holds a line break or control character [bad-header] (write it on one line, in quotes)`},
		"step: reserved header":  {lms, `headers: {content-length: 1}`, `step:1:11: error: the header content-length is set by heed itself [bad-header] (leave it out)`},
		"step: header twice":     {lms, `headers: {a: 1, A: 2}`, `step:1:17: error: the header A is given twice [duplicate-key] (remove one of the two: capital letters make no difference in a header's name)`},
		"step: plain secret":     {lms, `headers: {Cookie: a=b}`, `step:1:11: warning: Cookie in headers of the http action act stands in the rule file as plain text [plain-secret] (configure it with the action: headers: {Cookie: {env: NAME}})`},
		"step: replaced secret":  {`http: {url: https://h, headers: {Authorization: {env: AUTH}}}`, `headers: {authorization: x}`, `step:1:11: error: the header authorization is a secret of the action's configuration, which a rule cannot replace [bad-header] (leave it out, or configure another action)`},
		"step: expect a word":    {lms, `expect: [200, created]`, `step:1:15: error: expect of the http action act takes status codes from 200 to 599, not the text "created" [wrong-type] (write expect: [200, 409])`},
		"step: expect 100":       {lms, `expect: 100`, `step:1:9: error: expect of the http action act takes status codes from 200 to 599, not 100 [wrong-type] (write expect: [200, 409])`},
		"step: expect nothing":   {lms, `expect: []`, `step:1:9: error: expect of the http action act takes status codes from 200 to 599, not an empty list [wrong-type] (write expect: [200, 409])`},
		"step: timeout":          {lms, `timeout: 1`, `step:1:10: error: timeout of the http action act must be a duration such as 30s, 5m, 24h or 7d, not 1 [wrong-type] (write the unit: 1s, or 1m for minutes)`},
		"step: timeout too long": {lms, `timeout: 1m`, `step:1:10: warning: timeout of the http action act has no effect: the action's own ends an attempt after 15s [no-effect] (raise timeout in the action's configuration)`},
		"step: unknown key":      {lms, `querry: {}`, `step:1:1: error: the http action act has no key querry [unknown-key] (did you mean query?)`},
		"step: unknown field":    {lms, `path: /u/{{ data.userID }}`, `step:1:18: error: quiz.submitted has no field userID [unknown-field] (did you mean data.userId?)`},
		"step: everything": {lms, `
method: put
path: /users/{{ data.userId }}
query: {a: "{{ data.score }}"}
headers: {X-User: "{{ data.userId }}"}
form: {a: "{{ data.score }}"}
timeout: 5s
expect: [200, 409]`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			got := actiontest.Compile(t, rule(c.config, c.step))
			if diff := cmp.Diff(c.want, strings.TrimSuffix(actiontest.Lines(got.Problems), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}
