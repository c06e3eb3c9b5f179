"""Makes a decision log of the BPI Challenge 2013 (incidents) with planted misuse, for `poort signals evaluate`.

People, groups, cases and times are those of the public log; who is planted, and with which cases, follows from the seed. A case
tells in each question to which groups it was routed in the last 60 days, as a police record tells its team and unit.

    python3 benches/signals/bpic13.py BPIC13_incidents.xes.gz OUT --seed 1 [--missing 0.2]

Planted into the accounts that work regularly, at their own hours: `one` foreign case; `slow`, one a day on 8 days; `burst`, 6 in a
day; `harvest`, 40 in a day; `mole`, 3 on each day, before the test as well; `own`, 6 cases of the own group in a day.
"""

import argparse
import collections
import datetime
import gzip
import hashlib
import json
import pathlib
import random
import subprocess
import xml.etree.ElementTree as tree

DAY = 86_400
PATTERNS = ["one", "slow", "burst", "harvest", "mole", "own"]

SCHEMA = """
entity Group;
entity Person in [Group];
@source("request")
entity Case { is_new: Bool, routed_to: Set<Group> };
action open appliesTo { principal: Person, resource: Case, context: { pdp: {} } };
"""
POLICY = '@id("all")\n@title("Everybody may open a case.")\npermit (principal, action, resource);\n'
REASONS = """
@id("new-case")
@title("The case is new.")
permit (principal, action, resource)
when { resource.is_new };

@id("own-group")
@title("The case was routed to a group of the account.")
permit (principal, action, resource)
when { principal in resource.routed_to };
"""
SETTINGS = """
[budget]
per_thousand = 0.3
baseline_days = 28
least_score = 2.0
half_life_days = {half_life}
quiet_days = 14

[peers]
same = []
accounts = 20
active_days = 5

[accesses]
days = 60
most = 1000000

[unexplained]
weight = 1.0

{breadth}
"""


def read(path):
    """The events: time, account, case, group; those of the account `Siebel`, which is a machine, for the routes alone."""
    events = []
    for _, element in tree.iterparse(gzip.open(path)):
        if not element.tag.endswith("trace"):
            continue
        case = next(part.get("value") for part in element if part.get("key") == "concept:name")
        for event in element:
            if event.tag.endswith("event"):
                found = {part.get("key"): part.get("value") for part in event}
                time = datetime.datetime.fromisoformat(found["time:timestamp"]).timestamp()
                events.append((time, found["org:resource"], case, found["org:group"]))
        element.clear()
    return sorted(events)


def moment(text):
    return datetime.datetime.fromisoformat(text + "T00:00:00+00:00").timestamp()


