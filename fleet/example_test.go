package fleet_test

import (
	"fmt"
	"time"

	"plimsoll/fleet"
)

// A burst of five requests reaches an instance with two workers and two waiting
// places: two start at once, two wait, one is turned away.
func Example() {
	model, err := fleet.ParseModel("service=40ms,workers=2,queue=2")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v saturates at %.0f/s\n", model, model.Saturation())

	instance, err := fleet.NewInstance(model, nil) // constant service time: no chance needed
	if err != nil {
		fmt.Println(err)
		return
	}
	for k := range 5 {
		at := time.Duration(k) * time.Millisecond
		if a := instance.Offer(at); a.Rejected {
			fmt.Println(at, "rejected")
		} else {
			fmt.Println(at, "starts", a.Start, "finishes", a.Finish)
		}
	}
	// Output:
	// service=40ms,workers=2,queue=2 saturates at 50/s
	// 0s starts 0s finishes 40ms
	// 1ms starts 1ms finishes 41ms
	// 2ms starts 40ms finishes 80ms
	// 3ms starts 41ms finishes 81ms
	// 4ms rejected
}
