"""Measures what the search for signals knows of many accounts: memory, and records a second.

    python3 benches/signals/memory.py --accounts 100000 --records 2000000     # needs target/release/poort

The log has `--records` first accesses of all accounts over 40 days. It is read twice: once with its first record alone, and once whole.
The difference in the most resident memory is that of the state, and the difference in processor time that of the records.
"""

import argparse
import importlib.util
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

spec = importlib.util.spec_from_file_location("live", pathlib.Path(__file__).with_name("live.py"))
live = importlib.util.module_from_spec(spec)
spec.loader.exec_module(live)


def record(seq, account, day, named):
    time = 1_767_258_000_000 + day * 86_400_000 + seq % 28_800_000
    today = f"2026-{1 + day // 31:02}-{1 + day % 31:02}"
    return {
        "event_name": "adl.access_evaluation",
        "trace_id": f"{seq + 1:032x}",
        "span_id": f"{seq + 1:016x}",
        "status": "Unset",
        "timestamp": time,
        "attributes": {
            "adl.core.configuration": {"poort": {"version": "0", "digest": ""}},
            "adl.core.policies": {"policies": {"revision": named["revision"]}},
            "adl.core.information": {"directory": {"revision": named["directory_revision"]}},
            "poort.log.seq": seq,
            "poort.pdp": {"hour": 9, "now": f"{today}T09:00:00Z", "today": today},
        },
        "body": {
            "adl.core.request": live.question(account, f"file-{seq}"),
            "adl.core.response": {"decision": True, "context": {"policies": [{"id": "all"}]}},
        },
    }


def replay(poort, folder, log):
    """The most resident memory in bytes, and the processor time in seconds."""
    code = (
        "import resource, subprocess, sys\n"
        "print(subprocess.run(sys.argv[1:], capture_output=True, text=True).stderr.strip())\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime)\n"
    )
    command = [sys.executable, "-c", code, poort, "signals", "replay", "--policies", folder / "policies", "--received", log]
    *said, used = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    memory, seconds = used.split()
    return " ".join(said), int(memory), float(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--poort", default="target/release/poort")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--records", type=int, default=2_000_000)
    arguments = parser.parse_args()
    settings = pathlib.Path(__file__).parent.parent.parent / "policies/signals/detectors.toml"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        live.policies(folder / "policies", arguments.accounts, settings)
        evaluate = [arguments.poort, "evaluate", "--policies", folder / "policies", "-"]
        asked = json.dumps(live.question(0, "a"))
        answer = json.loads(subprocess.run(evaluate, input=asked, capture_output=True, text=True, check=True).stdout)
        first, whole = folder / "first.jsonl", folder / "whole.jsonl"
        per_day = arguments.records // 40
        with open(whole, "w") as log:
            for seq in range(per_day * 40):
                line = json.dumps(record(seq, seq % arguments.accounts, seq // per_day, answer["context"]))
                log.write(line + "\n")
                if seq == 0:
                    first.write_text(line + "\n")
        _, before, idle = replay(arguments.poort, folder, first)
        said, after, busy = replay(arguments.poort, folder, whole)
        count = per_day * 40
        assert f"{count} decisions of {arguments.accounts} accounts" in said, said
        print(f"{count} first accesses of {arguments.accounts} accounts: {(after - before) / 1e6:.0f} MB of state, "
              f"{count / (busy - idle):.0f} records a second of processor time")


if __name__ == "__main__":
    main()
