package sagemaker

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"plimsoll/diagnosis"
	"plimsoll/emulator"
	"plimsoll/experiment"
)

// TestCaller asks an account who is calling, what for, and what may be had.
func TestCaller(t *testing.T) {
	inAccount(t, 1, emulator.Options{InstanceQuota: 6}, func(t *testing.T, a *account) {
		c := a.control.Caller()
		if _, ok := c.Skew(); ok {
			t.Error("Skew() is known before anything was asked")
		}
		found, err := c.Credentials(t.Context())
		if want := (diagnosis.Credentials{Source: "the environment", KeyEnding: "soll"}); err != nil || found != want {
			t.Errorf("Credentials = %+v, %v; want %+v", found, err, want)
		}
		who, err := c.Identity(t.Context())
		if err != nil || who.ARN != "arn:aws:iam::"+emulator.DefaultAccount+":user/plimsoll" || who.Account != emulator.DefaultAccount {
			t.Errorf("Identity = %+v, %v", who, err)
		}
		if ahead, ok := c.Skew(); !ok || ahead.Abs() > time.Second {
			t.Errorf("Skew() = %v, %v; want next to nothing", ahead, ok)
		}
		for instanceType, want := range map[string]int{"ml.m5.xlarge": 6, "ml.t2.medium": 6} {
			if n, err := c.Quota(t.Context(), instanceType); err != nil || n != want {
				t.Errorf("Quota(%s) = %d, %v; want %d", instanceType, n, err, want)
			}
		}
		if _, err := c.Quota(t.Context(), "ml.nothing.large"); err == nil || !strings.Contains(err.Error(), `none that is called "ml.nothing.large for endpoint usage"`) {
			t.Errorf("Quota of a type that does not exist: %v", err)
		}
		if got := a.control.RegionSource(); !strings.Contains(got, "environment") {
			t.Errorf("RegionSource() = %q, want the environment", got)
		}
	})
}

// TestEveryReadCanBeTried: whatever the table of permissions has that only reads, is
// tried by a call, which is the one that the permission is for.
func TestEveryReadCanBeTried(t *testing.T) {
	for _, p := range diagnosis.Permissions() {
		if p.Writes || p.On == diagnosis.OnModel {
			continue
		}
		_, operation, _ := strings.Cut(p.Action, ":")
		inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
			if err := a.control.Caller().Try(t.Context(), p.Action, demo); err != nil {
				t.Errorf("Try(%s) = %v, want it allowed", p.Action, err)
			}
		})
		inAccount(t, 1, emulator.Options{Faults: emulator.Faults{AccessDenied: []string{operation}}}, func(t *testing.T, a *account) {
			err := a.control.Caller().Try(t.Context(), p.Action, demo)
			if refused, ok := errors.AsType[*experiment.ControlError](err); !ok || refused.Problem != experiment.ProblemDenied {
				t.Errorf("Try(%s) with it denied = %v, want that", p.Action, err)
			}
		})
	}
}

func TestWhatWritesIsNotTried(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		for _, p := range diagnosis.Permissions() {
			if !p.Writes {
				continue
			}
			if err := a.control.Caller().Try(t.Context(), p.Action, demo); err == nil || !strings.Contains(err.Error(), "no call for it that changes nothing") {
				t.Errorf("Try(%s) = %v, want a refusal to try", p.Action, err)
			}
		}
	})
}

func TestSkewIsTheServices(t *testing.T) {
	for _, skew := range []time.Duration{-7 * time.Minute, 3 * time.Minute} {
		var o emulator.Options
		if err := json.Unmarshal([]byte(`{"clock_skew": "`+skew.String()+`"}`), &o.Faults); err != nil {
			t.Fatal(err)
		}
		inAccount(t, 1, o, func(t *testing.T, a *account) {
			c := a.control.Caller()
			_, err := c.Identity(t.Context()) // the SDK mends its signature by the date of the refusal
			if ahead, ok := c.Skew(); !ok || (ahead-skew).Abs() > time.Second {
				t.Errorf("Skew() = %v, %v with clocks %v ahead (%v)", ahead, ok, skew, err)
			}
		})
	}
}

// TestASessionTokenIsNotRepeated: when a signature does not match, AWS tells what should
// have been signed, the token included.
func TestASessionTokenIsNotRepeated(t *testing.T) {
	inAccount(t, 1, emulator.Options{}, func(t *testing.T, a *account) {
		t.Setenv("AWS_SECRET_ACCESS_KEY", "guessed")
		t.Setenv("AWS_SESSION_TOKEN", "do-not-repeat-this")
		c := a.connect(t)
		defer c.Close()
		_, identity := c.Caller().Identity(t.Context())
		_, describe := c.Describe(t.Context(), "demo")
		for _, err := range []error{identity, describe} {
			if err == nil || strings.Contains(err.Error(), "do-not-repeat-this") || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "signature") {
				t.Errorf("with a wrong secret: %v; want a line about the signature", err)
			}
		}
	})
}
