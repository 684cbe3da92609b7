package capacity

import (
	"flag"
	"fmt"
	"testing"
)

var printTruths = flag.Bool("truths", false, "recompute and print the truths of the archetypes (minutes)")

func TestTruths(t *testing.T) {
	if *printTruths {
		for a := range archetypes {
			fmt.Printf("\t%q: {", archetypes[a].name)
			for k := range 6 {
				fmt.Printf("%.5g, ", longRunPeak(instanceOf(a, k), 4e5, 100))
			}
			fmt.Printf("},\n")
		}
	}
}
