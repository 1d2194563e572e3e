package httpcall_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"heed/actions/actiontest"
)

func TestBody_escapesValuesInXML(t *testing.T) {
	const hostile = `{"quizName": "<b>]]>&\"' onload=\"x\"\u0000"}`
	const body = `body: '<q name="{{ data.quizName }}"><![CDATA[a > b]]>{{ data.quizName }}</q>'`
	for config, step := range map[string]string{
		`, headers: {Content-Type: "text/xml; charset=utf-8"}`: body,
		`, headers: {content-type: application/soap+xml}`:      body,
		``:                       "headers: {content-type: application/xml}\n" + body,
		`, headers: {Accept: a}`: "headers: {Content-Type: application/atom+xml}\n" + body,
	} {
		s := newSink(t, nil)
		a := actiontest.MustCompile(t, rule(local(s.URL, config), step))
		a.Send(t, hostile)
		var q struct {
			Name string `xml:"name,attr"`
			Text string `xml:",chardata"`
		}
		sent := s.got()[0].Body
		if err := xml.Unmarshal([]byte(sent), &q); err != nil {
			t.Fatalf("%s: %v", sent, err)
		}
		want := "<b>]]>&\"' onload=\"x\"\uFFFD"
		if q.Name != want || q.Text != "a > b"+want {
			t.Errorf("%s arrives as %q", sent, q)
		}
	}
	s := newSink(t, nil)
	actiontest.MustCompile(t, rule(local(s.URL, ""), body)).Send(t, `{"quizName": "<b>"}`)
	if got := s.got()[0].Body; !strings.Contains(got, "<b>") {
		t.Errorf("a body that is no XML is escaped: %s", got)
	}
}

func TestBody_aTemplateInATagOfXMLIsAMistake(t *testing.T) {
	for body, wrong := range map[string]bool{
		`<{{ data.quizName }}>a</x>`:         true,
		`<a {{ data.quizName }}="1"/>`:       true,
		`<a b={{ data.quizName }}/>`:         true,
		`<a b="{{ data.quizName }}"/>`:       false,
		`<a b='{{ data.quizName }}'/>`:       false,
		`<a>{{ data.quizName }}</a>`:         false,
		`<a b="x>y">{{ data.quizName }}</a>`: false,
		`<![CDATA[{{ data.quizName }}]]>`:    false,
	} {
		r := rule(`http: {url: https://h, headers: {Content-Type: text/xml}}`, "body: |\n  "+body)
		got := actiontest.Lines(actiontest.Compile(t, r).Problems)
		if strings.Contains(got, "[template-not-allowed]") != wrong || wrong != (got != "") {
			t.Errorf("%s: %s", body, got)
		}
	}
}
