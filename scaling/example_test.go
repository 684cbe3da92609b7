package scaling_test

import (
	"fmt"

	"plimsoll/scaling"
)

func Example() {
	target, err := scaling.FromPeak(scaling.PerSecond(412).PerMinute(), scaling.DefaultSafetyFactor)
	fmt.Println(target.Formula(false), err)
	// Output: 412/s × 0.5 × 60 = 12360/min <nil>
}
