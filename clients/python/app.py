"""A FastAPI application that shows reports, each after poort allowed it.

    pip install fastapi uvicorn httpx
    poort codegen --lang python clients/policies > questions.py
    POORT=http://127.0.0.1:50051 uvicorn app:app --port 8000
    curl -H 'Authorization: Bearer anna' http://127.0.0.1:8000/reports/r-1
"""

import os
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse

import questions as q
from poort_client import Denied, Poort

app = FastAPI()
poort = Poort(os.environ.get("POORT", "http://127.0.0.1:50051"))

# The application's data, and its sessions: an access token for each account. A login would make them.
REPORTS = {
    "r-1": {"unit": "north", "sealed": False, "reporter": "R. Voorbeeld", "text": "A bicycle is gone."},
    "r-2": {"unit": "south", "sealed": False, "reporter": "S. Voorbeeld", "text": "A window is broken."},
    "r-3": {"unit": "north", "sealed": True, "reporter": "T. Voorbeeld", "text": "A wallet was found."},
}
SESSIONS = {name: name for name in ["anna", "leo", "pim"]}
# What a user is told where poort says nothing.
SORRY = "This is not possible now."


def account(authorization: Annotated[str, Header()] = "") -> str:
    try:
        return SESSIONS[authorization.removeprefix("Bearer ")]
    except KeyError:
        raise HTTPException(401) from None


Account = Annotated[str, Depends(account)]


def question(user: str, number: str) -> dict:
    report = REPORTS[number]
    described = q.Report(id=number, unit=report["unit"], sealed=report["sealed"])
    return q.consult_report(subject=q.User(user), resource=described)


def handlers(user: str) -> dict:
    """What this application can do of what an answer asks for."""

    async def hide(fields, report):
        return {name: value for name, value in report.items() if name not in fields}

    async def end_sessions(_, report):
        SESSIONS.pop(user, None)
        return report

    return {"hide": hide, "session_termination": end_sessions}


@app.get("/reports/{number}")
async def report(number: str, user: Account, request: Request):
    if number not in REPORTS:
        raise HTTPException(404)
    answer = await poort.may(question(user, number), REPORTS[number], trace=request.headers)
    return await answer.comply(handlers(user))


@app.get("/reports")
async def reports(user: Account, request: Request):
    rows = [(question(user, number), it) for number, it in REPORTS.items()]
    shown = []
    for answer in await poort.may_each(rows, trace=request.headers):
        try:
            shown.append(await answer.comply(handlers(user)))
        except Denied as denied:
            if not denied.answered:
                raise
    return shown


@app.exception_handler(Denied)
async def denied(_: Request, denied: Denied):
    # Why stays in the logs: `reason` may tell what the user must not know. `reason_user` tells what the user may know.
    return JSONResponse({"reason": denied.reason_user or SORRY}, 403 if denied.answered else 503)
