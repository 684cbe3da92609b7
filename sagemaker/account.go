package sagemaker

import (
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Account is an account that is spoken to instead of the one that the environment and the
// shared files name, none of which is then read: an emulated one. So a rehearsal cannot
// reach a real account by mistake.
type Account struct {
	URL                  string // where all its services are
	Region               string
	AccessKey, SecretKey string
}

// config is the SDK's configuration for the account.
func (a *Account) config() aws.Config {
	return aws.Config{
		Region: a.Region, BaseEndpoint: aws.String(a.URL),
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(a.AccessKey, a.SecretKey, "")),
	}
}

// String names the account; it shows no secret.
func (a Account) String() string { return "account at " + a.URL }

// Format writes String whatever the verb.
func (a Account) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, a.String()) }
