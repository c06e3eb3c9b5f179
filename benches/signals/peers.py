"""Runs other methods beside the signals of poort, on the log with planted misuse that `bpic13.py` makes.

    pip install --requirement benches/signals/requirements.txt
    python3 benches/signals/peers.py BPIC13_incidents.xes.gz OUT --seeds 20 --poort target/release/poort

Each method scores the account-days of the test. As in `poort signals evaluate`, a planted account is found if its highest score is
above that of all but so many of the others. Each method is tried with what a day has without reasons, and with the accesses without
a reason too. Its settings are those of its grid with the highest mean on the tuning seeds, for each of the two, and for each share of
missing routes. OUT keeps what was measured, so a run that was interrupted goes on.
"""

import argparse
import csv
import io
import json
import pathlib
import subprocess
import time
import warnings

import bpic13
import methods
import numpy as np

LEVELS = [0.65, 3.2]
TUNING = [101, 102, 103]
MISSING = [0.0, 0.2]


def found(log, scores, truth):
    """The share of each pattern that is found, and with ties at the threshold broken at random: as evaluate.rs does it."""
    highest, benign_days = {}, 0
    for row in np.flatnonzero(log.is_test):
        account = log.accounts[row]
        highest[account] = max(highest.get(account, -np.inf), float(scores[row]))
        benign_days += account not in truth
    benign = sorted((score for account, score in highest.items() if account not in truth), reverse=True)
    shares = {}
    for level in LEVELS:
        allowed = int(level * benign_days / 1000 + 0.5)
        threshold = benign[allowed]
        # Of those at the threshold, in random order, as many are above the first of the others that is too many.
        left, tied = allowed - sum(score > threshold for score in benign), benign.count(threshold)
        for pattern in bpic13.PATTERNS:
            planted = [highest.get(account, -np.inf) for account, kind in truth.items() if kind == pattern]
            above, at = sum(score > threshold for score in planted), planted.count(threshold)
            shares[f"{level} {pattern}"] = above / len(planted)
            shares[f"{level} {pattern} ties"] = (above + at * (left + 1) / (tied + 1)) / len(planted)
        shares[f"{level} allowed"] = allowed
    return shares


def of_poort(poort, out, log):
    """What `poort signals evaluate` says of the same log."""
    asked = [poort, "signals", "evaluate", "--policies", out / "policies", "--received", out / "log.jsonl", "--truth", out / "truth.csv",
             "--from", "2012-05-05", "--false-signals", ",".join(map(str, LEVELS))]
    table = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    shares = {}
    for level, row in zip(LEVELS, csv.DictReader(io.StringIO(table))):
        shares |= {f"{level} {pattern}": float(row[pattern]) for pattern in bpic13.PATTERNS}
        shares |= {f"{level} {pattern} ties": float(row[pattern]) for pattern in bpic13.PATTERNS}
        shares[f"{level} allowed"] = int(row["false_accounts"])
    return shares


class Kept:
    """What was measured, in a file with a line for each."""

    def __init__(self, path):
        self.path = path
        self.rows = [json.loads(line) for line in path.open()] if path.exists() else []
        self.keys = {self.key(row) for row in self.rows}

    def key(self, row):
        return json.dumps([row[name] for name in ["seed", "missing", "method", "reason", "setting"]])

    def measure(self, seed, missing, method, reason, setting, measure):
        row = {"seed": seed, "missing": missing, "method": method, "reason": reason, "setting": setting}
        if self.key(row) not in self.keys:
            started = time.process_time()
            row |= {"shares": measure(), "seconds": round(time.process_time() - started, 2)}
            self.keys.add(self.key(row))
            self.rows.append(row)
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")

    def chosen(self, missing, method, reason):
        """The setting with the highest mean at the lowest level, then at the next; the first of equal ones."""
        means = {}
        for row in self.rows:
            if (row["missing"], row["method"], row["reason"]) == (missing, method, reason):
                sums = [sum(row["shares"][f"{level} {pattern}"] for pattern in bpic13.PATTERNS) for level in LEVELS]
                means.setdefault(json.dumps(row["setting"]), []).append(sums)
        return json.loads(max(means, key=lambda setting: tuple(np.mean(means[setting], axis=0).round(6))))


