// Command reports shows reports, each after poort allowed it.
//
//	POORT=http://127.0.0.1:50051 PORT=8000 go run .
//	curl -H 'Authorization: Bearer anna' http://127.0.0.1:8000/reports/r-1
package main

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"

	"reports.example/poort"
)

type report struct {
	Number   string `json:"-"`
	Unit     string `json:"unit"`
	Sealed   bool   `json:"sealed"`
	Reporter string `json:"reporter,omitempty"`
	Text     string `json:"text"`
}

// The application's data, and its sessions: an access token for each account. A login would make them.
var (
	reports = []report{
		{"r-1", "north", false, "R. Voorbeeld", "A bicycle is gone."},
		{"r-2", "south", false, "S. Voorbeeld", "A window is broken."},
		{"r-3", "north", true, "T. Voorbeeld", "A wallet was found."},
	}
	sessions sync.Map
)

func question(user string, it report) map[string]any {
	described := map[string]any{"unit": it.Unit, "sealed": it.Sealed}
	return map[string]any{
		"subject":  map[string]any{"type": "User", "id": user},
		"action":   map[string]any{"name": "consult"},
		"resource": map[string]any{"type": "Report", "id": it.Number, "properties": described},
	}
}

// handlers is what this application can do of what an answer asks for.
func handlers(user string) poort.Handlers[report] {
	return poort.Handlers[report]{
		"hide": func(parameters json.RawMessage, it report) (report, error) {
			var fields []string
			err := json.Unmarshal(parameters, &fields)
			for _, field := range fields {
				if field != "reporter" {
					return it, errors.New("this application cannot hide " + field)
				}
				it.Reporter = ""
			}
			return it, err
		},
		"session_termination": func(_ json.RawMessage, it report) (report, error) {
			sessions.Delete(user)
			return it, nil
		},
	}
}

func main() {
	address, port := os.Getenv("POORT"), os.Getenv("PORT")
	if address == "" {
		address = "http://127.0.0.1:50051"
	}
	client := poort.New(address)
	for _, name := range []string{"anna", "leo", "pim"} {
		sessions.Store(name, name)
	}
	http.HandleFunc("/reports/", func(writer http.ResponseWriter, request *http.Request) {
		user, ok := account(writer, request)
		if !ok {
			return
		}
		for _, it := range reports {
			if "/reports/"+it.Number != request.URL.Path {
				continue
			}
			answer := poort.May(request.Context(), client, question(user, it), it, request.Header)
			shown, err := answer.Comply(handlers(user))
			reply(writer, shown, err)
			return
		}
		http.NotFound(writer, request)
	})
	http.HandleFunc("/reports", func(writer http.ResponseWriter, request *http.Request) {
		user, ok := account(writer, request)
		if !ok {
			return
		}
		rows := []poort.Row[report]{}
		for _, it := range reports {
			rows = append(rows, poort.Row[report]{Question: question(user, it), Record: it})
		}
		page := []report{}
		for _, answer := range poort.MayEach(request.Context(), client, rows, request.Header) {
			shown, err := answer.Comply(handlers(user))
			var denied *poort.Denied
			if errors.As(err, &denied) && denied.Answered {
				continue
			}
			if err != nil {
				reply(writer, nil, err)
				return
			}
			page = append(page, shown)
		}
		reply(writer, page, nil)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}

func account(writer http.ResponseWriter, request *http.Request) (string, bool) {
	user, ok := sessions.Load(strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer "))
	if !ok {
		http.Error(writer, "{}", http.StatusUnauthorized)
		return "", false
	}
	return user.(string), true
}

// reply sends the record, or a refusal. Why stays in the logs: Reason may tell what the user must not know. ReasonUser tells
// what the user may know.
func reply(writer http.ResponseWriter, record any, err error) {
	status := http.StatusOK
	var denied *poort.Denied
	if errors.As(err, &denied) {
		told := denied.ReasonUser
		if told == "" {
			told = "This is not possible now."
		}
		status, record = http.StatusServiceUnavailable, map[string]any{"reason": told}
		if denied.Answered {
			status = http.StatusForbidden
		}
	}
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	if err := json.NewEncoder(writer).Encode(record); err != nil {
		log.Print(err)
	}
}
