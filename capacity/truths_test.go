package capacity

import (
	"flag"
	"fmt"
	"testing"
)

// instancesEach is how many instances of each archetype have a truth. The search
// was tuned on the first half; the second is held out.
const instancesEach = 12

var printTruths = flag.Bool("truths", false, "recompute and print the truths of the archetypes (minutes)")

func TestTruths(t *testing.T) {
	if len(truths) != len(archetypes) {
		t.Errorf("%d truths for %d archetypes", len(truths), len(archetypes))
	}
	if *printTruths {
		for a := range archetypes {
			fmt.Printf("\t%q: {", archetypes[a].name)
			for k := range instancesEach {
				fmt.Printf("%.5g, ", longRunPeak(instanceOf(a, k), 4e5, 100))
			}
			fmt.Printf("},\n")
		}
	}
}

// truths are the peaks of the archetypes' instances by longRunPeak with 4e5
// requests a rate, within about 0.3 %; recompute them (minutes) with
//
//	go test ./capacity -run Truths -truths -v
var truths = map[string][instancesEach]float64{
	"mmc":      {43.875, 998.75, 563.22, 46.293, 685.93, 586.03, 244.81, 771.93, 206.51, 388.2, 866.19, 469.55},
	"mdc":      {78.634, 16.345, 29.384, 236.61, 699.92, 33.239, 153.19, 216.32, 306.75, 57.906, 42.296, 127.23},
	"batch":    {1006.2, 325.1, 506.6, 239.73, 855.51, 3625.8, 485.69, 729.51, 557.52, 376.74, 467.96, 900.13},
	"queue503": {76.177, 228.84, 123.99, 118.25, 462.41, 322.46, 64.032, 180.33, 77.066, 202.91, 106.76, 226.68},
	"gc":       {309.79, 1156.7, 1145.5, 110.32, 48.178, 85.81, 268.08, 67.801, 397.36, 237.88, 478.66, 732.67},
	"logn":     {510.2, 1080, 1851.4, 2280.7, 385.45, 174.72, 165.2, 1360, 151.04, 123.36, 537.82, 337.63},
	"ps":       {69.46, 84.461, 193.54, 691.89, 428.94, 163.71, 276.53, 164.3, 408.05, 192.95, 289.33, 296.96},
	"token":    {208.49, 258.34, 245.83, 33.338, 367.77, 63.734, 484.82, 185.34, 81.765, 120.86, 82.257, 544.61},
	"warmup":   {130.22, 227, 183.64, 189.24, 873.14, 712.06, 208.05, 78.04, 857.44, 753.39, 308.74, 212.25},
	"usl":      {499.09, 171.38, 125.08, 301.53, 506.96, 423.92, 439.88, 404.13, 311.91, 203.73, 505.88, 521.28},
	"bimodal":  {495.83, 366.26, 169.29, 236.41, 512.44, 177.25, 547.85, 352.41, 283.74, 389.92, 660.39, 150.93},
	"noisy":    {258.52, 215.91, 349.14, 528.36, 255.85, 255.67, 276.46, 546.33, 103.97, 56.433, 379.64, 191.66},
	"slow1":    {10.649, 15.659, 6.3479, 13.625, 10.853, 8.1451, 12.28, 8.1812, 11.727, 10.957, 7.6091, 17.68},
	"satur":    {546.43, 260.93, 904.4, 269.78, 243.69, 315.17, 765.09, 733.73, 643.68, 209.29, 104.6, 370.75},
	"fast":     {1583.7, 1726.6, 1050.5, 2135.2, 1135.5, 1248.8, 1207, 1723.9, 1624, 1264.4, 2764.2, 975.51},
}
