"""Measures live signals: the time from a decision to the record of its signal, and what it costs to look for signals.

    python3 benches/signals/live.py --rate 5000 --seconds 20      # needs target/release/poort and h2load (package nghttp2-client)
    python3 benches/signals/live.py --nats nats-server            # over streams: what `poort signals serve` finds in them

h2load asks one question at a steady rate. Meanwhile accounts touch a decoy, one after the other, and each must have one signal. The
same load is asked of a poort without signals, in turns. It talks to this machine alone and ends by itself.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time

SCHEMA = """entity Team;
entity Person in [Team] { station: String };
@source("request") entity File { team: Team };
action open appliesTo { principal: Person, resource: File, context: { pdp: {} } };
"""
ALL = '@id("all")\n@title("Everybody.")\npermit (principal, action, resource);\n'
REASONS = """@id("own-team")
@title("The account is in the team of the file.")
permit (principal, action, resource) when { principal in resource.team };

@id("decoy")
@title("The file exists for nobody.")
forbid (principal, action, resource == File::"decoy");
"""


def question(account, file):
    return {
        "subject": {"type": "Person", "id": f"p{account}"},
        "action": {"name": "open"},
        "resource": {"type": "File", "id": file, "properties": {"team": f"team-{account % 50}"}},
    }


def policies(folder, accounts, settings):
    (folder / "signals").mkdir(parents=True)
    (folder / "directory").mkdir()
    (folder / "schema.cedarschema").write_text(SCHEMA)
    (folder / "all.cedar").write_text(ALL)
    (folder / "signals/reasons.cedar").write_text(REASONS)
    # There are no systems here, so nothing is compared with its own days.
    text = re.sub(r"(?m)^itself = .*\n", "", settings.read_text().split("[disclosure]")[0])
    (folder / "signals/detectors.toml").write_text(re.sub(r"(?m)^same = .*$", 'same = ["station"]', text))
    uid = lambda kind, id: {"type": kind, "id": id}
    entities = [{"uid": uid("Team", f"team-{n}"), "attrs": {}, "parents": []} for n in range(50)]
    entities += [
        {"uid": uid("Person", f"p{n}"), "attrs": {"station": f"s{n % 100}"}, "parents": [uid("Team", f"team-{n % 50}")]}
        for n in range(accounts)
    ]
    (folder / "directory/people.json").write_text(json.dumps(entities))


def nats(command, folder, port=14333):
    """A server with both streams. It syncs as it does by default: a disk of one machine takes no 5 000 syncs a second."""
    config = folder / "nats.conf"
    config.write_text(f'listen: 127.0.0.1:{port}\njetstream {{ store_dir: "{folder}/store" }}\n')
    process = subprocess.Popen([command, "--config", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    reader = connection.makefile("rb")
    connection.sendall(b'CONNECT {"verbose":false}\r\nSUB answers 1\r\n')
    for name, subject in [("decisions", "poort.decisions"), ("signals", "poort.signals.>")]:
        stream = json.dumps({"name": name, "subjects": [subject], "storage": "file", "retention": "limits"}).encode()
        connection.sendall(b"PUB $JS.API.STREAM.CREATE.%s answers %d\r\n%s\r\n" % (name.encode(), len(stream), stream))
        while not reader.readline().startswith(b"MSG"):
            pass
        assert b'"error"' not in reader.readline()
    return process, f"nats://127.0.0.1:{port}"


def sink(address):
    return (f'[ship.stream]\nkind = "nats"\nendpoint = "{address}"\nsubject = "poort.decisions"\n'
            'records = "decisions"\n')


def streams(address):
    return ("[signals]\nenabled = true\n"
            f'[signals.stream]\nendpoint = "{address}"\ndecisions = "poort.decisions"\nsignals = "poort.signals"\n')


def start(poort, folder, name, text, command="serve"):
    data = folder / name
    config = folder / f"{name}.toml"
    config.write_text(text)
    log = open(folder / f"{name}.log", "w")
    serve = [poort, *command.split(), "--config", config, "--policies", folder / "policies", "--data", data]
    process = subprocess.Popen(serve + ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], stderr=log)
    while True:
        text = (folder / f"{name}.log").read_text()
        if "Ready for questions" in text:
            return process, data, int(re.search(r"for callers\. address=127\.0\.0\.1:(\d+)", text)[1])
        assert process.poll() is None, text
        time.sleep(0.05)


def load(port, folder, rate, seconds):
    body = folder / "question.json"
    body.write_text(json.dumps(question(0, "a")))
    clients = 10
    return subprocess.Popen(
        ["h2load", "--h1", f"--rps={rate // clients}", f"--duration={seconds}", f"--clients={clients}", "--threads=1"]
        + ["-H", "content-type: application/json", "-d", body, f"http://127.0.0.1:{port}/access/v1/evaluation"],
        stdout=subprocess.PIPE,
        text=True,
    )


def processor_time(pid, thread=None):
    """Seconds of processor time, of the process or of its threads of this name."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name, rest = re.match(r"\d+ \((.*)\) (.*)", (task / "stat").read_text()).groups()
        if thread is None or name == thread:
            total += sum(map(int, rest.split()[11:13]))
    return total / os.sysconf("SC_CLK_TCK")


