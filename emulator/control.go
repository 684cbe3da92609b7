package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"plimsoll/emulator/internal/fault"
)

// ControlPath is where the control API lives, apart from everything that AWS has:
//
//	GET  /_plimsoll/             what is emulated, and model time
//	GET  /_plimsoll/faults       the faults that are switched on
//	PUT  /_plimsoll/faults       replaces them
//	GET  /_plimsoll/time         model time
//	POST /_plimsoll/time         {"advance": "10m"} moves it forward
//	POST /_plimsoll/invocations  counts invocations without sending them
//	POST /_plimsoll/reset        back to how it started
//
// It needs no signature, so it answers callers on this machine alone.
const ControlPath = "/_plimsoll/"

// ModelTimeHeader tells model time with every answer. The Date header stays real,
// because SDKs correct the clock that they sign by with it.
const ModelTimeHeader = "X-Plimsoll-Model-Time"

// maxControlBody is more than any request of the control API needs.
const maxControlBody = 1 << 20

func (e *Emulator) controlRoutes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET "+ControlPath+"{$}", e.getInfo)
	routes.HandleFunc("GET "+ControlPath+"faults", e.getFaults)
	routes.HandleFunc("PUT "+ControlPath+"faults", e.putFaults)
	routes.HandleFunc("GET "+ControlPath+"time", e.getTime)
	routes.HandleFunc("POST "+ControlPath+"time", e.postTime)
	routes.HandleFunc("POST "+ControlPath+"invocations", e.postInvocations)
	routes.HandleFunc("POST "+ControlPath+"reset", e.postReset)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.RemoteAddr) {
			refuse(w, http.StatusForbidden, fmt.Errorf("the control API answers callers on its own machine, and %s is none", r.RemoteAddr))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
		routes.ServeHTTP(w, r)
	})
}

// local says that a caller is on this machine; one without an IP address is in this
// process.
func local(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// info is what the emulator says of itself.
type info struct {
	ModelTime time.Time `json:"model_time"`
	Speed     float64   `json:"speed"`
	Region    string    `json:"region"`
	Account   string    `json:"account"`
	Behind    string    `json:"behind"` // what answers invocations
	Missing   []string  `json:"missing_operations"`
}

func (e *Emulator) getInfo(w http.ResponseWriter, _ *http.Request) {
	reply(w, info{
		ModelTime: e.Now(), Speed: e.opts.Speed, Region: e.opts.Region, Account: e.opts.Account,
		Behind: e.opts.behind(), Missing: e.missing.list(),
	})
}

func (e *Emulator) getFaults(w http.ResponseWriter, _ *http.Request) { reply(w, e.faults.Load()) }

func (e *Emulator) putFaults(w http.ResponseWriter, r *http.Request) {
	var f Faults
	if err := read(r, &f); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if err := e.SetFaults(f); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	reply(w, f)
}

// clockFace is model time as the control API tells it.
type clockFace struct {
	ModelTime time.Time `json:"model_time"`
	Speed     float64   `json:"speed"`
}

func (e *Emulator) getTime(w http.ResponseWriter, _ *http.Request) {
	reply(w, clockFace{ModelTime: e.Now(), Speed: e.opts.Speed})
}

func (e *Emulator) postTime(w http.ResponseWriter, r *http.Request) {
	var move struct {
		Advance fault.Duration `json:"advance"`
	}
	if err := read(r, &move); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	if err := e.Advance(time.Duration(move.Advance)); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	e.getTime(w, r)
}

func (e *Emulator) postInvocations(w http.ResponseWriter, r *http.Request) {
	var counted struct {
		Endpoint string         `json:"endpoint"`
		Variant  string         `json:"variant"`
		Requests float64        `json:"requests"`
		Latency  fault.Duration `json:"latency"`
	}
	err := read(r, &counted)
	if err == nil {
		err = e.Record(counted.Endpoint, counted.Variant, counted.Requests, time.Duration(counted.Latency))
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	reply(w, counted)
}

func (e *Emulator) postReset(w http.ResponseWriter, r *http.Request) {
	if err := e.Reset(); err != nil {
		refuse(w, http.StatusInternalServerError, err)
		return
	}
	e.getInfo(w, r)
}

func read(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	if decoder.More() {
		return errors.New("reading the request: more than one JSON document")
	}
	return nil
}

func reply(w http.ResponseWriter, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil { // none of the answers fails to be JSON
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n')) // fails only when the client has left
}

// refuse answers what is wrong.
func refuse(w http.ResponseWriter, status int, err error) {
	text, marshalled := json.Marshal(map[string]string{"error": err.Error()})
	if marshalled != nil { // no string fails to be JSON
		panic(marshalled)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // fails only when the client has left
}