class Bench:
    def __init__(self, given):
        self.given, self.events = given, bpic13.read(given.log)
        given.out.mkdir(parents=True, exist_ok=True)
        self.tuning, self.results = Kept(given.out / "tuning.jsonl"), Kept(given.out / "results.jsonl")

    def log(self, seed, missing):
        world = bpic13.World(self.events, missing, seed)
        planted, truth = world.plant()
        questions = list(world.questions(planted))
        return world, questions, truth, methods.Log(questions, world.groups, world.test)

    def tune(self, seed, missing, names):
        _, _, truth, log = self.log(seed, missing)
        for reason in [False, True]:
            for name in names:
                function, settings = methods.grid(reason)[name]
                for setting in settings if len(settings) > 1 else []:
                    self.tuning.measure(seed, missing, name, reason, setting,
                                        lambda: found(log, function(log, seed, **setting), truth))

    def run(self, seed, missing, names):
        world, questions, truth, log = self.log(seed, missing)
        if "poort" in names:
            settings = bpic13.SETTINGS.format(half_life=5.0, usual=0.2, breadth="")
            bpic13.write(self.given.out / "log", world, questions, truth, settings, self.given.poort)
            self.results.measure(seed, missing, "poort", True, {}, lambda: of_poort(self.given.poort, self.given.out / "log", log))
        for reason in [False, True]:
            for name in [name for name in names if name != "poort"]:
                function, settings = methods.grid(reason)[name]
                setting = self.tuning.chosen(missing, name, reason) if len(settings) > 1 else settings[0]
                self.results.measure(seed, missing, name, reason, setting,
                                     lambda: found(log, function(log, seed, **setting), truth))
        allowed = {row["shares"]["3.2 allowed"] for row in self.results.rows if (row["seed"], row["missing"]) == (seed, missing)}
        assert len(allowed) == 1, "poort has counted other account-days"

    def all(self):
        fast = [name for name in methods.grid(True) if name not in methods.SLOW]
        steps = [(self.tune, TUNING, fast), (self.run, range(1, self.given.seeds + 1), ["poort", *fast]),
                 (self.tune, TUNING[: 1], methods.SLOW), (self.run, range(1, self.given.slow_seeds + 1), methods.SLOW)]
        for step, seeds, names in steps:
            for seed in seeds:
                for missing in MISSING:
                    started = time.time(), time.process_time()
                    step(seed, missing, names)
                    print(f"{step.__name__} {len(names)} methods, seed {seed}, missing {missing}: {time.time() - started[0]:.0f} s, "
                          f"{time.process_time() - started[1]:.0f} s of the processor", flush=True)
                    if step == self.run:
                        (self.given.out / "peers.md").write_text(report(self.results.rows))


def interval(values):
    """The mean over seeds, and the interval of 95 % by drawing seeds again."""
    values = np.array(values)
    means = np.random.default_rng(1).choice(values, (2000, len(values))).mean(axis=1)
    return values.mean(), *np.percentile(means, [2.5, 97.5])


def report(rows):
    text = ""
    for missing in MISSING:
        for level in LEVELS:
            shares = {}
            for row in rows:
                if row["missing"] == missing:
                    shares.setdefault((row["reason"], row["method"]), {})[row["seed"]] = row["shares"]
            text += f"\n{missing:.0%} of routes missing, {level} false signals in 1 000 account-days:\n\n"
            text += "| method | reasons | seeds | " + " | ".join(bpic13.PATTERNS) + " | mean | with ties | poort is better, worse |\n"
            text += "|---|---|---:|" + "---:|" * 8 + "---|\n"
            of_poort = shares.get((True, "poort"), {})
            for (reason, method), seeds in sorted(shares.items(), key=lambda one: (one[0][0], one[0][1] != "poort")):
                cells, apart = [], {True: [], False: []}
                for pattern in bpic13.PATTERNS:
                    mean, low, high = interval([one[f"{level} {pattern}"] for one in seeds.values()])
                    cells.append(f"{mean:.2f} ({low:.2f}-{high:.2f})")
                    _, low, high = interval([of_poort[seed][f"{level} {pattern}"] - one[f"{level} {pattern}"]
                                             for seed, one in seeds.items() if seed in of_poort] or [0.0])
                    if low > 0 or high < 0:
                        apart[low > 0].append(pattern)
                for kind in ["", " ties"]:
                    of_all = [one[f"{level} {pattern}{kind}"] for one in seeds.values() for pattern in bpic13.PATTERNS]
                    cells.append(f"{np.mean(of_all):.2f}")
                cells.append("; ".join(" ".join(apart[is_better]) or "-" for is_better in [True, False]))
                text += f"| {method} | {'yes' if reason else 'no'} | {len(seeds)} | " + " | ".join(cells) + " |\n"
    return text


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("log", type=pathlib.Path)
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--seeds", type=int, default=20)
    arguments.add_argument("--slow-seeds", type=int, default=5, help="how many seeds the slow methods have")
    arguments.add_argument("--poort", default="target/release/poort")
    warnings.simplefilter("ignore")
    Bench(arguments.parse_args()).all()


if __name__ == "__main__":
    main()
