package actions

import (
	"bytes"

	"heed/engine/document"
	"heed/engine/schema"
)

// RetryOn describes answers after which another try can help, though their
// status would make the delivery dead.
type RetryOn struct {
	// Status is the answer's status; zero for any.
	Status int
	// Body is a part of the answer's body; empty for any.
	Body string
}

// Matches says whether an answer is one of them.
func (r RetryOn) Matches(status int, body []byte) bool {
	return (r.Status == 0 || r.Status == status) && bytes.Contains(body, []byte(r.Body))
}

// The status codes of answers.
const minStatus, maxStatus = 200, 599

// RetryOn takes "on" of the action's retry: a list of status codes, and of
// {status: 400, body: TEXT} for those answers whose body contains the text.
func (c *Config) RetryOn() []RetryOn {
	if c.retry == nil {
		return nil
	}
	node := c.retry.Take("on")
	if node == nil {
		return nil
	}
	items := node.Items()
	if node.IsScalar() || node.IsObject() {
		items = []*document.Node{node}
	}
	var on []RetryOn
	for _, item := range items {
		if answer, ok := c.readRetryOn(item); ok {
			on = append(on, answer)
		}
	}
	return on
}

func (c *Config) readRetryOn(item *document.Node) (on RetryOn, ok bool) {
	if item.IsObject() {
		fields := item.Fields(c.Report(), "on in "+c.retry.What())
		on.Status, _ = fields.Int("status", minStatus, maxStatus)
		on.Body, _ = fields.Text("body")
		fields.Done()
		if on == (RetryOn{}) {
			c.wrongRetryOn(item)
		}
		return on, on != RetryOn{}
	}
	status, isNumber := item.Scalar().(int)
	if !isNumber || status < minStatus || status > maxStatus {
		c.wrongRetryOn(item)
		return RetryOn{}, false
	}
	return RetryOn{Status: status}, true
}

func (c *Config) wrongRetryOn(item *document.Node) {
	c.Report().Errorf(item.Place(), "wrong-type",
		"on in %s takes status codes, and {status, body} with a part of the body, not %s",
		c.retry.What(), item.Describe()).
		Suggest("write on: [404, 423, {status: 400, body: UNABLE_TO_LOCK_ROW}]")
}

// DescribeRetryOn describes what Config.RetryOn takes.
func DescribeRetryOn() *schema.Value {
	status := schema.Whole("the answer's status", minStatus, maxStatus, 404, 423)
	answer := schema.Object("an answer by its status and a part of its body",
		schema.Optional("status", status),
		schema.Optional("body", schema.Text("what the body contains", "UNABLE_TO_LOCK_ROW")),
	)
	answer.MinProperties = 1
	one := &schema.Value{
		Description: "answers after which it is tried again, beyond those that always are",
		Type:        schema.Types{"integer", "object"},
		AnyOf:       []*schema.Value{status.Unexplained(), answer.Unexplained()},
	}
	return schema.OneOrList(one, 1)
}
