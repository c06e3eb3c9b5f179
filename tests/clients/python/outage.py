"""Measures what a restart of poort costs its callers, by how they ask: four callers, each with one call after another.

    poort serve --policies clients/policies
    PYTHONPATH=STUBS:clients/python python tests/clients/python/outage.py 127.0.0.1:50051 docs/applications.md

Restart poort meanwhile. It reads commands: `answered` waits until each caller had a new answer, `failed` until the default
channel had a failure; each prints `ok`. At the end of its input it prints a line of JSON for each caller: the calls, how many
failed, and the longest time between two answers, in seconds.

| caller  | how it asks                                                          |
|---------|----------------------------------------------------------------------|
| default | a channel as the library makes it                                    |
| wait    | the same, with `wait_for_ready`                                      |
| config  | the service config of the page, and the page's option for reconnects |
| json    | the client in `clients/python`                                       |
"""

import asyncio
import json
import re
import sys
import threading
import time
from pathlib import Path

import grpc
from google.protobuf import json_format

from poort.v1 import access_evaluation_pb2 as pb
from poort.v1 import access_evaluation_pb2_grpc as pb_grpc
from poort_client import Granted, Poort

# How long one call may take, in seconds: longer than a restart.
PATIENCE = 60
# How long a caller waits after each call, in seconds.
PAUSE = 0.005
QUESTION = {
    "subject": {"type": "User", "id": "anna"},
    "action": {"name": "consult"},
    "resource": {"type": "Report", "id": "r-1", "properties": {"unit": "north", "sealed": False}},
}


class Caller(threading.Thread):
    """Asks until it is stopped. `ask` says whether there was an answer."""

    def __init__(self, name, ask):
        super().__init__(daemon=True)
        self.caller, self.ask = name, ask
        self.calls = self.failed = 0
        self.longest, self.last = 0.0, time.monotonic()
        self.stopped = False

    def run(self):
        while not self.stopped:
            answered = self.ask()
            now = time.monotonic()
            if answered:
                self.longest, self.last = max(self.longest, now - self.last), now
            else:
                self.failed += 1
            self.calls += 1
            time.sleep(PAUSE)

    def facts(self):
        return {"caller": self.caller, "calls": self.calls, "failed": self.failed, "longest": round(self.longest, 3)}


def over_grpc(address, options=(), **how):
    question = json_format.ParseDict(QUESTION, pb.EvaluateRequest())
    # A connection of its own, which no other caller mends.
    channel = grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1), *options])
    poort = pb_grpc.AccessEvaluationStub(channel)

    def ask():
        try:
            return poort.Evaluate(question, timeout=PATIENCE, **how).decision
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise
            return False

    return ask


def over_json(address):
    loop = asyncio.new_event_loop()
    poort = Poort(f"http://{address}", deadline=PATIENCE)
    return lambda: isinstance(loop.run_until_complete(poort.may(QUESTION, "a record")), Granted)


def main(address, page):
    config = re.search(r"```json\n(\{\s*\"methodConfig\".*?)```", Path(page).read_text(), re.DOTALL)[1]
    reconnects = [(f"grpc.{name}_reconnect_backoff_ms", 50) for name in ("initial", "min", "max")]
    callers = [
        Caller("default", over_grpc(address)),
        Caller("wait", over_grpc(address, wait_for_ready=True)),
        Caller("config", over_grpc(address, [("grpc.service_config", config), *reconnects])),
        Caller("json", over_json(address)),
    ]
    for caller in callers:
        caller.start()
    for command in sys.stdin:
        match command.strip():
            case "answered":
                before = [caller.last for caller in callers]
                while any(caller.last == last for caller, last in zip(callers, before)):
                    time.sleep(PAUSE)
            case "failed":
                while callers[0].failed == 0:
                    time.sleep(PAUSE)
        print("ok", flush=True)
    for caller in callers:
        caller.stopped = True
        print(json.dumps(caller.facts()), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
