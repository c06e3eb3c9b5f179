// Package poort is a client of poort, the policy decision point beside an application: it hands out a record only if
// poort allowed that.
//
// Copy this file into an application. It needs Go 1.19 and nothing else. It asks in JSON, so that nothing is generated.
//
//	client := poort.New("http://127.0.0.1:50051") // or unix:/run/poort/poort.sock
//	answer := poort.May(ctx, client, question, record, request.Header)
//	shown, err := answer.Comply(handlers) // the record, or *poort.Denied
//
// Whatever is not a clear yes is Denied: an error, a late answer, garbage, an obligation without a handler.
package poort

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"net"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	largest = 1 << 20               // The largest answer that is read, in bytes.
	pause   = 50 * time.Millisecond // The pause before a question is asked again. It doubles each time.
)

// Handlers do the obligations, each by its key. A handler returns the record to go on with, such as one without the
// fields to hide. The obligations of a deny come without a record: it is the zero value.
type Handlers[R any] map[string]func(parameters json.RawMessage, record R) (R, error)

// Denied is no access. Answered is false if poort did not decide that: then it may be another answer later. ReasonUser may
// be shown to the user, and Reason may not; it is empty where poort gave none.
type Denied struct {
	Reason         string
	ReasonUser     string
	Answered       bool
	DecisionRecord json.RawMessage
}

func (denied *Denied) Error() string { return denied.Reason }

// Answer is what poort says about a record of the application: granted or denied. Comply alone hands out the record.
type Answer[R any] struct {
	// DecisionRecord is the key of the decision record, for the application's own log.
	DecisionRecord json.RawMessage

	granted    bool
	record     R
	reason     string
	reasonUser string
	// Whether poort decided.
	answered bool
	duties   []duty
}

type duty struct {
	key        string
	parameters json.RawMessage
}

// Comply does the obligations and returns the record. Without access, or if one cannot be done, the error is *Denied.
func (answer Answer[R]) Comply(handlers Handlers[R]) (R, error) {
	var none R
	record, undone := answer.record, []string(nil)
	for _, duty := range answer.duties {
		changed, err := run(duty, handlers, record)
		if err != nil {
			log.Printf("poort: the obligation %q was not done: %v", duty.key, err)
			undone = append(undone, duty.key)
			continue
		}
		record = changed
	}
	if !answer.granted {
		return none, &Denied{answer.reason, answer.reasonUser, answer.answered, answer.DecisionRecord}
	}
	if len(undone) > 0 {
		reason := "The application cannot do what this access asks for: " + strings.Join(undone, ", ") + "."
		return none, &Denied{reason, "", true, answer.DecisionRecord}
	}
	return record, nil
}

func run[R any](duty duty, handlers Handlers[R], record R) (R, error) {
	handler, ok := handlers[duty.key]
	if !ok {
		return record, errors.New("there is no handler")
	}
	return handler(duty.parameters, record)
}

// Client is the sidecar at one address.
type Client struct {
	// Deadline is how long a question may take, with all its attempts. An earlier one of the context counts.
	Deadline time.Duration
	base     string
	http     http.Client
}

// New returns a client for the sidecar at an address, such as http://127.0.0.1:50051 or unix:/run/poort/poort.sock.
func New(address string) *Client {
	// Without the environment's proxies and without redirects: a question goes to the sidecar or nowhere.
	transport := &http.Transport{DisableCompression: true}
	base := strings.TrimSuffix(address, "/")
	if socket := strings.TrimPrefix(address, "unix:"); socket != address {
		base = "http://localhost"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{2 * time.Second, base, http.Client{Transport: transport, CheckRedirect: stay}}
}

// May asks whether this may be done with the record. The headers are those of the request that is being served.
func May[R any](ctx context.Context, client *Client, question any, record R, headers http.Header) Answer[R] {
	answer, err := client.ask(ctx, "evaluation", question, headers)
	if err != nil {
		return Answer[R]{reason: err.Error()}
	}
	return read(answer, record)
}

// Row is a question about a record.
type Row[R any] struct {
	Question any
	Record   R
}

// MayEach asks in one call about many records, such as the rows of a page.
func MayEach[R any](ctx context.Context, client *Client, rows []Row[R], headers http.Header) []Answer[R] {
	answers := make([]Answer[R], len(rows))
	if len(rows) == 0 {
		return answers
	}
	questions := make([]any, len(rows))
	for index, row := range rows {
		questions[index] = row.Question
	}
	var given []json.RawMessage
	answer, err := client.ask(ctx, "evaluations", map[string]any{"evaluations": questions}, headers)
	if err == nil {
		whole, _ := object(answer)
		given, err = list(whole["evaluations"])
		if err != nil || len(given) != len(rows) {
			err = errors.New("poort did not answer each question.")
		}
	}
	for index, row := range rows {
		if err != nil {
			answers[index].reason = err.Error()
		} else {
			answers[index] = read(given[index], row.Record)
		}
	}
	return answers
}

func (client *Client) ask(ctx context.Context, path string, question any, headers http.Header) (json.RawMessage, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, client.Deadline)
	defer cancel()
	why := "the deadline passed"
	until, _ := ctx.Deadline()
	for pause := pause; ; pause *= 2 {
		wait := pause
		response, err := client.post(ctx, path, body, headers)
		switch {
		case errors.Is(err, errTooLarge):
			return nil, err
		case err == nil && response.status == http.StatusOK:
			return response.json()
		case err == nil:
			why = fmt.Sprintf("status %d", response.status)
			if response.after > wait {
				wait = response.after
			}
		case ctx.Err() == nil:
			why = "no connection"
		}
		if err == nil && response.status != http.StatusTooManyRequests && response.status != http.StatusServiceUnavailable {
			log.Printf("poort refused a question with %s: %.500s", why, response.body)
			break
		}
		// poort restarts or is full. A question changes nothing, so it is asked again, if there is time.
		if time.Until(until) < wait {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
			continue
		}
		break
	}
	return nil, fmt.Errorf("No answer from poort: %s.", why)
}

