package expression

// replaced maps library functions to heed's own versions. The library's follow Go's map
// order, define equality differently, or round whole numbers.
var replaced = map[string]func(f *frame, args []any) any{
	"keys":    keysOf,
	"values":  valuesOf,
	"toPairs": pairsOf,
	"uniq":    distinctOf,
	"sort":    sortOf,

	"abs":    absOf,
	"ceil":   ceilOf,
	"floor":  floorOf,
	"int":    intOf,
	"float":  floatOf,
	"max":    ofNumbers("max", maxOf),
	"min":    ofNumbers("min", minOf),
	"mean":   ofNumbers("mean", meanOf),
	"median": ofNumbers("median", medianOf),

	"fromJSON": fromJSON,
}
