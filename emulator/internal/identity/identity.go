// Package identity emulates what of the AWS Security Token Service tells a caller who it
// is. It hands out no credentials. Start at [New].
package identity

import (
	"context"
	"fmt"

	"plimsoll/emulator/internal/wire"
)

// User is the IAM user that every known caller is.
const User = "plimsoll"

// userID has the form of an IAM user's unique id (IAM User Guide, "IAM identifiers").
const userID = "AIDAPLIMSOLLEMULATED1"

// Service is STS in one account. It keeps no state.
type Service struct{ account string }

// New makes the service of an account.
func New(account string) *Service { return &Service{account: account} }

// ARN is that of the user in an account.
func ARN(account string) string { return fmt.Sprintf("arn:aws:iam::%s:user/%s", account, User) }

// Wire is the operations.
func (s *Service) Wire() wire.Service {
	return wire.Service{
		Name:       "STS",
		Signing:    "sts",
		Target:     "AWSSecurityTokenServiceV20110615",
		JSON:       "1.1",
		Query:      "2011-06-15",
		Namespace:  "https://sts.amazonaws.com/doc/2011-06-15/",
		Operations: []wire.Operation{wire.Handle("GetCallerIdentity", s.getCallerIdentity)},
	}
}

type getCallerIdentityInput struct{}

type getCallerIdentityOutput struct {
	Arn     string `json:"Arn"`
	UserID  string `json:"UserId"`
	Account string `json:"Account"`
}

func (s *Service) getCallerIdentity(context.Context, *getCallerIdentityInput) (*getCallerIdentityOutput, error) {
	return &getCallerIdentityOutput{Arn: ARN(s.account), UserID: userID, Account: s.account}, nil
}
