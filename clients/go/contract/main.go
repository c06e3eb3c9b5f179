// Command contract runs the cases of the contract with this client, and prints a line of JSON with what each came to.
//
//	go run ./contract ../contract/cases.json REAL FAKE NOWHERE
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"reports.example/poort"
)

type record = map[string]any

type contract struct {
	Record    record
	Headers   map[string]string
	Questions map[string]any
	Cases     []wanted
}

type wanted struct {
	Name       string
	Sidecar    any
	Question   string
	Questions  []string
	DeadlineMS int64 `json:"deadline_ms"`
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	var contract contract
	if err == nil {
		err = json.Unmarshal(text, &contract)
	}
	if err != nil {
		panic(err)
	}
	places := map[any]string{"real": os.Args[2], "nowhere": os.Args[4]}
	var group sync.WaitGroup
	for _, wanted := range contract.Cases {
		wanted := wanted
		address := os.Args[3] + "/" + url.PathEscape(wanted.Name)
		if name, ok := wanted.Sidecar.(string); ok {
			address = places[name]
		}
		client := poort.New(address)
		client.Deadline = time.Minute
		if wanted.DeadlineMS > 0 {
			client.Deadline = time.Duration(wanted.DeadlineMS) * time.Millisecond
		}
		group.Add(1)
		go func() {
			defer group.Done()
			line, err := json.Marshal(map[string]any{"case": wanted.Name, "outcome": contract.ask(client, wanted)})
			if err != nil {
				panic(err)
			}
			fmt.Printf("%s\n", line)
		}()
	}
	group.Wait()
}

func (contract contract) ask(client *poort.Client, wanted wanted) any {
	headers := http.Header{}
	for name, value := range contract.Headers {
		headers.Set(name, value)
	}
	ctx := context.Background()
	if wanted.Questions == nil {
		return told(poort.May(ctx, client, contract.Questions[wanted.Question], contract.Record, headers))
	}
	rows := []poort.Row[record]{}
	for _, name := range wanted.Questions {
		rows = append(rows, poort.Row[record]{Question: contract.Questions[name], Record: contract.Record})
	}
	outcome := []any{}
	for _, answer := range poort.MayEach(ctx, client, rows, headers) {
		outcome = append(outcome, told(answer))
	}
	return outcome
}

func told(answer poort.Answer[record]) map[string]any {
	ran := []string{}
	same := func(name string) func(json.RawMessage, record) (record, error) {
		return func(_ json.RawMessage, it record) (record, error) {
			ran = append(ran, name)
			return it, nil
		}
	}
	handlers := poort.Handlers[record]{
		"note": same("note"), "notification": same("notification"), "session_termination": same("session_termination"),
		"hide": func(parameters json.RawMessage, it record) (record, error) {
			ran = append(ran, "hide")
			var fields []string
			if err := json.Unmarshal(parameters, &fields); err != nil {
				return nil, err
			}
			shown := record{}
			for name, value := range it {
				shown[name] = value
			}
			for _, field := range fields {
				delete(shown, field)
			}
			return shown, nil
		},
		"breaks": func(json.RawMessage, record) (record, error) { return nil, errors.New("as the case wants it") },
	}
	facts := map[string]any{"decision_record": answer.DecisionRecord}
	shown, err := answer.Comply(handlers)
	facts["ran"] = ran
	if err == nil {
		facts["granted"], facts["record"] = true, shown
		return facts
	}
	var denied *poort.Denied
	if !errors.As(err, &denied) {
		panic(err)
	}
	facts["granted"], facts["answered"], facts["reason"] = false, denied.Answered, denied.Reason
	if denied.ReasonUser != "" {
		facts["reason_user"] = denied.ReasonUser
	}
	return facts
}
