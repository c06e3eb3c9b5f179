// Asks what `poort codegen --lang go` made the builders of: `go run ./ask http://127.0.0.1:50051`.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	q "example/questions"
)

func main() {
	question := q.ConsultInvestigation(
		q.NewOfficer("officer-0007"),
		q.NewInvestigation("inv-0042", false, 3, "heron", "detectives-north", q.InvestigationOptional{AccessCode: q.Ptr("a")}),
		q.NewQuestion("9"),
	)
	disclosure := q.DiscloseRegistration(
		q.NewSystem("system-0001"),
		q.NewRegistration("reg-1", q.At(time.Now().Add(-time.Hour)), 1, false, "station-north-1"),
		q.Ptr(q.NewDisclosureAction(q.DisclosureActionOptional{Automated: q.Ptr(true)})),
		q.NewDisclosure("8", q.DisclosureOptional{
			Location:  q.Ptr("10.0.0.7"),
			Recipient: q.Ptr(q.NewRecipient("desk-1", "cjib")),
		}),
	)
	entries := q.CombineLogEntry(
		q.NewOfficer("officer-0054"),
		q.NewLogEntry("t-1", 2, q.LogEntryOptional{Account: q.Ptr(q.OfficerReference("officer-0001"))}),
		q.NewQuestion("32a"),
	)
	able := entries.Supporting(q.ObligationPseudonymise)
	unable := entries.Supporting(q.ObligationHide, q.ObligationSessionTermination)
	fmt.Println(decision(question), decision(disclosure), decision(able), decision(unable))
}

func decision(question q.Evaluation) bool {
	body, err := json.Marshal(question)
	if err != nil {
		panic(err)
	}
	response, err := http.Post(os.Args[1]+"/access/v1/evaluation", "application/json", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		panic(response.Status)
	}
	var answer struct{ Decision bool }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		panic(err)
	}
	return answer.Decision
}
