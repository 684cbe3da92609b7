package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// issuer gives credentials that live for a while, or fails.
type issuer struct {
	mu     sync.Mutex
	life   time.Duration // zero: for ever
	err    error
	took   time.Duration
	issued []time.Time
	tries  int
}

func (i *issuer) Retrieve(ctx context.Context) (aws.Credentials, error) {
	i.mu.Lock()
	took := i.took
	i.mu.Unlock()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tries++
	if i.err != nil {
		return aws.Credentials{}, i.err
	}
	i.issued = append(i.issued, time.Now())
	c := testCredentials(true)
	c.AccessKeyID = fmt.Sprintf("AKIA%04d", len(i.issued))
	if i.life > 0 {
		c.CanExpire, c.Expires = true, time.Now().Add(i.life)
	}
	return c, nil
}

func (i *issuer) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

func (i *issuer) attempts() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.tries
}

// kept runs a keeper within a bubble and hands it to use.
func kept(t *testing.T, i *issuer, use func(k *keeper, told func() []string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var lines []string
		k := &keeper{provider: aws.NewCredentialsCache(i), warn: func(line string) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, line)
		}}
		target := &Target{keeper: k}
		if err := target.Authenticate(t.Context()); err != nil {
			t.Fatal(err)
		}
		use(k, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(lines)
		})
		target.Close()
		target.Close() // twice is fine
	})
}

// TestRefreshedAhead: over a long run there are valid credentials at every instant,
// also while new ones are slow to come, and each lives nearly to its end.
func TestRefreshedAhead(t *testing.T) {
	for _, life := range []time.Duration{time.Hour, 15 * time.Minute, time.Minute} {
		i := &issuer{life: life, took: 2 * time.Second}
		kept(t, i, func(k *keeper, told func() []string) {
			for range 5 * 60 {
				time.Sleep(life / 60)
				if _, err := k.identity(time.Now()); err != nil {
					t.Fatalf("identity, life %v: %v", life, err)
				}
			}
			if n := i.attempts(); n < 5 || n > 8 {
				t.Errorf("life %v: fetched %d times in five lives, want 5 to 8", life, n)
			}
			if lines := told(); len(lines) > 0 {
				t.Errorf("life %v: told %q", life, lines)
			}
		})
	}
}

// TestRefreshFails: the present ones serve to their end, the failure is told once,
// requests then fail with its words, and new ones mend it.
func TestRefreshFails(t *testing.T) {
	i := &issuer{life: time.Hour}
	kept(t, i, func(k *keeper, told func() []string) {
		start, secret := time.Now(), testCredentials(true).SecretAccessKey
		i.fail(errors.New("the SSO session has ended\n" + secret))
		time.Sleep(59 * time.Minute)
		if _, err := k.identity(time.Now()); err != nil {
			t.Errorf("before the expiry: %v", err)
		}
		lines := told()
		if len(lines) != 1 || !strings.Contains(lines[0], "the SSO session has ended") || !strings.Contains(lines[0], start.Add(time.Hour).Format(time.RFC3339)) ||
			strings.Contains(lines[0], secret) {
			t.Errorf("told %q, want one line with the cause and the expiry, and no secret", lines)
		}
		time.Sleep(2 * time.Minute)
		if _, err := k.identity(time.Now()); err == nil || !strings.Contains(err.Error(), "expired at") || !strings.Contains(err.Error(), "the SSO session has ended") {
			t.Errorf("after the expiry: got %v, want the expiry and the cause", err)
		}
		before := i.attempts()
		time.Sleep(10 * time.Minute)
		if n := i.attempts() - before; n < 10 || n > 100 {
			t.Errorf("%d attempts in ten minutes after the expiry", n)
		}
		i.fail(nil)
		time.Sleep(time.Minute)
		if _, err := k.identity(time.Now()); err != nil {
			t.Errorf("after new ones: %v", err)
		}
		if lines := told(); len(lines) != 2 || !strings.Contains(lines[1], "refreshed again") {
			t.Errorf("told %q, want that they are refreshed again", lines)
		}
	})
}

// TestNothingNewer: a metadata service may give the present ones until shortly
// before their end; it must not be asked without a pause.
func TestNothingNewer(t *testing.T) {
	i := &issuer{}
	kept(t, i, func(k *keeper, _ func() []string) {
		if n := i.attempts(); n != 1 || !k.now.Load().expires.IsZero() {
			t.Errorf("credentials for ever: fetched %d times", n)
		}
		time.Sleep(24 * time.Hour)
		if n := i.attempts(); n != 1 {
			t.Errorf("credentials for ever: fetched %d times in a day", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		end, asked := time.Now().Add(time.Hour), 0
		target := &Target{keeper: &keeper{provider: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			asked++
			c := testCredentials(true)
			c.CanExpire, c.Expires = true, end
			if time.Until(end) < 2*time.Minute {
				end = end.Add(time.Hour)
			}
			return c, nil
		})}}
		if err := target.Authenticate(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Minute)
		if _, err := target.keeper.identity(time.Now()); err != nil {
			t.Error(err)
		}
		target.Close()
		if asked < 2 || asked > 20 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestAuthenticateEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		target := &Target{keeper: &keeper{provider: &issuer{took: time.Hour}}}
		if err := target.Authenticate(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Authenticate: got %v, want the context's error", err)
		}
		target.Close()
	})
}