def percentile(numbers, part):
    return sorted(numbers)[min(len(numbers) - 1, int(len(numbers) * part))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--poort", default="target/release/poort")
    parser.add_argument("--rate", type=int, default=5000, help="questions a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--nats", help="the command of a NATS server; then signals are looked for over streams")
    parser.add_argument("--accounts", type=int, default=2000, help="how many touch a decoy at most")
    arguments = parser.parse_args()
    settings = pathlib.Path(__file__).parent.parent.parent / "policies/signals/detectors.toml"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        policies(folder / "policies", arguments.accounts, settings)
        for enabled in [False, True, False, True]:
            name = f"data-{enabled}-{time.time_ns()}"
            running = []
            try:
                if arguments.nats:
                    (folder / name).mkdir()
                    server, address = nats(arguments.nats, folder / name)
                    running.append(server)
                    sidecar, data, port = start(arguments.poort, folder, f"{name}-sidecar", sink(address))
                    looks = sidecar
                    if enabled:
                        looks, data, _ = start(arguments.poort, folder, name, streams(address), "signals serve")
                        running.append(looks)
                    running.append(sidecar)
                else:
                    sidecar, data, port = start(arguments.poort, folder, name, f"[signals]\nenabled = {str(enabled).lower()}\n")
                    looks = sidecar
                    running.append(sidecar)
                measure(arguments, folder, looks, data, port, enabled)
            finally:
                for process in reversed(running):
                    process.send_signal(signal.SIGTERM)
                    process.wait()


def measure(arguments, folder, process, data, port, enabled):
    """`process` looks for signals, and has them in `data`; the sidecar answers at `port`."""
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(account, file):
        body, headers = json.dumps(question(account, file)), {"Content-Type": "application/json"}
        connection.request("POST", "/access/v1/evaluation", body, headers)
        answer = json.loads(connection.getresponse().read())
        assert answer["decision"] is True, answer

    ask(0, "a")
    time.sleep(1)
    before = processor_time(process.pid), processor_time(process.pid, "poort-signals")
    running = load(port, folder, arguments.rate, arguments.seconds)
    asked, end = 0, time.monotonic() + arguments.seconds - 1
    while time.monotonic() < end and asked < arguments.accounts:
        ask(asked, "decoy")
        asked += 1
        time.sleep(0.01)
    said = running.communicate()[0]
    rate = re.search(r"([\d.]+) req/s", said)[1]
    latency = re.search(r"time for request:\s+(.*)", said)[1].split()
    after = processor_time(process.pid), processor_time(process.pid, "poort-signals")
    whole, signals = (b - a for a, b in zip(before, after))
    share = 100 * signals / arguments.seconds
    print(f"signals {'on ' if enabled else 'off'}: {rate} questions/s, mean {latency[2]}, most {latency[1]}, "
          f"{whole:.1f} s of processor time, of that the thread of signals {signals:.1f} s ({share:.0f} % of a core)")
    if enabled:
        time.sleep(3)
        records = subprocess.run([arguments.poort, "log", "cat", "--all", "--data", data], capture_output=True, text=True)
        records = [json.loads(line) for line in records.stdout.splitlines() if '"event_name":"poort.signal"' in line]
        assert len(records) == asked, f"{len(records)} signals of {asked} accounts"
        delays = [record["timestamp"] - record["body"]["poort.signal"]["time"] for record in records]
        print(f"  {asked} signals, from the decision to the record of the signal: median {percentile(delays, .5)} ms, "
              f"99 % {percentile(delays, .99)} ms, most {max(delays)} ms")


if __name__ == "__main__":
    main()
