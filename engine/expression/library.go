package expression

// replaced are functions of the library that heed has of its own, by their
// names: the library's follow Go's map order, have another idea of what is
// equal, or round whole numbers.
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
