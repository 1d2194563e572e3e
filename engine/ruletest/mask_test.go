package ruletest

import (
	"strings"
	"testing"

	"heed/engine/event"
)

func TestMasker_hasTheSamePseudonymWithTheSameKey(t *testing.T) {
	key := []byte("a key")
	body := []byte(`{"event":"quiz.submitted","companyId":"acme","data":{"userId":"u-1042","score":61}}`)
	one, two := NewMasker(event.Standard(), key), NewMasker(event.Standard(), key)
	if !one.Learn(body) {
		t.Fatal("the body is not an event")
	}
	pseudonym := two.Value("u-1042", "userId")
	if !strings.HasPrefix(pseudonym, "user-") || strings.Contains(pseudonym, "1042") {
		t.Errorf("the pseudonym is %q", pseudonym)
	}
	if got := one.Text("u-1042 scored 61"); got != pseudonym+" scored 61" {
		t.Errorf("the text is %q", got)
	}
	if other := NewMasker(event.Standard(), []byte("another")).Value("u-1042", "userId"); other == pseudonym {
		t.Error("the pseudonym does not depend on the key")
	}
}

func TestMasker_leavesNoPersonalValue(t *testing.T) {
	m := NewMasker(event.Standard(), []byte("k"))
	body := []byte(`{"event":"user.provisioned","data":{"userId":"u-7","email":"maya@example.com","note":"call +49 30 1234567"}}`)
	masked := string(m.Body(body)) + string(m.JSON([]byte(`{"u-7":["maya@example.com",7,"u-7: hi nora@example.com"]}`)))
	for _, personal := range []string{"u-7", "maya", "nora", "1234567"} {
		if strings.Contains(masked, personal) {
			t.Errorf("%s is in %s", personal, masked)
		}
	}
	if got := string(m.Body([]byte("{no event: maya"))); strings.Contains(got, "maya") {
		t.Errorf("what is not an event is shown: %s", got)
	}
}
