package receiver

import (
	"regexp"

	"heed/engine/source"
)

// formula is source.HMAC.Signed in its pieces.
type formula []piece

// piece is a literal text, or a part of the request.
type piece struct {
	kind pieceKind
	text string
}

type pieceKind int

const (
	literal pieceKind = iota
	timestampPart
	idPart
	bodyPart
)

var pieceKinds = map[string]pieceKind{
	source.TimestampPart: timestampPart, source.IDPart: idPart, source.BodyPart: bodyPart,
}

var parts = regexp.MustCompile(`\{(timestamp|id|body)\}`)

func newFormula(signed string) formula {
	var f formula
	add := func(p piece) {
		if p != (piece{}) {
			f = append(f, p)
		}
	}
	end := 0
	for _, at := range parts.FindAllStringIndex(signed, -1) {
		add(piece{text: signed[end:at[0]]})
		add(piece{kind: pieceKinds[signed[at[0]:at[1]]]})
		end = at[1]
	}
	add(piece{text: signed[end:]})
	return f
}