type response struct {
	status int
	kind   string
	after  time.Duration
	body   []byte
}

func (client *Client) post(ctx context.Context, path string, body []byte, headers http.Header) (response, error) {
	request, err := http.NewRequestWithContext(ctx, "POST", client.base+"/access/v1/"+path, bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	for _, name := range []string{"Traceparent", "Tracestate", "X-Request-Id"} {
		if values := headers.Values(name); len(values) > 0 {
			request.Header[name] = values
		}
	}
	got, err := client.http.Do(request)
	if err != nil {
		return response{}, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(io.LimitReader(got.Body, largest+1))
	if len(text) > largest {
		err = errTooLarge
	}
	// In seconds; none if it is a date.
	after, bad := strconv.ParseUint(got.Header.Get("Retry-After"), 10, 30)
	if bad != nil {
		after = 0
	}
	return response{got.StatusCode, got.Header.Get("Content-Type"), time.Duration(after) * time.Second, text}, err
}

var (
	errTooLarge = errors.New("The answer is too large.")
	errForeign  = errors.New("The answer is not poort's.")
)

func (response response) json() (json.RawMessage, error) {
	kind, _, err := mime.ParseMediaType(response.kind)
	if _, bad := object(response.body); err != nil || bad != nil || kind != "application/json" {
		return nil, errForeign
	}
	return response.body, nil
}

// read takes one answer, if it has the form of poort's.
func read[R any](given json.RawMessage, record R) Answer[R] {
	answer, err := object(given)
	decision := string(answer["decision"])
	context, bad := optional(answer, "context", object)
	obligations, worse := optional(context, "obligations", list)
	if err != nil || bad != nil || worse != nil || (decision != "true" && decision != "false") {
		return Answer[R]{reason: errForeign.Error()}
	}
	// Only in a batch: poort could not decide this one.
	if fault, ok := context["error"]; ok {
		facts, _ := object(fault)
		return Answer[R]{reason: fmt.Sprintf("No answer from poort: status %s.", facts["status"])}
	}
	read := Answer[R]{DecisionRecord: context["record"], answered: true}
	for _, obligation := range obligations {
		duties, err := asks(obligation)
		if err != nil {
			return Answer[R]{reason: err.Error()}
		}
		read.duties = append(read.duties, duties...)
	}
	if decision == "true" {
		read.granted, read.record = true, record
		return read
	}
	if json.Unmarshal(context["reason"], &read.reason) != nil {
		read.reason = "Denied."
	}
	// A sentence for each code; poort has one.
	told, _ := object(context["reason_user"])
	if json.Unmarshal(told["403"], &read.reasonUser) != nil {
		read.reasonUser = ""
	}
	return read
}

// asks tells what an obligation asks for: its type with its properties, or each property of a custom one.
func asks(obligation json.RawMessage) ([]duty, error) {
	var kind string
	members, err := object(obligation)
	properties, bad := optional(members, "properties", object)
	if err != nil || bad != nil || json.Unmarshal(members["type"], &kind) != nil || kind == "" {
		return nil, errForeign
	}
	if kind != "custom" || len(properties) == 0 {
		return []duty{{kind, members["properties"]}}, nil
	}
	var duties []duty
	for key, parameters := range properties {
		duties = append(duties, duty{key, parameters})
	}
	sort.Slice(duties, func(a, b int) bool { return duties[a].key < duties[b].key })
	return duties, nil
}

// object reads a JSON object. A struct would take members of other names too: Go compares them without case.
func object(given json.RawMessage) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(given, &members); err != nil || members == nil {
		return nil, errForeign
	}
	return members, nil
}

func list(given json.RawMessage) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(given, &items); err != nil || items == nil {
		return nil, errForeign
	}
	return items, nil
}

// optional reads a member that may be absent.
func optional[T any](of map[string]json.RawMessage, name string, read func(json.RawMessage) (T, error)) (T, error) {
	given, ok := of[name]
	if !ok {
		var none T
		return none, nil
	}
	return read(given)
}
