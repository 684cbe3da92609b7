package hosting

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"plimsoll/emulator/internal/wire"
)

// newSession as a session's ID asks for a new one.
const newSession = "NEW_SESSION"

// Limits and patterns of the runtime's API model.
const (
	longestHeader    = 1024
	longestInference = 64
	longestSession   = 256
)

var (
	sessionPattern = regexp.MustCompile(wire.Whole(`NEW_SESSION|[a-zA-Z0-9](-*[a-zA-Z0-9])*`))
	variantPattern = regexp.MustCompile(wire.Whole(`[a-zA-Z0-9](-*[a-zA-Z0-9])*`))
	printable      = regexp.MustCompile(wire.Whole(`\S[[:print:]]*`))
	ascii          = regexp.MustCompile(wire.Whole(`[[:ascii:]]*`))
)

// direct finds the variant or component that the request is for, or why there is none.
func (i *invocation) direct() *refusal {
	r := (*i.h.table.Load())[i.endpoint]
	if r == nil {
		return unknownEndpoint(i.endpoint, i.h.opts.Account)
	}
	i.route = r
	if refused := i.checkHeaders(); refused != nil {
		return refused
	}
	component := i.header("Inference-Component")
	switch {
	case component != "" && !r.hosts:
		return wrong("Inference Component Name header is not allowed for endpoints to which you dont plan to deploy inference components. " +
			"Please remove the Inference Component Name header and try again.")
	case component != "":
		if i.group = r.components[component]; i.group == nil {
			return wrong("Inference component %s of endpoint %s of account %s not found.", component, i.endpoint, i.h.opts.Account)
		}
		return nil
	case r.hosts:
		return wrong("Inference Component Name header is required for endpoints to which you plan to deploy inference components. " +
			"Please include Inference Component Name header or consider using SageMaker models.")
	}
	if name := i.header("Target-Variant"); name != "" {
		if i.group = r.variant(name); i.group == nil {
			return wrong("Variant %s of endpoint %s of account %s not found.", name, i.endpoint, i.h.opts.Account)
		}
	} else {
		i.group = r.pick(i.draw())
	}
	if i.header("Target-Model") != "" && !i.group.multi {
		return wrong("Target-Model is for multi-model endpoints: the model of variant %s does not have the mode MultiModel.", i.group.variant)
	}
	return nil
}

// header is one of the runtime's own.
func (i *invocation) header(name string) string {
	if !i.special {
		return ""
	}
	values := i.r.Header["X-Amzn-Sagemaker-"+name]
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// checkHeaders refuses what the API model does not allow, and what is not served.
func (i *invocation) checkHeaders() *refusal {
	i.call.Session = i.header("Session-Id")
	if !i.special {
		return nil
	}
	for _, name := range []string{"Target-Container-Hostname", "Enable-Explanations", "Prefix-Aware-Id"} {
		if i.header(name) != "" {
			return wrong("X-Amzn-SageMaker-%s: the emulator does not serve it; leave it out.", name)
		}
	}
	var c wire.Checks
	attributes, inference := i.header("Custom-Attributes"), i.header("Inference-Id")
	c.Length("customAttributes", attributes, 0, longestHeader)
	c.Pattern("customAttributes", attributes, ascii)
	c.Length("inferenceId", inference, 0, longestInference)
	c.Pattern("inferenceId", inference, printable)
	c.Length("targetVariant", i.header("Target-Variant"), 0, longestName)
	c.Pattern("targetVariant", i.header("Target-Variant"), variantPattern)
	c.Length("targetModel", i.header("Target-Model"), 0, longestHeader)
	c.Pattern("targetModel", i.header("Target-Model"), printable)
	c.Length("inferenceComponentName", i.header("Inference-Component"), 0, longestName)
	c.Pattern("inferenceComponentName", i.header("Inference-Component"), modelPattern)
	c.Length("sessionId", i.call.Session, 0, longestSession)
	c.Pattern("sessionId", i.call.Session, sessionPattern)
	if err := c.Err(); err != nil {
		_, words, _ := strings.Cut(err.Error(), ": ")
		return wrong("%s", words)
	}
	if i.call.Stream && i.call.Session == newSession {
		return wrong("A session cannot be created by InvokeEndpointWithResponseStream: create it by InvokeEndpoint.")
	}
	return nil
}

// special tells whether a request has any header of the runtime's own: most have none.
func special(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "X-Amzn-Sagemaker-") {
			return true
		}
	}
	return false
}

// parseSession takes "id; Expires=2026-11-24T15:04:05Z" apart; the time is zero if there
// is none.
func parseSession(text string) (id string, expires time.Time) {
	id, rest, _ := strings.Cut(text, ";")
	if at, err := time.Parse(time.RFC3339, strings.TrimPrefix(strings.TrimSpace(rest), "Expires=")); err == nil {
		expires = at
	}
	return strings.TrimSpace(id), expires
}
