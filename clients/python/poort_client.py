"""A client of poort, the policy decision point beside an application: it hands out a record only if poort allowed that.

Copy this file into an application. It needs Python 3.11 and httpx, the HTTP client that FastAPI's own tests use. It asks
in JSON, so that nothing is generated.

    poort = Poort("http://127.0.0.1:50051")                       # or unix:/run/poort/poort.sock
    answer = await poort.may(question, record, trace=request.headers)
    shown = await answer.comply(HANDLERS)                         # the record, or it raises Denied

Whatever is not a clear yes is Denied: an error, a late answer, garbage, an obligation without a handler.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import httpx

# A handler does one kind of obligation. It gets the obligation's parameters and the record, and returns the record to go
# on with, such as one without the fields to hide. The obligations of a deny come without a record: it gets None.
Handlers = Mapping[str, Callable[[Any, Any], Awaitable[Any]]]

LARGEST = 1 << 20  # The largest answer that is read, in bytes.
PAUSE = 0.05  # Seconds before a question is asked again. It doubles each time.
TRACE = ("traceparent", "tracestate", "x-request-id")
log = logging.getLogger("poort")


class Denied(Exception):
    """No access. `answered` is false if poort did not decide that: then it may be another answer later. `reason_user` may be
    shown to the user, and `reason` may not; it is empty where poort gave none."""

    def __init__(
        self, reason: str, *, answered: bool = False, duties: Sequence = (), decision_record: Any = None, reason_user: str = ""
    ):
        super().__init__(reason)
        self.reason, self.answered, self.decision_record = reason, answered, decision_record
        self.reason_user = reason_user
        self._duties = duties

    async def comply(self, handlers: Handlers) -> None:
        """Does the obligations of the deny, such as the end of a session, and raises this."""
        await _do(self._duties, handlers, None)
        raise self


class Granted:
    """Access to a record, which `comply` alone hands out. `decision_record` is for the application's own log."""

    def __init__(self, record: Any, duties: Sequence, decision_record: Any):
        self.__record, self._duties, self.decision_record = record, duties, decision_record

    async def comply(self, handlers: Handlers) -> Any:
        """Does the obligations and returns the record. It raises Denied if one could not be done."""
        record, undone = await _do(self._duties, handlers, self.__record)
        if undone:
            reason = f"The application cannot do what this access asks for: {', '.join(undone)}."
            raise Denied(reason, answered=True, decision_record=self.decision_record)
        return record


