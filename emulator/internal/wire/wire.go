// Package wire speaks the protocols in which AWS's control planes are asked: awsJson
// 1.0 and 1.1, AWS Query with XML answers, and Smithy RPC v2 CBOR.
//
// An [Operation] is a function on plain structs whose fields carry `json:"Member"`
// tags; a [Server] reads the input in whichever protocol it was sent, runs it, and
// writes output or [Error] in the same. It knows no service, checks no signature and
// keeps no state. Start at [Handle] and [NewServer].
package wire

import (
	"context"
	"errors"
	"fmt"
	"reflect"
)

// Operation is one operation of a service: how its input is read, what runs, and how
// its output is written, in every protocol.
type Operation struct {
	// Name is the operation's in AWS's API model: "DescribeEndpoint".
	Name string

	in, out reflect.Type
	run     func(ctx context.Context, decode func(into any) error) (any, error)
}

// Handle makes an operation of a function. In and Out are structs; In is never nil. An
// error that is an [Error] is answered as such, any other as an internal failure.
func Handle[In, Out any](name string, run func(context.Context, *In) (*Out, error)) Operation {
	return Operation{
		Name: name,
		in:   reflect.TypeFor[In](),
		out:  reflect.TypeFor[Out](),
		run: func(ctx context.Context, decode func(any) error) (any, error) {
			in := new(In)
			if err := decode(in); err != nil {
				return nil, err
			}
			out, err := run(ctx, in)
			if err != nil {
				return nil, err
			}
			if out == nil {
				out = new(Out)
			}
			return out, nil
		},
	}
}

// Service is the operations of one AWS service and how it is spoken to.
type Service struct {
	// Name is for people: "SageMaker".
	Name string
	// Signing is the service's name in a signature: "application-autoscaling".
	Signing string
	// Target is the prefix of X-Amz-Target, and the service in an RPC path:
	// "AnyScaleFrontendService".
	Target string
	// JSON is the version of awsJson, "1.0" or "1.1", that is answered when a request
	// does not say which it speaks.
	JSON string
	// Query is the API's version, "2010-08-01", if it speaks AWS Query; else empty.
	Query string
	// Namespace is the XML namespace of Query answers.
	Namespace string
	// RPC says that it speaks RPC v2 CBOR.
	RPC bool
	// ErrorPrefix stands before an error's name in __type: "com.amazonaws.cloudwatch#".
	ErrorPrefix string
	// ErrorShapes has the names of the shapes, in __type, of errors that AWS Query
	// knows by another: "InvalidParameterValue" is "InvalidParameterValueException". An
	// Error's Code may be either.
	ErrorShapes map[string]string
	// Operations are what it can do.
	Operations []Operation
}

// Validate reports everything that keeps a service from being served.
func (s Service) Validate() error {
	var problems []error
	bad := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("service %q: "+format, append([]any{s.Name}, args...)...))
	}
	if s.Target == "" {
		bad("has no Target; it is the prefix of X-Amz-Target")
	}
	if s.JSON != "1.0" && s.JSON != "1.1" {
		bad(`JSON %q: want "1.0" or "1.1"`, s.JSON)
	}
	if (s.Query == "") != (s.Namespace == "") {
		bad("Query %q and Namespace %q: want both, or neither", s.Query, s.Namespace)
	}
	seen := map[string]bool{}
	for _, op := range s.Operations {
		switch {
		case op.Name == "" || op.run == nil:
			bad("operation %q: want one that Handle made, with a name", op.Name)
		case seen[op.Name]:
			bad("operation %q: is there twice", op.Name)
		case op.in.Kind() != reflect.Struct || op.out.Kind() != reflect.Struct:
			bad("operation %q: takes %v and returns %v; want structs", op.Name, op.in, op.out)
		}
		seen[op.Name] = true
	}
	return errors.Join(problems...)
}
