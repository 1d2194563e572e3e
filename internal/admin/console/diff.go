package console

import "strings"

// diffLine is a line of two texts: in both, or in one only.
type diffLine struct{ Sign, Text string }

// maxDiff bounds how many lines in the middle are compared one by one.
const maxDiff = 2000

// differences are the lines by which two texts differ, with some around them.
func differences(before, after string) (lines []diffLine) {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	const around = 3
	for _, line := range a[max(0, start-around):start] {
		lines = append(lines, diffLine{" ", line})
	}
	lines = append(lines, middle(a[start:len(a)-end], b[start:len(b)-end])...)
	for _, line := range a[len(a)-end : min(len(a), len(a)-end+around)] {
		lines = append(lines, diffLine{" ", line})
	}
	return lines
}

// middle compares lines by their longest common subsequence.
func middle(a, b []string) (lines []diffLine) {
	if len(a) > maxDiff || len(b) > maxDiff {
		for _, line := range a {
			lines = append(lines, diffLine{"-", line})
		}
		for _, line := range b {
			lines = append(lines, diffLine{"+", line})
		}
		return lines
	}
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			lines = append(lines, diffLine{" ", a[i]})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			lines = append(lines, diffLine{"-", a[i]})
			i++
		default:
			lines = append(lines, diffLine{"+", b[j]})
			j++
		}
	}
	return lines
}
