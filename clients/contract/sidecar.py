"""A sidecar that does to its caller what a case says: it answers, resets, stays silent, drips, or sends garbage.

    python3 sidecar.py cases.json

It prints its address. The questions of the case NAME go to ADDRESS/NAME, percent-encoded. For each call it prints a line
of JSON: the case, the path, the headers, how many questions there were, and whether it came before `Retry-After` said. It ends when its standard input does.
"""

import collections
import http.server
import json
import socket
import struct
import sys
import threading
import time
import urllib.parse

MEGABYTE = 1 << 20


class Call(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or "{}")
        if self.path == "/yes":  # Where a case redirects to: nobody should get here.
            return self.answer({"status": 200, "type": "application/json", "body": {"decision": True}})
        _, name, path = self.path.split("/", 2)
        name = urllib.parse.unquote(name)
        steps = self.server.cases[name]["sidecar"]
        with self.server.lock:
            step = steps[min(self.server.calls[name], len(steps) - 1)]
            self.server.calls[name] += 1
            call = {"case": name, "path": path, "questions": len(asked.get("evaluations", [asked]))}
            call["early"] = time.monotonic() < self.server.not_before[name]
            after = step.get("retry_after", "")
            # Clocks differ a little.
            self.server.not_before[name] = time.monotonic() - 0.05 + (int(after) if after.isdigit() else 0)
            print(json.dumps(call | {"headers": {key.lower(): it for key, it in self.headers.items()}}), flush=True)
        getattr(self, step.get("fault", "answer"))(step)

    do_GET = do_POST

    def answer(self, step):
        body = text(step["body"])
        self.send_response(step["status"])
        if step["type"]:
            self.send_header("content-type", step["type"])
        if "location" in step:
            self.send_header("location", step["location"])
        if "retry_after" in step:
            self.send_header("retry-after", step["retry_after"])
        if step["status"] != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reset(self, _):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(_)

    def close(self, _):
        self.close_connection = True

    def noise(self, _):
        self.wfile.write(b"\x00\x01 this is no HTTP\r\n\r\n")
        self.close_connection = True

    def silent(self, _):
        self.until_the_caller_leaves()

    def truncated(self, step):
        body = text(step["body"])
        self.head(len(body) + 100)
        self.wfile.write(body)
        self.close_connection = True

    def drip(self, _):
        self.head(MEGABYTE)
        self.wfile.write(b"{")
        while not self.server.ending.wait(0.02):
            self.wfile.write(b" ")

    def endless(self, _):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        while True:
            self.wfile.write(b" " * 65536)

    def head(self, length):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(length))
        self.end_headers()

    def until_the_caller_leaves(self):
        self.connection.recv(1)
        self.close_connection = True

    def log_message(self, *_):
        pass


def text(body):
    """The bytes of a body: JSON, or `text` as it is, or a size to be made."""
    match body:
        case {"text": str(text)}:
            return text.encode()
        case {"deep": int(depth)}:
            return b'{"decision": true, "context": ' + b"[" * depth + b"]" * depth + b"}"
        case {"padding": {"megabytes": int(size)}}:
            return json.dumps(body | {"padding": "x" * (size * MEGABYTE)}).encode()
        case None:
            return b""
    return json.dumps(body).encode()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        """The caller left, as a case wants it."""


def main(path):
    server = Server(("127.0.0.1", 0), Call)
    with open(path) as file:
        server.cases = {case["name"]: case for case in json.load(file)["cases"]}
    server.not_before = collections.Counter()
    server.calls, server.lock, server.ending = collections.Counter(), threading.Lock(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
