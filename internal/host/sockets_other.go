//go:build !linux

package host

// Files is how many files this process has open, which is not known on this platform,
// and how many it may have at most; 0 when unknown.
func Files() (open, hard uint64) { return 0, hardFiles() }

// Ports is the range of the local ports of connections, and what is taken of it.
type Ports struct{ Low, High, Used, TimeWait int }

// LocalPorts is not known on this platform.
func LocalPorts() Ports { return Ports{} }
