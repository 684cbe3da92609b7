package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"plimsoll/experiment"
)

// Exit codes. They are part of the interface: docs/commands.md and
// `plimsoll help exit-codes` show this table.
const (
	exitOK            = 0
	exitUnexpected    = 1
	exitUsage         = 2
	exitUnreachable   = 3
	exitRefused       = 4
	exitCredentials   = 5
	exitDeclined      = 6
	exitAWS           = 7
	exitMissed        = 10
	exitClientLimited = 11
	exitInconclusive  = 12
	exitLimitReached  = 13
	exitMistake       = 14
	exitUnfit         = 15
	exitNoScaling     = 16
	exitScalingMissed = 17
	exitRecord        = 20
	exitLeftovers     = 21
	exitInterrupted   = 130
	exitAborted       = 131
)

type exitCode struct {
	code    int
	meaning string
}

// exitCodes is the documented table.
func exitCodes() []exitCode {
	return []exitCode{
		{exitOK, "found: a valid peak with an interval and a target (load: held and measured; --mode sweep: the curve)"},
		{exitUnexpected, "an error that none of the others describes"},
		{exitUsage, "bad usage: a flag, a key of the YAML file, an objective, a payload"},
		{exitUnreachable, "the endpoint cannot be reached: name, connection, TLS, or it stopped taking connections"},
		{exitRefused, "the endpoint refused the probe, or did not answer it in time"},
		{exitCredentials, "AWS: there are no credentials, or they, the signature or the permission were refused"},
		{exitDeclined, "the changes that were shown were not confirmed: nothing was changed"},
		{exitAWS, "AWS did not show or change the endpoint: it is missing, being changed, broken, over a quota; or AWS failed"},
		{exitMissed, "an objective is missed: even at the lightest load (find), at the load held (load)"},
		{exitClientLimited, "client limited: the generator gave out first, so there is only a lower bound (load: the load was not held)"},
		{exitInconclusive, "inconclusive: no believable peak (--mode sweep: no believable curve) within the budget (load: CloudWatch counted something else than was sent; verify: not decided)"},
		{exitLimitReached, "limit reached: --max-rate, --max-concurrency or --max-requests ended it, so there is only a lower bound; or --max-duration or --max-cost did, or would have before its end"},
		{exitMistake, "lint: the scaling does not do what it is for"},
		{exitUnfit, "doctor: a check failed, so that a run would not work, or would measure something else"},
		{exitNoScaling, "verify: the policy does not scale, or does not protect the objective"},
		{exitScalingMissed, "verify: the policy works, and a scaling objective (--recover, --errors, --back-to-min, --flaps) is missed"},
		{exitRecord, "the run's directory cannot be written or read: it exists, is in use, is no run, or the disk is full"},
		{exitLeftovers, "changes of an endpoint are left: they are listed, and plimsoll restore tries again"},
		{exitInterrupted, "interrupted: what was measured is in the run's directory, marked as partial"},
		{exitAborted, "interrupted twice: left at once"},
	}
}

// exitCodeTable is the table as text.
func exitCodeTable() string {
	var b strings.Builder
	for _, c := range exitCodes() {
		fmt.Fprintf(&b, "  %3d  %s\n", c.code, c.meaning)
	}
	return b.String()
}

// exitError is an outcome with its exit code. Said is true when the outcome has
// been shown already, as a result.
type exitError struct {
	code int
	err  error
	said bool
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// coded gives an error its exit code.
func coded(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: code, err: err}
}

func usageError(format string, args ...any) error {
	return coded(exitUsage, fmt.Errorf(format, args...))
}

// codeOf is the one place that turns an error into an exit code.
func codeOf(err error) int {
	var coded *exitError
	var unreachable *experiment.UnreachableError
	var refused *experiment.ControlError
	var unauthorized *experiment.UnauthorizedError
	var limit *experiment.LimitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &refused) && refused.Problem == experiment.ProblemLeftovers:
		return exitLeftovers // also of a run that was interrupted: they may cost money
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &coded):
		return coded.code
	case errors.As(err, &unreachable) && unreachable.OfClient():
		return exitClientLimited
	case errors.As(err, &unreachable):
		return exitUnreachable
	case errors.As(err, &refused):
		return controlCode(refused.Problem)
	case errors.As(err, &limit):
		return exitLimitReached
	case errors.As(err, &unauthorized):
		return exitCredentials
	default:
		return exitUnexpected
	}
}

// printError prints an error once: a line a problem, or JSON where that was asked for.
func printError(w io.Writer, err error, asJSON bool) {
	var coded *exitError
	if errors.As(err, &coded) && coded.said {
		return
	}
	if asJSON {
		line, _ := json.Marshal(map[string]any{"error": err.Error(), "exit_code": codeOf(err)}) //nolint:errchkjson // a string and a number
		say(w, string(line))
		return
	}
	for line := range strings.Lines(strings.TrimSpace(err.Error())) {
		say(w, "plimsoll: "+strings.TrimRight(line, "\n"))
	}
}
