"""A Python client of poort: what an application does before it touches police data.

The stubs are made from `proto/` alone:

    python -m grpc_tools.protoc -I proto --python_out=STUBS --grpc_python_out=STUBS poort/v1/access_evaluation.proto
    PYTHONPATH=STUBS python tests/clients/python/client.py 127.0.0.1:50051
    PYTHONPATH=STUBS python tests/clients/python/client.py unix:/run/poort/poort.sock

Each step prints lines of JSON. What goes wrong is told on standard error, and the exit code is then 1.
"""

import json
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from poort.v1 import access_evaluation_pb2 as pb
from poort.v1 import access_evaluation_pb2_grpc as pb_grpc

# How long the application waits for an answer, in seconds. poort gives up at the same moment.
PATIENCE = 30


def main(address):
    # Over a Unix socket this library would name the server by the path of the socket, which is no valid name in HTTP/2.
    options = [("grpc.default_authority", "localhost")] if address.startswith("unix:") else []
    with grpc.insecure_channel(address, options=options) as channel:
        poort = pb_grpc.AccessEvaluationStub(channel)
        health(channel)
        reflection(channel)
        evaluate(poort)
        fail_closed(poort)
        batch(poort)
        stream(poort)
        mistake(poort)
        trace(poort)
        deadline(poort)


def question(officer, record="inv-0042"):
    """May this officer consult this investigation, for the purpose of Wpg article 9?

    Poort knows the officer itself; the record is described by whoever asks.
    """
    asked = pb.EvaluateRequest(
        subject=pb.Subject(type="Officer", id=officer),
        action=pb.Action(name="consult"),
        resource=pb.Resource(type="Investigation", id=record),
    )
    asked.resource.properties.update({"unit": "detectives-north", "team": "heron", "level": 3, "embargo": False})
    asked.context.update({"purpose": "9"})
    return asked


def evaluate(poort):
    """One question, one answer: a deny is an answer too, and says why."""
    for officer in ["officer-0007", "officer-0008"]:
        answer = poort.Evaluate(question(officer), timeout=PATIENCE)
        show("evaluate", officer=officer, **plain(answer))


def fail_closed(poort):
    """How an application asks: only a true decision with obligations that it can meet is a yes; any error is a no."""

    def may(asked):
        try:
            answer = poort.Evaluate(asked, timeout=PATIENCE)
        except grpc.RpcError:
            return False
        # This application can meet no obligations, so it takes none.
        return answer.decision and not answer.obligations

    show("may", allowed=may(question("officer-0007")), refused=may(pb.EvaluateRequest()))


def batch(poort):
    """Several questions that share most of what they ask: what an item sets replaces the default."""
    shared = question("officer-0007")
    officers = ["officer-0007", "officer-0008", "officer-0007", "officer-0008"]
    for semantic in pb.EvaluationsSemantic.keys():
        asked = pb.EvaluateBatchRequest(
            action=shared.action,
            resource=shared.resource,
            context=shared.context,
            evaluations=[pb.EvaluateRequest(subject=pb.Subject(type="Officer", id=officer)) for officer in officers],
            evaluations_semantic=semantic,
        )
        answer = poort.EvaluateBatch(asked, timeout=PATIENCE)
        decisions = [item.decision for item in answer.evaluations]
        show("batch", semantic=semantic, decisions=decisions, record=identity(answer.record))


def stream(poort):
    """Many questions over one call, all under way together: an answer carries the id of its question."""

    def questions():
        for number in range(200):
            officer = "officer-0007" if number % 2 == 0 else "officer-0008"
            yield pb.EvaluateStreamRequest(id=str(number), evaluation=question(officer, f"inv-{number:04}"))
        # A fault in one question is told in its place; the others are answered.
        yield pb.EvaluateStreamRequest(id="faulty")

    for answer in poort.EvaluateStream(questions(), timeout=PATIENCE):
        if answer.WhichOneof("result") == "error":
            show("stream", id=answer.id, code=answer.error.code, message=answer.error.message)
        else:
            show("stream", id=answer.id, **plain(answer.evaluation))


def mistake(poort):
    """A question that does not fit the policy schema is refused, and the message names the field."""
    asked = question("officer-0007")
    asked.resource.properties.update({"level": "three"})
    try:
        poort.Evaluate(asked, timeout=PATIENCE)
    except grpc.RpcError as error:
        show("mistake", code=error.code().name, message=error.details())


def trace(poort):
    """The application's own trace goes on in the decision record (W3C Trace Context)."""
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = poort.Evaluate(question("officer-0007"), timeout=PATIENCE, metadata=[("traceparent", parent)])
    show("trace", parent=parent, **plain(answer))


def deadline(poort):
    """Too little time is an error, never an answer that came too late."""
    # gRPC rounds the time up to a millisecond, in which an answer may come.
    for _ in range(1000):
        try:
            poort.Evaluate(question("officer-0007", "inv-late"), timeout=0.000001)
        except grpc.RpcError as error:
            show("deadline", code=error.code().name)
            return


def health(channel):
    """Whether poort can answer now."""
    asked = health_pb2.HealthCheckRequest(service="poort.v1.AccessEvaluation")
    answer = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=PATIENCE)
    show("health", status=health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def reflection(channel):
    """What poort serves, from poort itself."""
    show("reflection", services=sorted(ProtoReflectionDescriptorDatabase(channel).get_services()))


def plain(answer):
    """What this client shows of an answer."""
    return {
        "decision": answer.decision,
        "policies": [policy.id for policy in answer.policies],
        "reason": answer.reason,
        "revision": answer.revision,
        "record": identity(answer.record),
    }


def identity(record):
    """The key of the decision record, to keep with whatever is done next."""
    return {"trace_id": record.trace_id, "span_id": record.span_id}


def show(step, **facts):
    print(json.dumps({"step": step, **facts}))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: client.py ADDRESS")
    try:
        main(sys.argv[1])
    except grpc.RpcError as failure:
        sys.exit(f"poort did not answer: {failure.code().name}: {failure.details()}")
