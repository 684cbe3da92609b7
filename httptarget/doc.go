// Package httptarget invokes an HTTP endpoint for the load generator: it is the
// [plimsoll/loadgen.Target] that speaks HTTP/1.1 over plain connections and TLS.
//
// Every body of the corpus is rendered once, with its request line and headers,
// into the bytes that go out on the wire. A session is one connection owned by one
// goroutine: a request is one write, its answer goes through a small parser that
// holds no more than a buffer of it, and a request in the steady state allocates
// nothing. What that path does not speak (proxies) goes through net/http, slower;
// [Target.Engine] says which of the two is in use.
//
// It is not a general client: it follows no redirect, retries nothing, decodes no
// content and knows no cookie, because each of those would change what is measured.
// Start with [New] and [Target.Probe].
package httptarget
