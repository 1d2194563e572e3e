package expression

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/expr-lang/expr/ast"

	"heed/engine/suggest"
)

// zoneNamed is the time zone of that name. The machine's own, Local, is none: a
// rule must decide alike wherever it runs.
func zoneNamed(name string) (zone *time.Location, ok bool) {
	if name == "" || name == "Local" {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// Zone is the time zone of that name; nil if there is none, and hint says which
// was probably meant.
func Zone(name string) (zone *time.Location, hint string) {
	if zone, ok := zoneNamed(name); ok {
		return zone, ""
	}
	return nil, zoneHint(name)
}

// zoneArgument says which argument of a function names a time zone.
var zoneArgument = map[string]int{"hour": 1, "weekday": 1, "format": 2}

// wrongZone looks at the zone that a call of one of heed's functions names.
func wrongZone(function string, args []ast.Node) (Problem, bool) {
	at, takes := zoneArgument[function]
	if !takes || len(args) <= at {
		return Problem{}, false
	}
	zone, isText := args[at].(*ast.StringNode)
	if !isText {
		return Problem{}, false
	}
	if _, ok := zoneNamed(zone.Value); ok {
		return Problem{}, false
	}
	f := badZone.because(zone, quoted(zone.Value))
	f.Hint = zoneHint(zone.Value)
	return f, true
}

// regions are what the names of zones start with.
var regions = []string{"Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian", "America/Argentina", "America/Indiana"}

// zonesOf are the zones of what people name instead of a city.
var zonesOf = map[string]string{
	"india": "Asia/Kolkata", "ist": "Asia/Kolkata", "mumbai": "Asia/Kolkata", "bangalore": "Asia/Kolkata", "bengaluru": "Asia/Kolkata", "delhi": "Asia/Kolkata", "pune": "Asia/Kolkata",
	"germany": "Europe/Berlin", "deutschland": "Europe/Berlin", "munich": "Europe/Berlin", "hamburg": "Europe/Berlin", "cest": "Europe/Berlin", "mez": "Europe/Berlin", "mesz": "Europe/Berlin",
	"france": "Europe/Paris", "spain": "Europe/Madrid", "italy": "Europe/Rome", "netherlands": "Europe/Amsterdam",
	"uk": "Europe/London", "england": "Europe/London", "bst": "Europe/London",
	"edt": "America/New_York", "et": "America/New_York", "eastern": "America/New_York", "boston": "America/New_York",
	"cst": "America/Chicago", "cdt": "America/Chicago", "central": "America/Chicago", "mdt": "America/Denver", "mountain": "America/Denver",
	"pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "pacific": "America/Los_Angeles", "san francisco": "America/Los_Angeles", "california": "America/Los_Angeles",
	"japan": "Asia/Tokyo", "jst": "Asia/Tokyo", "china": "Asia/Shanghai", "beijing": "Asia/Shanghai", "brazil": "America/Sao_Paulo",
	"aest": "Australia/Sydney", "aedt": "Australia/Sydney", "utc": "UTC", "gmt": "UTC", "z": "UTC",
}

// commonZones are those of which a slip of the pen is known.
var commonZones = []string{
	"UTC", "Europe/Berlin", "Europe/London", "Europe/Paris", "Europe/Madrid", "Europe/Amsterdam", "Europe/Zurich", "Europe/Vienna", "Europe/Rome", "Europe/Dublin", "Europe/Warsaw",
	"America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Toronto", "America/Sao_Paulo",
	"Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo", "Asia/Shanghai", "Asia/Dubai", "Australia/Sydney",
}

// offset is a zone that is given as so many hours from another one.
var offset = regexp.MustCompile(`^[A-Za-z]*\s*[-+−]\s*\d`)

// zoneHint says which zone somebody probably meant.
func zoneHint(name string) string {
	const write = "write a region and a city, as in Europe/Berlin, America/New_York or Asia/Kolkata, or UTC"
	switch {
	case offset.MatchString(name):
		return "a fixed offset is no zone: " + write
	case name == "Local":
		return "the machine's own zone would decide differently elsewhere: " + write
	}
	words := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(name, "_", " ")), " "))
	if zone := cmp.Or(zoneByCity(words), zonesOf[words[strings.LastIndexByte(words, '/')+1:]], suggest.Closest(name, commonZones)); zone != "" {
		return "write " + zone
	}
	return write
}

// zoneByCity finds a zone by its city, or by all of its name, whatever its
// capitals and whether its words are joined.
func zoneByCity(words string) string {
	parts := strings.Split(words, "/")
	for i, part := range parts {
		parts[i] = capitalised(part)
	}
	name := strings.Join(parts, "/")
	for _, zone := range slices.Concat([]string{name}, inRegions(parts[len(parts)-1])) {
		if _, ok := zoneNamed(zone); ok && strings.Contains(zone, "/") {
			return zone
		}
	}
	return ""
}

func inRegions(city string) []string {
	var zones []string
	for _, region := range regions {
		zones = append(zones, region+"/"+city)
	}
	return zones
}

// capitalised writes "new york" as zones do: New_York.
func capitalised(words string) string {
	parts := strings.Fields(words)
	for i, part := range parts {
		letters := []rune(part)
		letters[0] = unicode.ToUpper(letters[0])
		parts[i] = string(letters)
	}
	return strings.Join(parts, "_")
}
