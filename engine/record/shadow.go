package record

import "time"

// ShadowAlerts are the alerts that a rule in shadow mode would have sent.
type ShadowAlerts struct {
	Alerts int `json:"alerts"`
	// People is the number of people the alerts were about.
	People int       `json:"people"`
	First  time.Time `json:"first,omitzero"`
	Last   time.Time `json:"last,omitzero"`
}
