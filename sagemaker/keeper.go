package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
)

// CredentialsError is a failure to obtain credentials.
type CredentialsError struct{ Err error }

// Error is the SDK's own words with a remedy.
func (e *CredentialsError) Error() string {
	return "no AWS credentials: " + e.Err.Error() +
		"; give --profile NAME, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in (aws sso login)"
}

// Unwrap gives the cause.
func (e *CredentialsError) Unwrap() error { return e.Err }

// keeper keeps credentials fresh in the background, so that the requests of a run
// find them ready and never wait for them.
type keeper struct {
	provider aws.CredentialsProvider
	warn     func(string)
	now      atomic.Pointer[identity]
	failure  atomic.Pointer[string] // why the last refresh failed; nil when it did not
}

const (
	// refreshAhead is how long before their expiry credentials are refreshed,
	// unless they live less than five times as long.
	refreshAhead = 5 * time.Minute
	// retrieveTimeout is for one attempt.
	retrieveTimeout = time.Minute
	// Between attempts after a failure, or after one that brought nothing newer.
	leastPause   = time.Second
	mostPause    = time.Minute
	pauseExpired = 10 * time.Second
)

// retrieve fetches credentials and makes them those that are signed with.
func (k *keeper) retrieve(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, retrieveTimeout)
	defer cancel()
	if cache, ok := k.provider.(*aws.CredentialsCache); ok && k.now.Load() != nil {
		cache.Invalidate() // it would hold on to the present ones until they have expired
	}
	if k.provider == nil {
		return errors.New("the configuration has no provider of credentials")
	}
	c, err := k.provider.Retrieve(ctx)
	if err != nil {
		return k.shown(err)
	}
	if !c.HasKeys() {
		return errors.New("the provider gave no keys")
	}
	if have := k.now.Load(); have == nil || !have.is(c) {
		k.now.Store(newIdentity(c))
	}
	return nil
}

// shown is an error of a provider without what must not be shown: the SDK repeats
// the output of a credential process that it cannot parse.
func (k *keeper) shown(err error) error {
	if cause, ok := errors.AsType[*processcreds.ProviderError](err); ok && strings.Contains(cause.Error(), "process output: ") {
		return errors.New("the output of the credential process is not the JSON that it should be (it is not shown, as it may hold secrets)")
	}
	text := []byte(oneLine(err).Error())
	if have := k.now.Load(); have != nil {
		have.scrub(text)
	}
	scrubAccounts(text)
	return errors.New(string(text))
}

// run refreshes until the context ends, or the credentials are of a kind that
// does not expire.
func (k *keeper) run(ctx context.Context) {
	have := k.now.Load()
	wait := untilRefresh(have, time.Now())
	for !have.expires.IsZero() && sleep(ctx, wait) {
		err := k.retrieve(ctx)
		if ctx.Err() != nil {
			return
		}
		k.report(err)
		before := have
		have = k.now.Load()
		if have == before {
			wait = untilRetry(have, time.Now())
		} else {
			wait = untilRefresh(have, time.Now())
		}
	}
}

// untilRefresh is how long to leave new credentials alone.
func untilRefresh(have *identity, now time.Time) time.Duration {
	left := have.expires.Sub(now)
	return max(left-min(refreshAhead, left/5), leastPause)
}

// untilRetry is how long to wait after an attempt that brought nothing newer:
// shorter as the expiry comes near, and evenly after it.
func untilRetry(have *identity, now time.Time) time.Duration {
	left := have.expires.Sub(now)
	if left <= 0 {
		return pauseExpired
	}
	return min(max(left/5, leastPause), mostPause)
}

// report tells the first failure of several in a row, and the end of them.
func (k *keeper) report(err error) {
	before := k.failure.Load()
	if err == nil {
		k.failure.Store(nil)
		if before != nil {
			k.tell("the AWS credentials are refreshed again")
		}
		return
	}
	text := err.Error()
	k.failure.Store(&text)
	if before == nil {
		k.tell(fmt.Sprintf("refreshing the AWS credentials failed: %s; the present ones expire at %s", text, k.now.Load().expires.Format(time.RFC3339)))
	}
}

func (k *keeper) tell(line string) {
	if k.warn != nil {
		k.warn(line)
	}
}

// identity is what to sign with now. Its error says why there is nothing.
func (k *keeper) identity(now time.Time) (*identity, error) {
	have := k.now.Load()
	if have == nil {
		return nil, errors.New("no AWS credentials have been fetched")
	}
	if have.expires.IsZero() || now.Before(have.expires) {
		return have, nil
	}
	why := "they are being refreshed"
	if failure := k.failure.Load(); failure != nil {
		why = "refreshing them failed: " + *failure
	}
	return nil, fmt.Errorf("the AWS credentials expired at %s; %s", have.expires.Format(time.RFC3339), why)
}

// sleep waits; it is false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
