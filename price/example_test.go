package price_test

import (
	"fmt"

	"plimsoll/price"
)

func ExampleOf() {
	p, _ := price.Of("ml.m5.xlarge", "us-east-1")
	fmt.Println(p)

	elsewhere, _ := price.Of("ml.m5.xlarge", "eu-central-1")
	fmt.Println(elsewhere)
	// Output:
	// 0.23 USD an hour (us-east-1, list of 2026-09)
	// about 0.23 USD an hour (us-east-1, list of 2026-09)
}
