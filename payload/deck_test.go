package payload

import (
	"math"
	"slices"
	"sort"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestApportion(t *testing.T) {
	tests := []struct {
		name    string
		weights []float64
		want    []int
	}{
		{"one", []float64{7}, []int{1}},
		{"equal", []float64{2, 2, 2}, []int{1, 1, 1}},
		{"three to one", []float64{3, 1}, []int{3, 1}},
		{"decimals", []float64{0.1, 0.2, 0.7}, []int{1, 2, 7}},
		{"percent", []float64{99, 1}, []int{99, 1}},
		{"thirds and quarters", []float64{1.0 / 3, 1.0 / 4, 5.0 / 12}, []int{4, 3, 5}},
		{"huge weights", []float64{math.MaxFloat64, math.MaxFloat64}, []int{1, 1}},
		{"inexact takes the whole deck", []float64{math.Pi, 1}, []int{3107, 989}}, // 4096 × π/(1+π) = 3106.996
		{"rare body enlarges the deck", []float64{99999, 1}, []int{99999, 1}},
		{"too rare", []float64{1, 1e-9}, []int{1 << 20, 0}},
		{"vanishing", []float64{math.MaxFloat64, math.SmallestNonzeroFloat64}, []int{1 << 20, 0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, size := apportion(test.weights)
			if !slices.Equal(got, test.want) {
				t.Errorf("apportion(%v) = %v, want %v", test.weights, got, test.want)
			}
			sum := 0
			for _, count := range got {
				sum += count
			}
			if sum != size {
				t.Errorf("apportion(%v): the cards add up to %d, want the size %d", test.weights, sum, size)
			}
		})
	}
}

func TestTooRareBodyIsAnError(t *testing.T) {
	_, err := newDeck([]float64{1, 1e-9, 1}, 0)
	if err == nil || err.body != 1 || err.deck != 1<<20 {
		t.Errorf("newDeck(1, 1e-9, 1) = %+v, want the error to name body 1 and 1048576 cards", err)
	}
}

// Every deal holds each body exactly as often as its weight asks for.
func TestDealsHoldTheExactMix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cards := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 60).Draw(t, "cards")
		unit := rapid.SampledFrom([]float64{1, 0.1, 1.0 / 3, 1e-9, 1e12}).Draw(t, "unit")
		weights := make([]float64, len(cards))
		for i, count := range cards {
			weights[i] = float64(count) * unit
		}
		d, err := newDeck(weights, rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatalf("newDeck(%v): %v", weights, err)
		}
		size := uint64(len(d.cards))
		// The last deal before the numbers run out is not whole.
		deal := rapid.Uint64Range(0, math.MaxUint64/size-1).Draw(t, "deal")
		got := make([]int, len(cards))
		for k := deal * size; k < (deal+1)*size; k++ {
			got[d.at(k)]++
		}
		// The deck may be smaller than the sum of cards, by their common divisor.
		for i := range got {
			if got[i]*cards[0] != cards[i]*got[0] {
				t.Fatalf("deal %d of weights %v has %v cards, want them in proportion %v", deal, weights, got, cards)
			}
		}
	})
}

// Any weights at all: the error of a share is less than one card.
func TestSharesAreOffByLessThanACard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Float64Range(1e-3, 1e3), 1, 100).Draw(t, "weights")
		counts, size := apportion(weights)
		for i, share := range normalize(weights) {
			if off := float64(counts[i]) - share*float64(size); math.Abs(off) >= 1 {
				t.Fatalf("apportion(%v): body %d has %d of %d cards, want within one of %v", weights, i, counts[i], size, share*float64(size))
			}
		}
	})
}

func TestPermuteIsAPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 5000).Draw(t, "size")
		d, err := newDeck(slices.Repeat([]float64{1}, size), rapid.Uint64().Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		seen := make([]bool, size)
		for k := range uint64(size) {
			body := d.at(k)
			if seen[body] {
				t.Fatalf("a deck of %d deals body %d twice", size, body)
			}
			seen[body] = true
		}
	})
}

// Every order of a small deck comes about as often, and every place of a larger
// one holds every card about as often. The seeds are fixed, so this cannot flake;
// the bounds are six standard deviations.
func TestDealsAreShuffled(t *testing.T) {
	const deals = 24000
	for size, orders := range map[int]int{2: 2, 3: 6, 4: 24, 5: 120} {
		d, err := newDeck(slices.Repeat([]float64{1}, size), 1)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int]int{}
		for deal := range uint64(deals) {
			order := 0
			for place := range uint64(size) {
				order = order*size + d.at(deal*uint64(size)+place)
			}
			seen[order]++
		}
		want := float64(deals) / float64(orders)
		if len(seen) != orders {
			t.Errorf("a deck of %d was dealt in %d orders, want all %d", size, len(seen), orders)
		}
		for order, count := range seen {
			if math.Abs(float64(count)-want) > 6*math.Sqrt(want) {
				t.Errorf("a deck of %d was dealt in order %d %d times in %d deals, want about %.0f", size, order, count, deals, want)
			}
		}
	}
	const size = 100
	d, err := newDeck(slices.Repeat([]float64{1}, size), 2)
	if err != nil {
		t.Fatal(err)
	}
	var places [size][size]int
	for k := range uint64(deals) {
		places[k%size][d.at(k)]++
	}
	want := float64(deals) / size / size
	for place := range places {
		for card, count := range places[place] {
			if math.Abs(float64(count)-want) > 6*math.Sqrt(want) {
				t.Errorf("card %d came %d times at place %d, want about %.1f", card, count, place, want)
			}
		}
	}
}

func TestSeedsDealDifferently(t *testing.T) {
	weights := slices.Repeat([]float64{1}, 50)
	order := func(seed uint64) []int {
		d, err := newDeck(weights, seed)
		if err != nil {
			t.Fatal(err)
		}
		var bodies []int
		for k := range uint64(100) {
			bodies = append(bodies, d.at(k))
		}
		return bodies
	}
	if !slices.Equal(order(1), order(1)) {
		t.Error("two decks of seed 1 deal differently, want the same")
	}
	if slices.Equal(order(1), order(2)) {
		t.Error("seeds 1 and 2 deal alike, want another order")
	}
	if first := order(1); slices.Equal(first[:50], first[50:]) {
		t.Error("the first two deals of a deck are in one order, want another order")
	}
}

func TestDeckIsSafeForConcurrentUse(t *testing.T) {
	d, err := newDeck([]float64{5, 3, 1, 1}, 9)
	if err != nil {
		t.Fatal(err)
	}
	const requests = 4000
	var want [requests]int
	for k := range want {
		want[k] = d.at(uint64(k))
	}
	if sort.IntsAreSorted(want[:]) {
		t.Fatal("the deck is not shuffled")
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for k := requests - 1; k >= 0; k-- {
				if got := d.at(uint64(k)); got != want[k] {
					t.Errorf("at(%d) = %d among others, want %d", k, got, want[k])
					return
				}
			}
		})
	}
	wait.Wait()
}

func BenchmarkDeck(b *testing.B) {
	d, err := newDeck(slices.Repeat([]float64{1}, 1000), 1)
	if err != nil {
		b.Fatal(err)
	}
	k := uint64(0)
	for b.Loop() {
		d.at(k)
		k++
	}
}
