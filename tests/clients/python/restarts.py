"""A Python client that asks through restarts of poort, as an application does: no call of it may fail.

    PYTHONPATH=STUBS python tests/clients/python/restarts.py 127.0.0.1:50051 CALLS wait
    PYTHONPATH=STUBS python tests/clients/python/restarts.py 127.0.0.1:50051 CALLS retry

`wait`: each call waits until there is a connection (`wait_for_ready`). `retry`: a call that fails with UNAVAILABLE is made
once more, at once. It prints a line of JSON for each hundred calls, and at the end how many calls ended how.
"""

import collections
import json
import sys
import threading

import grpc

from poort.v1 import access_evaluation_pb2 as pb
from poort.v1 import access_evaluation_pb2_grpc as pb_grpc

# How many callers ask at once.
CALLERS = 4
# How long one call may take, in seconds: longer than a restart.
PATIENCE = 60


def question():
    asked = pb.EvaluateRequest(
        subject=pb.Subject(type="Officer", id="officer-0007"),
        action=pb.Action(name="consult"),
        resource=pb.Resource(type="Investigation", id="inv-0042"),
    )
    asked.resource.properties.update({"unit": "detectives-north", "team": "heron", "level": 3, "embargo": False})
    asked.context.update({"purpose": "9"})
    return asked


def ask(poort, mode):
    """How a call ends: `allow`, or the status."""
    for attempt in range(2):
        try:
            answer = poort.Evaluate(question(), timeout=PATIENCE, wait_for_ready=mode == "wait")
            return "allow" if answer.decision else "deny"
        except grpc.RpcError as error:
            is_last = mode == "wait" or attempt > 0
            if is_last or error.code() != grpc.StatusCode.UNAVAILABLE:
                return f"{error.code().name}: {error.details()}"


def main(address, calls, mode):
    # The library as it is, but for one thing: a poort that is gone is looked for again soon, and not only after a second.
    waits = [(f"grpc.{name}_reconnect_backoff_ms", 50) for name in ["initial", "max"]] if mode == "wait" else []
    options = [("grpc.use_local_subchannel_pool", 1), *waits]
    ended, lock = collections.Counter(), threading.Lock()

    def caller():
        with grpc.insecure_channel(address, options=options) as channel:
            poort = pb_grpc.AccessEvaluationStub(channel)
            for _ in range(calls // CALLERS):
                how = ask(poort, mode)
                with lock:
                    ended[how] += 1
                    if ended.total() % 100 == 0:
                        print(json.dumps({"calls": ended.total()}), flush=True)

    callers = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for thread in callers:
        thread.start()
    for thread in callers:
        thread.join()
    print(json.dumps({"ended": ended}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
