// Package diagnosis looks through what a run needs before there is one: this machine, the
// way to the endpoint, the AWS account with its permissions, the endpoint itself.
//
// It judges facts that others found and asks through small interfaces that it declares; it
// opens no connection and changes nothing. What could not be found out is a [Check] that
// says so. The one table of what each command needs of IAM is here, too. Start at
// [Client], [Routes], [Account] and [Permissions].
package diagnosis

// Status is how a check came out.
type Status string

// The statuses.
const (
	OK       Status = "ok"
	Warn     Status = "warn"      // a run works, and may be worse for it
	Fail     Status = "fail"      // a run would not work, or measure something else
	NotKnown Status = "not known" // it could not be found out
)

// Check is one thing that was looked at.
type Check struct {
	Part     string `json:"part"` // of what: client, network, aws, endpoint
	Name     string `json:"name"`
	Status   Status `json:"status"`
	Evidence string `json:"evidence"`
	Remedy   string `json:"remedy,omitzero"`
}

// The parts.
const (
	partClient   = "client"
	partNetwork  = "network"
	partAWS      = "aws"
	partEndpoint = "endpoint"
)

// Failed says whether a check failed.
func Failed(checks []Check) bool {
	for _, c := range checks {
		if c.Status == Fail {
			return true
		}
	}
	return false
}
