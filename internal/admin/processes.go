package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"heed/engine/record"
)

// maxSkew is how far the clock of a process may be from the store's before somebody
// should look: leases and rates are kept by it.
const maxSkew = time.Second

// addProcesses adds the processes that share the store, and what is wrong with them.
func (st *Status) addProcesses(processes []record.Process) {
	st.Processes = append(st.Processes, processes...)
	names := map[string][]string{} // by rule set
	for _, p := range processes {
		name := fmt.Sprintf("%s (process %d)", p.Host, p.PID)
		if p.Gone {
			st.problem("%s has not been heard of since %s: start it again, unless it is not wanted any more",
				name, p.SeenAt.Format(time.RFC3339))
			continue
		}
		names[p.RuleSet] = append(names[p.RuleSet], name)
		if p.Skew > maxSkew || p.Skew < -maxSkew {
			st.problem("the clock of %s is %s away from that of the database: set it by NTP",
				name, p.Skew.Abs().Round(time.Millisecond))
		}
	}
	if len(names) < 2 {
		return
	}
	var parts []string
	for _, hash := range slices.Sorted(maps.Keys(names)) {
		parts = append(parts, fmt.Sprintf("%s on %s", hash[:min(12, len(hash))], strings.Join(names[hash], ", ")))
	}
	st.problem("the processes do not have the same rules: %s; give all of them the same files",
		strings.Join(parts, "; "))
}
