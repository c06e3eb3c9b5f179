"""Asks what `poort codegen --lang python` made the builders of: `python ask.py http://127.0.0.1:50051`."""

import json
import sys
import urllib.request
from datetime import datetime, timedelta, timezone

import questions as q

question = q.consult_investigation(
    subject=q.Officer("officer-0007"),
    resource=q.Investigation(
        id="inv-0042",
        unit="detectives-north",
        team=q.Ref("Team", "heron"),
        level=3,
        embargo=False,
        access_code="a",
    ),
    context=q.Question(purpose="9"),
)
disclosure = q.disclose_registration(
    subject=q.System("system-0001"),
    action=q.DisclosureAction(automated=True),
    resource=q.Registration(
        id="reg-1",
        unit="station-north-1",
        first_processed=datetime(2026, 11, 1, 13, 0, 0, 123456, timezone(timedelta(hours=1))),
        level=1,
        subjects_are_staff=False,
    ),
    context=q.Disclosure(
        purpose="8",
        location="10.0.0.7",
        recipient=q.Recipient(organisation="cjib", id="desk-1"),
    ),
)


entries = q.combine_log_entry(
    subject=q.Officer("officer-0054"),
    resource=q.LogEntry(id="t-1", level=2, account="officer-0001"),
    context=q.Question(purpose="32a"),
)
able = q.supporting(entries, ["pseudonymise"])
unable = q.supporting(entries, ["hide", "session_termination"])


def hidden(due: q.Obligations) -> list[str]:
    return [str(field) for field in due["hide"]]


def decision(question: q.Evaluation) -> bool:
    request = urllib.request.Request(
        f"{sys.argv[1]}/access/v1/evaluation",
        json.dumps(question).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        return bool(json.load(response)["decision"])


assert hidden({"hide": ["reporter"]}) == ["reporter"]
print(*(str(decision(it)).lower() for it in [question, disclosure, able, unable]))