class Poort:
    """The sidecar at an address. `deadline` is how many seconds a question may take, with all its attempts."""

    def __init__(self, address: str = "http://127.0.0.1:50051", deadline: float = 2.0):
        socket = address.removeprefix("unix:") if address.startswith("unix:") else None
        self._base, self._deadline = "http://localhost" if socket else address.rstrip("/"), deadline
        transport = httpx.AsyncHTTPTransport(uds=socket, verify=self._base.startswith("https:"))
        # Without the environment's proxies: a question goes to the sidecar or nowhere.
        self._http = httpx.AsyncClient(transport=transport, trust_env=False, timeout=None)

    async def may(
        self, question: dict, record: Any, *, trace: Mapping[str, str] = {}, deadline: float | None = None
    ) -> Granted | Denied:
        """Asks whether this may be done with the record. `trace`: the headers of the request that is being served."""
        try:
            return _read(await self._ask("evaluation", question, trace, deadline), record)
        except Denied as denied:
            return denied

    async def may_each(
        self, rows: Sequence[tuple[dict, Any]], *, trace: Mapping[str, str] = {}, deadline: float | None = None
    ) -> list[Granted | Denied]:
        """Asks in one call about many records, such as the rows of a page: pairs of a question and its record."""
        try:
            asked = {"evaluations": [question for question, _ in rows]}
            answers = (await self._ask("evaluations", asked, trace, deadline)).get("evaluations") if rows else []
            if not isinstance(answers, list) or len(answers) != len(rows):
                raise Denied("poort did not answer each question.")
        except Denied as denied:
            return [denied for _ in rows]
        return [_read(answer, record) for answer, (_, record) in zip(answers, rows)]

    async def _ask(self, path: str, question: dict, trace: Mapping[str, str], deadline: float | None) -> dict:
        headers = {name: trace[name] for name in TRACE if name in trace} | {"accept-encoding": "identity"}
        why, pause = "the deadline passed", PAUSE
        until = asyncio.get_running_loop().time() + (self._deadline if deadline is None else deadline)
        try:
            async with asyncio.timeout_at(until):
                while True:
                    wait = pause
                    try:
                        url = f"{self._base}/access/v1/{path}"
                        async with self._http.stream("POST", url, json=question, headers=headers) as response:
                            status, kind = response.status_code, response.headers.get("content-type", "")
                            body = await _body(response)
                        if status not in (429, 503):
                            break
                        why, wait = f"status {status}", max(pause, _seconds(response.headers.get("retry-after", "")))
                    except httpx.TransportError:
                        why = "no connection"
                    # poort restarts or is full. A question changes nothing, so it is asked again, if there is time.
                    if asyncio.get_running_loop().time() + wait > until:
                        raise TimeoutError
                    await asyncio.sleep(wait)
                    pause *= 2
        except TimeoutError:
            raise Denied(f"No answer from poort: {why}.") from None
        if status != 200:
            log.error("poort refused a question with status %s: %r", status, body[:500])
            raise Denied(f"No answer from poort: status {status}.")
        try:
            answer = json.loads(body) if kind.split(";")[0].strip() == "application/json" else None
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise Denied("The answer is not poort's.")
        return answer

    async def close(self) -> None:
        await self._http.aclose()


def _seconds(text: str) -> int:
    """What `Retry-After` says; none if it is a date."""
    return int(text) if text.isascii() and text.isdigit() else 0


async def _body(response: httpx.Response) -> bytes:
    body = b""
    async for part in response.aiter_raw():
        body += part
        if len(body) > LARGEST:
            raise Denied("The answer is too large.")
    return body


def _read(answer: Any, record: Any) -> Granted | Denied:
    """One answer, if it has the form of poort's."""
    try:
        decision, context = _member(answer, "decision", bool), _member(answer, "context", dict, {})
        duties = [duty for it in _member(context, "obligations", list, []) for duty in _duties(it)]
        reason, decision_record = _member(context, "reason", str, ""), context.get("record")
        if "error" in context:  # Only in a batch: poort could not decide this one.
            return Denied(f"No answer from poort: status {_member(context, 'error', dict).get('status')}.")
    except Denied as denied:
        return denied
    if decision:
        return Granted(record, duties, decision_record)
    told = context.get("reason_user")  # A sentence for each code; poort has one.
    told = told.get("403") if isinstance(told, dict) else None
    told = told if isinstance(told, str) else ""
    return Denied(reason, answered=True, duties=duties, decision_record=decision_record, reason_user=told)


def _duties(obligation: Any) -> list[tuple[str, Any]]:
    """What an obligation asks for: its type with its properties, or each property of a custom one."""
    kind, properties = _member(obligation, "type", str), _member(obligation, "properties", dict, {})
    return list(properties.items()) if kind == "custom" and properties else [(kind, properties)]


def _member(of: Any, name: str, kind: type, *absent: Any) -> Any:
    value = of.get(name, *absent) if isinstance(of, dict) else None
    if not isinstance(value, kind):
        raise Denied("The answer is not poort's.")
    return value


async def _do(duties: Sequence, handlers: Handlers, record: Any) -> tuple[Any, list[str]]:
    """Does what can be done, also when something else cannot: the record to go on with, and what was not done."""
    undone = []
    for key, parameters in duties:
        try:
            record = await handlers[key](parameters, record)
        except Exception:
            log.exception("the obligation %r was not done", key)
            undone.append(key)
    return record, undone
