package sagemaker

import (
	"context"
	"net"
	"time"
)

// canned is a connection to a server that answers every request in the same way.
type canned struct{ net.Conn }

const cannedAnswer = "HTTP/1.1 200 OK\r\nx-amzn-RequestId: 3f5a0a4e-7d0e-4b52-9d6f-2b1f0c6c1a51\r\nContent-Length: 4\r\n\r\n0.97"

func dialCanned(context.Context, string, string) (net.Conn, error) { return canned{}, nil }

func (canned) Write(p []byte) (int, error)      { return len(p), nil }
func (canned) Read(p []byte) (int, error)       { return copy(p, cannedAnswer), nil }
func (canned) SetDeadline(time.Time) error      { return nil }
func (canned) SetReadDeadline(time.Time) error  { return nil }
func (canned) SetWriteDeadline(time.Time) error { return nil }
func (canned) Close() error                     { return nil }
