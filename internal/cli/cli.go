package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Main runs one command and returns the exit code.
func Main(env Env) int {
	ctx, cancel := env.interruptible()
	defer cancel()
	root := newRoot(env)
	root.SetArgs(env.Args)
	err := root.ExecuteContext(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errInterrupted) && codeOf(err) == exitUnexpected {
		err = errInterrupted
	}
	if err != nil {
		printError(env.Stderr, err, wantsJSON(env.Args))
	}
	return codeOf(err)
}

// wantsJSON is asked before, or in spite of, parsing.
func wantsJSON(args []string) bool {
	for i, a := range args {
		if a == "--output=json" || a == "-o=json" || a == "-ojson" || (a == "--output" || a == "-o") && i+1 < len(args) && args[i+1] == outputJSON {
			return true
		}
	}
	return false
}

const rootHelp = `Plimsoll finds how much load one instance of a machine-learning endpoint carries, and
computes the scaling target that follows: MAX_RPS × SAFETY_FACTOR × 60.

  plimsoll rehearse                                      the whole flow, no endpoint needed
  plimsoll find --url http://127.0.0.1:8080/invocations --payload body.json
  plimsoll load --url … --payload … --rate 100/s --duration 30s
  plimsoll target --peak 412                             the formula alone
  plimsoll pin, apply, verify, lint, restore             the scaling of a SageMaker endpoint
  plimsoll doctor                                        what a run needs, looked through

The settings of a run are flags, and keys of plimsoll.yaml in the working directory or of the
file that --config names; flags win. (Flags only: --config, --resume, --peak, --run, and what says
what may be changed: --pin, --clone, --deploy with its instance types, --yes.)
Results go to standard output, everything else to standard error.`

func newRoot(env Env) *cobra.Command {
	root := &cobra.Command{
		Use: "plimsoll", Short: "Find the load line of an ML endpoint and the scaling target that follows", Long: rootHelp,
		SilenceUsage: true, SilenceErrors: true, Version: version(),
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args:              cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError("unknown command %q: %s", args[0], didYouMean(args[0], commandNames(cmd)))
			}
			return cmd.Help()
		},
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newFind(env), newLoad(env), newTune(env), newRehearse(env), newPlan(env), newTarget(env), newPin(env), newApply(env), newVerify(env), newRestore(env), newLint(env), newDoctor(env), newEmulate(env), newExitCodes())
	return root
}

func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return names
}

var unknownFlag = regexp.MustCompile(`^unknown (?:shorthand )?flag: (?:--(\S+)|'(.)' in )`)

// flagError adds the nearest name to an unknown flag.
func flagError(cmd *cobra.Command, err error) error {
	m := unknownFlag.FindStringSubmatch(err.Error())
	if m == nil || m[1] == "" {
		return coded(exitUsage, fmt.Errorf("%w; see plimsoll %s --help", err, cmd.Name()))
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	hint := didYouMean(m[1], names)
	if slices.Contains(append(settingNames(), scalingNames()...), m[1]) {
		hint = "it is a flag of other commands"
	}
	return usageError("unknown flag --%s: %s", m[1], strings.ReplaceAll(hint, `"`, ""))
}

// noArguments rejects words that are no flags.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError("unexpected %q: %s takes flags only; see plimsoll %s --help", args[0], cmd.Name(), cmd.Name())
	}
	return nil
}

// configFlag is the one flag that is no key of the file that it names.
func configFlag(fs *pflag.FlagSet) {
	fs.String("config", configName, "YAML file with any of these settings")
}

func newExitCodes() *cobra.Command {
	return &cobra.Command{
		Use: "exit-codes", Short: "What the exit codes mean",
		Long: "The exit codes of every command:\n\n" + exitCodeTable(),
	}
}
