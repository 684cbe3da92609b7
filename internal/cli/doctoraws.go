package cli

import (
	"context"
	"time"

	"plimsoll/diagnosis"
	"plimsoll/experiment"
	"plimsoll/sagemaker"
)

// doctorAttempts is how often a call is tried: a diagnosis that takes minutes is none.
const doctorAttempts = 2

// aws looks at the account and the endpoint. Where nothing of AWS was asked for, what is
// missing is no failure.
func (d *doctor) aws(ctx context.Context) []diagnosis.Check {
	asked := d.endpoint() != "" || d.settings.Region != "" || d.settings.Profile != "" || len(d.commands) > 0
	control, err := sagemaker.Connect(ctx, sagemaker.ControlOptions{Region: d.settings.Region, Profile: d.settings.Profile, Attempts: doctorAttempts})
	if err != nil {
		return []diagnosis.Check{
			lenient(diagnosis.Refused("configuration", err), asked),
			{Part: "aws", Name: "the rest", Status: diagnosis.NotKnown, Evidence: "credentials, identity, permissions, endpoint and quota: not known without a region"},
		}
	}
	defer control.Close()
	where := diagnosis.Check{Part: "aws", Name: "region", Status: diagnosis.OK, Evidence: control.Region() + ", " + control.RegionSource()}
	if base := control.BaseEndpoint(); base != "" {
		where.Evidence += "; spoken to at " + publicURL(base)
	}
	if split := control.Split(); split != nil {
		where.Evidence += "; " + split.String()
		if !split.Private() {
			where.Status, where.Remedy = diagnosis.Warn, "right for a private endpoint of the runtime; for an emulator set AWS_ENDPOINT_URL, not AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME alone"
		}
	}
	caller := control.Caller()
	first, stop := context.WithTimeout(ctx, patience)
	defer stop()
	account, ok := diagnosis.Account(first, caller, time.Now())
	account[0] = lenient(account[0], asked) // that there are credentials; where there are, they have to be good ones
	checks := append([]diagnosis.Check{where}, account...)
	if !ok {
		return checks
	}
	return append(checks, d.endpointAndPermissions(ctx, control, caller)...)
}

func (d *doctor) endpointAndPermissions(ctx context.Context, control *sagemaker.Control, caller *sagemaker.Caller) []diagnosis.Check {
	ctx, stop := context.WithTimeout(ctx, askPatient)
	defer stop()
	if d.endpoint() == "" {
		return []diagnosis.Check{{
			Part: "aws", Name: "permissions", Status: diagnosis.NotKnown, Evidence: "not tried without an endpoint: permissions may be for one alone",
			Remedy: "give --endpoint; --policy prints what to allow",
		}}
	}
	v := experiment.Variant{Endpoint: d.endpoint(), Name: d.settings.Variant}
	if e, err := control.Describe(ctx, v.Endpoint); err == nil && v.Name == "" && len(e.Variants) > 0 {
		v.Name = e.Variants[0].Name
	}
	if v.Name == "" {
		v.Name = "AllTraffic" // any: whether it is there does not matter
	}
	checks := diagnosis.Tried(ctx, caller, v, d.commands)
	return append(checks, diagnosis.Endpoint(ctx, control, control, caller, v.Endpoint, d.settings.Variant)...)
}

// lenient takes what is not configured for not known, unless AWS was asked for.
func lenient(c diagnosis.Check, asked bool) diagnosis.Check {
	if c.Status == diagnosis.Fail && !asked {
		c.Status = diagnosis.NotKnown
	}
	return c
}
