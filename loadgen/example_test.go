package loadgen_test

import (
	"context"
	"fmt"
	"time"

	"plimsoll/arrival"
	"plimsoll/loadgen"
)

// instant is a target that answers at once; a real one is in package httptarget.
type instant struct{}

func (instant) Open(context.Context) (loadgen.Session, error) { return instant{}, nil }
func (instant) Do(loadgen.Request) loadgen.Outcome            { return loadgen.Outcome{Class: loadgen.OK} }
func (instant) Close() error                                  { return nil }
func (instant) Body(uint64, []byte) (int, []byte)             { return 0, nil }

func Example() {
	generator, err := loadgen.New(context.Background(), loadgen.Options{Target: instant{}, Bodies: instant{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer generator.Close()
	m, err := generator.Run(context.Background(), loadgen.Load{
		Schedule: arrival.Constant{Rate: 200},
		Measure:  100 * time.Millisecond,
	})
	fmt.Println(m.Counts.Requests, m.Counts.Successes, err)
	// Output: 20 20 <nil>
}
