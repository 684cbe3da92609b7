// Command plimsoll finds how much load one instance of a machine-learning
// endpoint carries, and the scaling target that follows. See plimsoll --help.
package main

import (
	"os"

	"plimsoll/internal/cli"
)

func main() {
	os.Exit(cli.Main(cli.System()))
}
