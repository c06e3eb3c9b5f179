"""Runs the cases of the contract with this client, and prints a line of JSON with what each came to.

    python contract.py ../contract/cases.json REAL FAKE NOWHERE
"""

import asyncio
import json
import sys
from urllib.parse import quote

from poort_client import Granted, Poort


async def main(path, real, fake, nowhere):
    with open(path) as file:
        contract = json.load(file)

    async def run(case):
        address = {"real": real, "nowhere": nowhere}.get(str(case["sidecar"]), f"{fake}/{quote(case['name'])}")
        poort = Poort(address, case.get("deadline_ms", 60_000) / 1000)
        record, trace = contract["record"], contract["headers"]
        if "questions" in case:
            rows = [(contract["questions"][name], record) for name in case["questions"]]
            outcome = [await told(it) for it in await poort.may_each(rows, trace=trace)]
        else:
            outcome = await told(await poort.may(contract["questions"][case["question"]], record, trace=trace))
        await poort.close()
        print(json.dumps({"case": case["name"], "outcome": outcome}))

    await asyncio.gather(*map(run, contract["cases"]))


async def told(answer):
    ran = []

    def handler(name, does):
        async def run(parameters, record):
            changed = does(parameters, record)
            ran.append(name)
            return changed

        return run

    def broken(_, record):
        raise RuntimeError("as the case wants it")

    handlers = {
        "hide": handler("hide", lambda fields, it: it and {key: it[key] for key in it if key not in fields}),
        "note": handler("note", lambda _, it: it),
        "notification": handler("notification", lambda _, it: it),
        "session_termination": handler("session_termination", lambda _, it: it),
        "breaks": handler("breaks", broken),
    }
    facts = {"decision_record": answer.decision_record}
    try:
        record = await answer.comply(handlers)
    except Exception as denied:
        told = {"reason_user": denied.reason_user} if denied.reason_user else {}
        return facts | told | {"granted": False, "answered": denied.answered, "reason": denied.reason, "ran": ran}
    assert isinstance(answer, Granted)
    return facts | {"granted": True, "ran": ran, "record": record}


asyncio.run(main(*sys.argv[1:]))
