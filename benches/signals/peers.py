"""Runs other methods beside the signals of poort, on the log with planted misuse that `bpic13.py` makes.

    pip install --requirement benches/signals/requirements.txt
    python3 benches/signals/peers.py BPIC13_incidents.xes.gz OUT --seeds 20 --poort target/release/poort

Each method scores the account-days of the test. As in `poort signals evaluate`, a planted account is found if its highest
score is above that of all but so many of the others. Each method runs with what a day has without reasons, and with the
accesses without a reason too. Its settings are those of its grid with the highest mean on the tuning seeds, for each of the
two, and for each share of missing routes. OUT keeps what was measured, so a run that was interrupted goes on.
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
KEY = ["seed", "missing", "method", "reason", "setting"]


def found(log, scores, truth):
    """The share of each pattern that is found, as `poort signals evaluate` has it; and with ties broken at random."""
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


def of_poort(poort, out):
    """What `poort signals evaluate` says of the same log."""
    asked = [poort, "signals", "evaluate", "--policies", out / "policies", "--received", out / "log.jsonl",
             "--truth", out / "truth.csv", "--from", "2012-05-05", "--false-signals", ",".join(map(str, LEVELS))]
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
        return json.dumps([row[name] for name in KEY])

    def lacks(self, seed, missing, wanted):
        """Those of the wanted methods, with and without reasons, that were not measured."""
        return [one for one in wanted if json.dumps([seed, missing, *one]) not in self.keys]

    def keep(self, seed, missing, one, shares):
        row = dict(zip(KEY, [seed, missing, *one]), shares=shares)
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
        """Seed 0: nothing is planted, and those into whom it would be are looked for."""
        world = bpic13.World(self.events, missing, seed)
        planted, truth = world.plant()
        questions = list(world.questions(planted if seed else []))
        return world, questions, truth, methods.Log(questions, world.groups, world.test)

    def tune(self, seed, missing, names):
        settings = [(name, reason, methods.grid(reason)[name][1]) for reason in [False, True] for name in names]
        wanted = [(name, reason, setting) for name, reason, tried in settings for setting in tried if len(tried) > 1]
        self.measure(self.tuning, seed, missing, wanted)

    def run(self, seed, missing, names):
        wanted = []
        for reason in [False, True]:
            for name in names:
                settings = [{}] if name == "poort" else methods.grid(reason)[name][1]
                if name != "poort" or reason:
                    setting = settings[0] if len(settings) == 1 else self.tuning.chosen(missing, name, reason)
                    wanted.append((name, reason, setting))
        self.measure(self.results, seed, missing, wanted)
        rows = [row for row in self.results.rows if (row["seed"], row["missing"]) == (seed, missing)]
        allowed = {row["shares"]["3.2 allowed"] for row in rows}
        assert len(allowed) == 1, "poort has counted other account-days"

    def measure(self, kept, seed, missing, wanted):
        wanted = kept.lacks(seed, missing, wanted)
        if not wanted:
            return
        world, questions, truth, log = self.log(seed, missing)
        for name, reason, setting in wanted:
            if name == "poort":
                settings = bpic13.SETTINGS.format(half_life=56.0, breadth="")
                bpic13.write(self.given.out / "log", world, questions, truth, settings, self.given.poort)
                shares = of_poort(self.given.poort, self.given.out / "log")
            else:
                function, _ = methods.grid(reason)[name]
                shares = found(log, function(log, seed, **setting), truth)
            kept.keep(seed, missing, (name, reason, setting), shares)

    def all(self):
        fast = [name for name in methods.grid(True) if name not in methods.SLOW]
        steps = [(self.tune, TUNING, fast),
                 (self.run, [*range(1, self.given.seeds + 1), 0], ["poort", *fast]),
                 (self.tune, TUNING[:1], methods.SLOW),
                 (self.run, [*range(1, self.given.slow_seeds + 1), 0], methods.SLOW)]
        for step, seeds, names in steps:
            for seed in seeds:
                for missing in MISSING:
                    started = time.time(), time.process_time()
                    step(seed, missing, names)
                    print(f"{step.__name__} {len(names)} methods, seed {seed}, missing {missing}: "
                          f"{time.time() - started[0]:.0f} s, {time.process_time() - started[1]:.0f} s of the processor",
                          flush=True)
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
            text += "| method | reasons | seeds | " + " | ".join(bpic13.PATTERNS)
            text += " | mean | with ties | nothing planted | poort is better; worse |\n"
            text += "|---|---|---:|" + "---:|" * 9 + "---|\n"
            of_poort = shares.get((True, "poort"), {})
            for (reason, method), seeds in sorted(shares.items(), key=lambda one: (one[0][0], one[0][1] != "poort")):
                nothing = seeds.pop(0, None)
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
                of_nothing = [nothing[f"{level} {pattern}"] for pattern in bpic13.PATTERNS] if nothing else [np.nan]
                cells.append(f"{np.mean(of_nothing):.2f}")
                cells.append("; ".join(" ".join(apart[is_better]) or "-" for is_better in [True, False]))
                text += f"| {method} | {'yes' if reason else 'no'} | {len(seeds)} | " + " | ".join(cells) + " |\n"
    return text


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("log", type=pathlib.Path)
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--seeds", type=int, default=20)
    arguments.add_argument("--slow-seeds", type=int, default=3, help="how many seeds the slow methods have")
    arguments.add_argument("--poort", default="target/release/poort")
    warnings.simplefilter("ignore")
    Bench(arguments.parse_args()).all()


if __name__ == "__main__":
    main()
