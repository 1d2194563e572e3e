package outbound

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// pause returns how long an answer asks the sender to wait: by its Retry-After or, if
// it says that a limit is used up, until the limit is reset. Successful answers name
// that time too, but there it means nothing.
func pause(status int, header http.Header, now time.Time) time.Duration {
	if after := RetryAfter(header.Get("Retry-After"), now); after > 0 {
		return after
	}
	usedUp := func(name string) bool { return strings.TrimSpace(header.Get(name)) == "0" }
	if status != http.StatusTooManyRequests && (status < 400 || !slices.ContainsFunc(remainings, usedUp)) {
		return 0
	}
	for _, name := range resets {
		if after := untilReset(header.Get(name), now); after > 0 {
			return after
		}
	}
	return 0
}

// resets are the headers that say when a limit is reset; remainings say what is left
// of it.
var (
	resets     = []string{"X-Rate-Limit-Reset", "X-RateLimit-Reset", "RateLimit-Reset"}
	remainings = []string{"X-Rate-Limit-Remaining", "X-RateLimit-Remaining", "RateLimit-Remaining"}
)

// untilReset reads the time of a reset: seconds since 1970, as Okta and GitHub write
// it, or seconds from now.
func untilReset(text string, now time.Time) time.Duration {
	const year2001 = 1_000_000_000 // more seconds from now than anybody waits
	seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	switch {
	case err != nil || seconds <= 0 || seconds > 1<<40:
		return 0
	case seconds < year2001:
		return time.Duration(seconds) * time.Second
	default:
		// One second more, since the time has no fractions.
		return max(0, time.Unix(seconds, 0).Sub(now)+time.Second)
	}
}

// telling are the headers of an answer that are kept with it: those that say why it
// refuses, and those that the support of an API asks for.
var telling = regexp.MustCompile(
	`(?i)error|reason|request-?id|correlation|rate-?limit|^www-authenticate$|^sforce-limit`)

// saysWhy are the headers that say why a call was refused, as BambooHR's
// X-BambooHR-Error-Message does.
var saysWhy = regexp.MustCompile(`(?i)error.*(message|description|detail)|^x-.*-error$|^x-error$`)

// maxHeaders bounds what is kept of an answer's headers, in bytes.
const maxHeaders = 512

// tellingHeaders writes the headers that are kept, a line each.
func tellingHeaders(header http.Header) string {
	var names []string
	for name := range header {
		if telling.MatchString(name) && header.Get(name) != "" {
			names = append(names, name)
		}
	}
	// What says why comes first: the rest may not fit.
	slices.SortFunc(names, func(a, b string) int {
		if saysWhy.MatchString(a) != saysWhy.MatchString(b) {
			return map[bool]int{true: -1, false: 1}[saysWhy.MatchString(a)]
		}
		return strings.Compare(a, b)
	})
	var lines strings.Builder
	for _, name := range names {
		if line := name + ": " + strings.Join(header[name], ", ") + "\n"; lines.Len()+len(line) <= maxHeaders {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// reasonIn returns the reason for a refusal that a header gives; empty if none does.
func reasonIn(header http.Header) string {
	first, _, _ := strings.Cut(tellingHeaders(header), "\n")
	if name, value, ok := strings.Cut(first, ": "); ok && saysWhy.MatchString(name) {
		return value
	}
	return ""
}