class World:
    def __init__(self, events, missing, seed):
        self.start, self.test, self.end = moment("2012-04-01"), moment("2012-05-05"), moment("2012-05-24")
        self.work = [e for e in events if self.start <= e[0] < self.end and e[1] not in ("Siebel", "-")]
        self.routes = collections.defaultdict(list)
        for time, account, case, group in events:
            self.routes[case].append((time, group, account))
        self.first = {case: routes[0][0] for case, routes in self.routes.items()}
        self.groups = collections.defaultdict(set)
        self.days, self.hours = collections.defaultdict(set), collections.defaultdict(list)
        for time, account, _, group in self.work:
            self.groups[account].add(group)
            self.days[account].add(int(time // DAY))
            self.hours[account].append(time % DAY)
        self.cases = sorted(self.routes)
        self.missing, self.seed, self.lost = missing, seed, {}

    def is_lost(self, case, group):
        """Whether the route of a case to a group was never entered."""
        if (case, group) not in self.lost:
            self.lost[case, group] = self.share(case, group) < self.missing
        return self.lost[case, group]

    def share(self, case, group):
        digest = hashlib.sha256(f"{self.seed}/{case}/{group}".encode()).digest()
        return int.from_bytes(digest[:4], "big") / 2**32

    def routed(self, case, time, known=False):
        since = time - 60 * DAY
        groups = {group for at, group, _ in self.routes[case] if since <= at < time}
        return {group for group in groups if not (known and self.missing and self.is_lost(case, group))}

    def regular(self):
        """Accounts with five days of work before the test and four in it."""
        split = self.test // DAY
        return sorted(
            account
            for account, days in self.days.items()
            if sum(day < split for day in days) >= 5 and sum(day >= split for day in days) >= 4
        )

    def plant(self):
        chance = random.Random(self.seed)
        accounts = self.regular()
        chance.shuffle(accounts)
        planted, truth = [], {}
        for place, account in enumerate(accounts):
            pattern = PATTERNS[place % len(PATTERNS)]
            split = self.test // DAY
            tested = [day for day in sorted(self.days[account]) if day >= split]
            day = chance.choice(tested)
            days = {
                "one": [day],
                "slow": chance.sample(tested, min(8, len(tested))),
                "burst": [day] * 6,
                "harvest": [day] * 40,
                "mole": sorted(self.days[account]) * 3,
                "own": [day] * 6,
            }[pattern]
            truth[account] = pattern
            for day in days:
                time = day * DAY + chance.choice(self.hours[account])
                case = self.draw(chance, account, time, pattern == "own")
                if case:
                    planted.append((time, account, case, ""))
        return planted, truth

    def draw(self, chance, account, time, own):
        """A case that was worked on lately: of the account's groups and new to it, or of none of them."""
        for _ in range(20_000):
            case = chance.choice(self.cases)
            groups = self.routed(case, time)
            is_own = bool(groups & self.groups[account])
            if groups and is_own == own and account not in {one for _, _, one in self.routes[case]}:
                return case
        return None

    def questions(self, planted):
        """What is asked: time, account, case, whether it is new, and the groups that it is known to be routed to."""
        for time, account, case, _ in sorted(self.work + planted):
            yield time, account, case, time <= self.first[case], sorted(self.routed(case, time, known=True))


def write(out, world, questions, truth, settings, poort):
    """The policies, with the directory and the settings of signals; the log; and who is planted."""
    policies = out / "policies"
    for folder in ["directory", "signals"]:
        (policies / folder).mkdir(parents=True, exist_ok=True)
    (policies / "schema.cedarschema").write_text(SCHEMA)
    (policies / "all.cedar").write_text(POLICY)
    (policies / "signals/reasons.cedar").write_text(REASONS)
    (policies / "signals/detectors.toml").write_text(settings)
    entities = [{"uid": {"type": "Group", "id": name}, "attrs": {}, "parents": []}
                for name in sorted(set().union(*world.groups.values()))]
    for account, groups in sorted(world.groups.items()):
        parents = [{"type": "Group", "id": group} for group in sorted(groups)]
        entities.append({"uid": {"type": "Person", "id": account}, "attrs": {}, "parents": parents})
    (policies / "directory/people.json").write_text(json.dumps(entities))
    question = {"subject": {"type": "Person", "id": entities[-1]["uid"]["id"]}, "action": {"name": "open"},
                "resource": {"type": "Case", "id": "1", "properties": {"is_new": True, "routed_to": []}}}
    asked = subprocess.run([poort, "evaluate", "-", "--policies", policies], input=json.dumps(question),
                           capture_output=True, text=True, check=True)
    named = json.loads(asked.stdout)["context"]

    record = json.dumps({
        "event_name": "adl.access_evaluation",
        "trace_id": "%(number)032x",
        "span_id": "%(number)016x",
        "status": "Unset",
        "timestamp": "<%(time)d>",
        "attributes": {
            "adl.core.configuration": {"poort": {"version": "0", "digest": "sha256:" + "0" * 64}},
            "adl.core.policies": {"policies": {"revision": named["revision"]}},
            "adl.core.information": {"directory": {"revision": named["directory_revision"]}},
            "poort.log.seq": "<%(seq)d>",
            "poort.pdp": {"hour": "<%(hour)d>", "now": "%(today)sT%(clock)s.000Z", "today": "%(today)s"},
        },
        "body": {
            "adl.core.request": {
                "subject": {"type": "Person", "id": "<%(account)s>"},
                "action": {"name": "open"},
                "resource": {"type": "Case", "id": "<%(case)s>", "properties": "<%(properties)s>"},
            },
            "adl.core.response": {"decision": True, "context": {"policies": [{"id": "all"}]}},
        },
    }).replace('"<', "").replace('>"', "")
    with (out / "log.jsonl").open("w") as log:
        for seq, (time, account, case, is_new, routed) in enumerate(questions):
            properties = {"is_new": is_new, "routed_to": [{"type": "Group", "id": group} for group in routed]}
            today, clock = datetime.datetime.fromtimestamp(int(time), datetime.UTC).isoformat()[:19].split("T")
            log.write(record % {
                "number": seq + 1, "seq": seq, "time": time * 1000,
                "today": today, "clock": clock, "hour": int(clock[:2]),
                "account": json.dumps(account), "case": json.dumps(case), "properties": json.dumps(properties),
            } + "\n")
    with (out / "truth.csv").open("w") as file:
        file.write("account,pattern\n")
        for account, pattern in sorted(truth.items()):
            file.write('"Person::""{}""",{}\n'.format(account, pattern))


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("log", type=pathlib.Path)
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--missing", type=float, default=0.0, help="this share of routes was never entered")
    arguments.add_argument("--half-life", type=float, default=56.0)
    arguments.add_argument("--breadth", type=float, default=0.0, help="the weight of `breadth`; 0: without it")
    arguments.add_argument("--poort", default="target/release/poort")
    given = arguments.parse_args()
    world = World(read(given.log), given.missing, given.seed)
    planted, truth = world.plant()
    breadth = f"[breadth]\nweight = {given.breadth}\nleast = 2\n" if given.breadth else ""
    settings = SETTINGS.format(half_life=given.half_life, breadth=breadth)
    write(given.out, world, world.questions(planted), truth, settings, given.poort)


if __name__ == "__main__":
    main()
