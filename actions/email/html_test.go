package email_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"heed/actions/actiontest"
)

func mailWith(html string) string {
	text, _ := json.Marshal(html)
	return fmt.Sprintf(`{to: a@example.com, subject: a, html: %s}`, text)
}

func TestHTML_valuesAreEscapedForWhereTheyStand(t *testing.T) {
	for _, c := range []struct{ html, value, want string }{
		{`<p>{{ data.quizName }}</p>`, `<b>&"'`, `<p>&lt;b&gt;&amp;&#34;&#39;</p>`},
		{`<p title="{{ data.quizName }}">x</p>`, `"><script>`, `<p title="&#34;&gt;&lt;script&gt;">x</p>`},
		{`<a href="https://lms.example.com/users/{{ data.quizName }}">x</a>`, `auth0|a/../admin`, `<a href="https://lms.example.com/users/auth0%7Ca%2F..%2Fadmin">x</a>`},
		{`<a href="https://lms.example.com/users/{{ data.quizName }}/x">x</a>`, `..`, `<a href="https://lms.example.com/users//x">x</a>`},
		{`<a href="https://lms.example.com/?q={{ data.quizName }}&b=1">x</a>`, `a&b=c#d "`, `<a href="https://lms.example.com/?q=a%26b%3Dc%23d%20%22&b=1">x</a>`},
		{`<a href='https://lms.example.com/{{ data.quizName }}'>x</a>`, `'onclick='x`, `<a href='https://lms.example.com/%27onclick%3D%27x'>x</a>`},
		{`<a title="a" href="https://lms.example.com/it's/{{ data.quizName }}">x</a>`, `'`, `<a title="a" href="https://lms.example.com/it's/%27">x</a>`},
		{`<p style="background: url('https://lms.example.com/{{ data.quizName }}')">x</p>`, `')`, `<p style="background: url('https://lms.example.com/%27%29')">x</p>`},
		{`<a href="mailto:{{ data.quizName }}">x</a>`, `ada@example.com?bcc=evil@example.com`, `<a href="mailto:ada@example.com%3Fbcc%3Devil@example.com">x</a>`},
		{`<td style="width: {{ data.quizName }}%">x</td>`, `57`, `<td style="width: 57%">x</td>`},
		{`<td style="width: {{ data.quizName }}%">x</td>`, `1; background: url(//evil)`, `<td style="width: %">x</td>`},
		{`<!--[if mso]><table><![endif]--><p>{{ data.quizName }}</p>`, `<`, `<!--[if mso]><table><![endif]--><p>&lt;</p>`},
		{`<title>{{ data.quizName }}</title>`, `</title>`, `<title>&lt;/title&gt;</title>`},
		{`{{{{ is literal {{ data.quizName }}`, `x`, `{{ is literal x`},
		{`<script>var a = "fixed"</script><p>`, ``, `<script>var a = "fixed"</script><p>`},
	} {
		a := actiontest.MustCompile(t, rule(ok, mailWith(c.html)))
		data, _ := json.Marshal(map[string]string{"quizName": c.value})
		var r struct{ HTML string }
		if err := json.Unmarshal(a.MustRender(t, string(data)), &r); err != nil {
			t.Fatal(err)
		}
		if r.HTML != c.want {
			t.Errorf("%s with %q is\n%s, want\n%s", c.html, c.value, r.HTML, c.want)
		}
	}
}

func TestHTML_aValueThatWouldChooseIsAnError(t *testing.T) {
	for html, want := range map[string]string{
		`<a href="{{ data.quizName }}">x</a>`:                                            "template-in-url",
		`<a href="https://{{ data.quizName }}">x</a>`:                                    "template-in-url",
		`<a href="https://{{ data.quizName }}.example.com/">x</a>`:                       "template-in-url",
		`<a href="https://lms.example.com{{ data.quizName }}">x</a>`:                     "template-in-url",
		`<a href="/users/{{ data.quizName }}">x</a>`:                                     "template-in-url",
		`<a href="java{{ data.quizName }}">x</a>`:                                        "template-in-url",
		`<img src="{{ data.quizName }}">`:                                                "template-in-url",
		`<img srcset="{{ data.quizName }} 2x">`:                                          "template-in-url",
		`<a href="https://a.example/" PING="{{ data.quizName }}">x</a>`:                  "template-in-url",
		`<img dynsrc = 'https://{{ data.quizName }}'>`:                                   "template-in-url",
		`<a href=https://lms.example.com/{{ data.quizName }}>x</a>`:                      "bad-html",
		`<a href="javascript:x('https://a.example/{{ data.quizName }}')">x</a>`:          "bad-html",
		`<a href="javascript:x='mailto:{{ data.quizName }}'">x</a>`:                      "bad-html",
		`<a href='&#106;avascript://a.example/%0a{{ data.quizName }}'>x</a>`:             "bad-html",
		`<a title="a" href='"https://a.example/{{ data.quizName }}'>x</a>`:               "template-in-url",
		`<iframe SRCDOC = '{{ data.quizName }}'></iframe>`:                               "bad-html",
		`<svg><a><animate attributeName="href" to="{{ data.quizName }}"/></a></svg>`:     "bad-html",
		`<svg><a><SET attributeName="href" to="https://{{ data.quizName }}"/></a></svg>`: "bad-html",
		`<p title={{ data.quizName }}>x</p>`:                                             "bad-html",
		`<p {{ data.quizName }}="x">x</p>`:                                               "bad-html",
		`<p></{{ data.quizName }}>x`:                                                     "bad-html",
		`<{{ data.quizName }}>x`:                                                         "bad-html",
		`<script>var a = {{ data.quizName }}</script>`:                                   "bad-html",
		`<p onclick="f('{{ data.quizName }}')">x</p>`:                                    "bad-html",
		`<!-- {{ data.quizName }} -->`:                                                   "bad-html",
		`<a href="https://lms.example.com/{{ data.quizName }}>x</a>`:                     "bad-html",
	} {
		c := actiontest.Compile(t, rule(ok, mailWith(html)))
		var codes []string
		for _, p := range c.Problems {
			codes = append(codes, p.Code)
		}
		if strings.Join(codes, " ") != want {
			t.Errorf("%s: %v, want %s", html, c.Problems, want)
		}
	}
}

func TestTo_anEventDoesNotChooseTheDomain(t *testing.T) {
	for to, want := range map[string]string{
		`"x@{{ data.quizId }}"`:                "unsafe-address",
		`"x@{{ data.quizId }}.example.com"`:    "unsafe-address",
		`"A <x@{{ data.quizId }}>"`:            "unsafe-address",
		`"{{ data.userId }}@example.com"`:      "",
		`"{{ data.email }}"`:                   "",
		`"A b <{{ data.email }}>"`:             "",
		`"{{ data.userId }}.x@example.com"`:    "",
		`[a@b.example, "x@{{ data.quizId }}"]`: "unsafe-address",
	} {
		c := actiontest.Compile(t, rule(ok, `{to: `+to+`, subject: a, text: a}`))
		got := ""
		for _, p := range c.Problems {
			got += p.Code
		}
		if got != want {
			t.Errorf("%s: %q, want %q", to, got, want)
		}
	}
}
