package httptarget

import (
	"encoding/binary"
	"math"
)

// The bytes of a header's name (RFC 9110, 5.6.2), as sets of bits: those below 64
// and those from 64 to 127.
const (
	nameBytesLow = 1<<'!' | 1<<'#' | 1<<'$' | 1<<'%' | 1<<'&' | 1<<'\'' | 1<<'*' | 1<<'+' | 1<<'-' | 1<<'.' |
		(1<<10-1)<<'0'
	nameBytesHigh = 1<<('^'-64) | 1<<('_'-64) | 1<<('`'-64) | 1<<('|'-64) | 1<<('~'-64) |
		(1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64)
)

// validNameByte reports whether c may stand in a header's name.
func validNameByte(c byte) bool {
	bits := uint64(nameBytesLow)
	if c >= 64 {
		bits = nameBytesHigh
	}
	return c < 128 && bits>>(c&63)&1 != 0
}

// validValueByte reports whether c may stand in a header's value (RFC 9110, 5.5).
func validValueByte(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }

// validValue reports whether all of p may, eight bytes at a time: a byte below a
// blank, or one that is 0x7f, borrows into its highest bit.
func validValue(p []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(p) >= 8; p = p[8:] {
		x := binary.LittleEndian.Uint64(p)
		del := x ^ 0x7f*ones
		if ((x-0x20*ones)&^x|(del-ones)&^del)&highs == 0 {
			continue
		}
		for _, c := range p[:8] { // a tab, or a false alarm behind a real one
			if !validValueByte(c) {
				return false
			}
		}
	}
	for _, c := range p {
		if !validValueByte(c) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func trimBlanks(p []byte) []byte {
	for len(p) > 0 && isBlank(p[0]) {
		p = p[1:]
	}
	return trimRightBlanks(p)
}

func trimRightBlanks(p []byte) []byte {
	for len(p) > 0 && isBlank(p[len(p)-1]) {
		p = p[:len(p)-1]
	}
	return p
}

// equalFold compares p with lower, which is in lower case, ignoring ASCII case.
func equalFold(p []byte, lower string) bool {
	if len(p) != len(lower) {
		return false
	}
	for i, c := range p {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// parseDecimal reads a number of digits alone, at most math.MaxInt64.
func parseDecimal(p []byte) (n int64, ok bool) {
	for _, c := range p {
		if !isDigit(c) || n > (math.MaxInt64-int64(c-'0'))/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, len(p) > 0
}

// parseHex reads at most 16 hexadecimal digits; a number past math.MaxInt64 is
// refused.
func parseHex(p []byte) (n int64, ok bool) {
	if len(p) == 0 || len(p) > 16 {
		return 0, false
	}
	for _, c := range p {
		switch {
		case isDigit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		if n > math.MaxInt64>>4 {
			return 0, false
		}
		n = n<<4 | int64(c)
	}
	return n, true
}
