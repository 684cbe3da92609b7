// Package host is what the program needs of the machine it runs on: a sleep
// that wakes on time, the processor time it has used, the limits it lives under.
package host
