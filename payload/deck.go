package payload

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"
)

const (
	// usualDeck bounds the deck: an inexact weight is off by less than a card in
	// this many, and a trial of a few thousand requests holds a whole deal.
	usualDeck = 4096
	// cardsPerBody is the room for weights when there are many bodies.
	cardsPerBody = 16
	// greatestDeck is how far the deck grows for a rare body, which has one card.
	greatestDeck = 1 << 20
	// exactCard is how far from a whole number of cards still counts as one:
	// above the rounding of shares, below anything that could be measured.
	exactCard = 1e-6
)

// deck deals the numbers of bodies. Each has a number of cards in proportion to
// its weight, and every deal is all cards in a new order, so any deal holds the
// exact mix: sampling with replacement would give each trial another one, and
// that difference would be taken for one of the server.
//
// The order is a permutation computed card by card from the seed and the number
// of the deal: nothing is stored for a deal, so the cards can be asked for in any
// order by any number of goroutines.
type deck struct {
	cards []uint32 // the body on each card, in order of bodies
	left  uint64   // left × right is the domain of the permutation, at least len(cards)
	right uint64
	key   uint64
}

// newDeck makes the deck for weights above zero. The error gives the index of the
// weight that is too small for a card.
func newDeck(weights []float64, seed uint64) (deck, *rareError) {
	var cards []uint32
	counts, size := apportion(weights)
	for body, count := range counts {
		if count == 0 {
			return deck{}, &rareError{body: body, deck: size}
		}
		for range count {
			cards = append(cards, uint32(body))
		}
	}
	left := int(math.Ceil(math.Sqrt(float64(size))))
	return deck{cards: slices.Clip(cards), left: uint64(left), right: uint64((size + left - 1) / left), key: mix(seed ^ deckStream)}, nil
}

// rareError is a body whose weight is too small beside the others.
type rareError struct {
	body int // index of the body
	deck int // cards in the deck
}

// Error gives the reason and the remedy, without the body's name.
func (e *rareError) Error() string {
	return fmt.Sprintf("its weight is so small that fewer than 1 in %d requests would carry it; raise it or leave the body out", e.deck)
}

// apportion gives each weight its number of cards in a deck of size cards: the
// smallest deck in which every weight comes out exactly, else the largest, by
// largest remainder (Hamilton's method). A weight too small for a card has 0.
func apportion(weights []float64) (counts []int, size int) {
	shares := normalize(weights)
	size = deckSize(shares)
	counts = make([]int, len(shares))
	byRemainder := make([]int, len(shares))
	left := size
	for i, share := range shares {
		counts[i] = int(share * float64(size))
		byRemainder[i] = i
		left -= counts[i]
	}
	slices.SortStableFunc(byRemainder, func(a, b int) int {
		return cmp.Compare(shares[b]*float64(size)-float64(counts[b]), shares[a]*float64(size)-float64(counts[a]))
	})
	for _, body := range byRemainder[:left] {
		counts[body]++
	}
	return counts, size
}

// deckSize is the smallest deck in which every share is a whole number of cards.
// When there is none within the limit it is the limit, which is what the rarest
// body needs for its one card where that is more than usual.
func deckSize(shares []float64) int {
	distinct := slices.Compact(slices.Sorted(slices.Values(shares)))
	usual := max(usualDeck, cardsPerBody*len(shares))
	limit := usual
	if rarest := math.Ceil(1/distinct[0] - exactCard); rarest > float64(usual) {
		limit = int(min(rarest, float64(max(usual, greatestDeck))))
	}
	for size := len(shares); size < limit; size++ {
		exact := !slices.ContainsFunc(distinct, func(share float64) bool {
			cards := share * float64(size)
			return cards < 0.5 || math.Abs(cards-math.Round(cards)) > exactCard
		})
		if exact {
			return size
		}
	}
	return limit
}

// normalize scales weights to a sum of 1. It divides by the greatest first, so
// that no sum overflows.
func normalize(weights []float64) []float64 {
	greatest, sum := slices.Max(weights), 0.0
	for _, weight := range weights {
		sum += weight / greatest
	}
	shares := make([]float64, len(weights))
	for i, weight := range weights {
		shares[i] = weight / greatest / sum
	}
	return shares
}

// at is the body of the k-th card, counting through all deals.
func (d *deck) at(k uint64) int {
	size := uint64(len(d.cards))
	if size == 1 {
		return 0
	}
	key, card := mix(d.key+k/size), k%size
	// Walk the cycle until it is back among the cards (Black and Rogaway,
	// "Ciphers with Arbitrary Finite Domains", 2002): still a permutation of
	// them. The domain is larger by less than left, so this rarely repeats.
	for {
		card = d.permute(card, key)
		if card < size {
			return int(d.cards[card])
		}
	}
}

// rounds of the Feistel network. With 10, some orders of a deck of five come 11 %
// too often; with 14 none is off by more than chance allows in 2 million deals.
const rounds = 14

// permute is a Feistel network on pairs (l, r) with l < left and r < right. Each
// round adds to one half a number that depends on the other half alone, which
// can be undone, so the whole is a permutation of left × right numbers.
func (d *deck) permute(x, key uint64) uint64 {
	l, r := x/d.right, x%d.right
	for round := uint64(0); round < rounds; round += 2 {
		if l += below(mix(key+round<<32+r), d.left); l >= d.left {
			l -= d.left
		}
		if r += below(mix(key+(round+1)<<32+l), d.right); r >= d.right {
			r -= d.right
		}
	}
	return l*d.right + r
}

// below scales 64 uniform bits to 0..n-1. Its bias, n/2⁶⁴, is nothing here.
func below(uniform, n uint64) uint64 {
	high, _ := bits.Mul64(uniform, n)
	return high
}

// The streams keep uses of one seed apart from each other.
const (
	deckStream     = 0xdec4_5eed
	templateStream = 0x7e39_1a7e
)

// mix spreads every bit of x over all bits of the result, one to one: the
// finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom
// Number Generators", 2014), with its increment first so that 0 is not a fixed
// point.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
