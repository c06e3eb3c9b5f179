"""Other methods that find unusual use in a decision log: each gives every account-day of the test a score.

What they see of a day, without reasons: questions, first accesses, distinct cases, hours with questions, and questions in the
busiest quarter of an hour. With reasons also the first accesses without one, and their share. Numbers are taken as log(1 + n).
With `memory` they also see those of the days before, each day for half after 5 days.
"""

import collections
import itertools

import numpy as np
import pysad.models
import river.anomaly
import scipy.stats
from pyod.models.ecod import ECOD
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.loda import LODA

PLAIN = ["questions", "first", "cases", "hours", "busiest"]
REASON = ["unexplained", "share"]
MODELS = {"ECOD": ECOD, "HBOS": HBOS, "IForest": IForest, "LODA": LODA}
QUARTER, HOUR, DAY = 900, 3600, 86_400


class Log:
    """The events and account-days of a log, in order of time. Reasons are those that poort has, of the same questions."""

    def __init__(self, questions, groups, test):
        rows, seen, self.events = {}, set(), []
        for time, account, case, is_new, routed in questions:
            first = (account, case) not in seen
            seen.add((account, case))
            unexplained = first and not is_new and groups[account].isdisjoint(routed)
            row = rows.setdefault((account, int(time // DAY)), len(rows))
            self.events.append((time, row, account, case, first, unexplained, routed))
        self.accounts = [account for account, _ in rows]
        self.days = np.array([day for _, day in rows])
        self.is_test = self.days >= test // DAY
        self.numbers = self.count(len(rows))
        self.kept = self.remember()

    def count(self, rows):
        """The features of each account-day."""
        numbers, quarters = np.zeros((rows, 7)), collections.Counter()
        cases = {(row, case) for _, row, _, case, *_ in self.events}
        hours = {(row, time // HOUR) for time, row, *_ in self.events}
        for time, row, *_ in self.events:
            quarters[row, time // QUARTER] += 1
        of_event = np.array([(row, first, unexplained) for _, row, _, _, first, unexplained, _ in self.events])
        for column, found in [(0, of_event[:, 0]), (1, of_event[of_event[:, 1] > 0, 0]), (2, [row for row, _ in cases]),
                              (3, [row for row, _ in hours]), (5, of_event[of_event[:, 2] > 0, 0])]:
            numbers[:, column] = np.bincount(np.array(found, dtype=int), minlength=rows)
        for (row, _), number in quarters.items():
            numbers[row, 4] = max(numbers[row, 4], number)
        numbers[:, 6] = numbers[:, 5] / np.maximum(numbers[:, 1], 1)
        return numbers

    def remember(self):
        """The features with those of the days before, each day for half after 5 days."""
        kept, last = self.numbers.copy(), {}
        for row, account in enumerate(self.accounts):
            if account in last:
                kept[row] += kept[last[account]] * 0.5 ** ((self.days[row] - self.days[last[account]]) / 5)
            last[account] = row
        kept[:, 6] = kept[:, 5] / np.maximum(kept[:, 1], 1)
        return kept

    def features(self, columns, memory):
        columns = [(PLAIN + REASON).index(name) for name in columns]
        return np.log1p(np.hstack([self.numbers[:, columns], self.kept[:, columns]][: 1 + memory]))


def z(log, seed, columns, memory, robust, of_self):
    """The highest z-score of the columns: by mean, or `robust` by median; among the account's own days, or everybody's."""
    features = log.features(columns, memory)
    known = collections.defaultdict(list)
    for row in np.flatnonzero(~log.is_test):
        known[log.accounts[row] if of_self else ""].append(row)
    usual = {}
    for name, rows in known.items():
        center = np.median(features[rows], axis=0) if robust else features[rows].mean(axis=0)
        apart = np.abs(features[rows] - center)
        spread = 1.4826 * np.median(apart, axis=0) if robust else np.sqrt((apart**2).mean(axis=0))
        usual[name] = (center, np.maximum(spread, 0.25)) if len(rows) >= 3 else None
    scores = np.zeros(len(features))
    for row in np.flatnonzero(log.is_test):
        if found := usual.get(log.accounts[row] if of_self else ""):
            scores[row] = ((features[row] - found[0]) / found[1]).max()
    return scores


def batch(log, seed, columns, memory, make, **options):
    """A detector of PyOD: it learns the days before the test."""
    features = log.features(columns, memory)
    if make in ["IForest", "LODA"]:
        options["random_state"] = seed
    model = MODELS[make](**options).fit(features[~log.is_test])
    scores = np.zeros(len(features))
    scores[log.is_test] = model.decision_function(features[log.is_test])
    return scores


def scaled(log, columns, memory):
    """From 0 to 1, by the days before the test."""
    features = log.features(columns, memory)
    return np.clip(features / np.maximum(features[~log.is_test].max(axis=0), 1e-9), 0, 1)


def half_space_trees(log, seed, columns, memory, **options):
    """River: it learns each day after it is scored, but those of the highest 2 %."""
    model = river.anomaly.HalfSpaceTrees(window_size=250, seed=seed, **options)
    model = river.anomaly.QuantileFilter(model, q=0.98, protect_anomaly_detector=True)
    scores = np.zeros(len(log.days))
    for row, values in enumerate(scaled(log, columns, memory)):
        named = dict(enumerate(map(float, values)))
        scores[row] = model.score_one(named) if log.is_test[row] else 0.0
        model.learn_one(named)
    return scores


def stream(log, seed, columns, memory, make, **options):
    """A detector of PySAD: it learns each day after it is scored."""
    model = getattr(pysad.models, make)(random_state=seed, **options)
    scores = np.zeros(len(log.days))
    for row, values in enumerate(scaled(log, columns, memory)):
        if log.is_test[row]:
            scores[row] = float(np.ravel(model.score_partial(values))[0])
        model.fit_partial(values)
    return scores


def high_count(log, seed, reason, summed, own):
    """As an ML job of Elastic: how unlikely the number of questions (of first accesses without a reason) of a quarter of an hour
    is among those before the test: a negative binomial, of everybody, or of the account with `own` quarters of everybody."""
    quarters = collections.Counter()
    for time, row, _, _, _, unexplained, _ in log.events:
        quarters[row, time // QUARTER] += unexplained if reason else 1
    before = collections.defaultdict(list)
    for (row, _), number in quarters.items():
        if not log.is_test[row]:
            before[log.accounts[row]].append(number)
    everybody = np.concatenate(list(before.values()))
    mean, size = everybody.mean(), everybody.mean() ** 2 / max(everybody.var() - everybody.mean(), 0.01)
    scores = np.zeros(len(log.days))
    for (row, _), number in quarters.items():
        if log.is_test[row] and number > 0:
            mine = before[log.accounts[row]] if own else []
            rate = (sum(mine) + own * mean) / (len(mine) + own) if own else mean
            score = -scipy.stats.nbinom.logsf(number - 1, size, size / (size + rate))
            scores[row] = scores[row] + score if summed else max(scores[row], score)
    return scores


def rare(log, seed, reason, summed, weight):
    """As an ML job of Elastic: how rare a value is for an account, in each quarter of an hour once: the hour of the day, or the
    group to which a case was routed (the most usual one of it). What is usual for everybody has this weight."""
    counts, all_counts, total, seen = collections.defaultdict(collections.Counter), collections.Counter(), 0, set()
    scores = np.zeros(len(log.days))
    for time, row, account, _, _, _, routed in log.events:
        values = (routed or {"none"}) if reason else {int(time % DAY // HOUR)}
        key = (account, time // QUARTER, frozenset(values))
        if key in seen:
            continue
        seen.add(key)
        mine = counts[account]
        if log.is_test[row]:
            usual = max(mine[value] + weight * (all_counts[value] + 1) / (total + 1) for value in values)
            score = -np.log(min(usual / (mine[None] + weight), 1.0))
            scores[row] = scores[row] + score if summed else max(scores[row], score)
        for value in values:
            mine[value] += 1
            all_counts[value] += 1
        mine[None] += 1
        total += 1
    return scores


def spike(log, seed, reason):
    """The most questions (first accesses without a reason) in an hour, which a rule `more than k in an hour` compares."""
    scores, last = np.zeros(len(log.days)), collections.defaultdict(collections.deque)
    for time, row, account, _, _, unexplained, _ in log.events:
        if unexplained or not reason:
            recent = last[account]
            recent.append(time)
            while recent[0] <= time - HOUR:
                recent.popleft()
            scores[row] = max(scores[row], len(recent))
    return scores


def grid(reason):
    """Each method by its name: its function, and the settings that are tried."""
    groups = [PLAIN + REASON, REASON] if reason else [PLAIN]
    single = groups + [["unexplained"], ["share"]] * reason + [["questions"], ["first"], ["busiest"]] * (not reason)

    def each(function, **options):
        settings = [dict(zip(options, values)) for values in itertools.product(*options.values())]
        return function, settings

    def days(function, columns, **options):
        return each(function, columns=columns, memory=[False, True], **options)

    def events(function, **options):
        return each(function, reason=[reason], summed=[False, True], **options)

    pyod = lambda make, **options: days(batch, groups, make=[make], **options)
    pysad = lambda make, **options: days(stream, groups, make=[make], **options)
    return {
        "z-score, own days": days(z, single, robust=[False], of_self=[True]),
        "robust z, own days": days(z, single, robust=[True], of_self=[True]),
        "robust z, peers": days(z, single, robust=[True], of_self=[False]),
        "spike in an hour": each(spike, reason=[reason]),
        "`high_count`, 15 minutes": events(high_count, own=[0, 20]),
        "`rare`, 15 minutes": events(rare, weight=[20]),
        "PyOD ECOD": pyod("ECOD"),
        "PyOD HBOS": pyod("HBOS", n_bins=[10, "auto"]),
        "PyOD IForest": pyod("IForest", max_samples=[256]),
        "PyOD LODA": pyod("LODA", n_bins=[10]),
        "PySAD LODA": pysad("LODA", num_bins=[10]),
        "PySAD xStream": pysad("xStream", num_components=[10], n_chains=[10], depth=[8], window_size=[1024]),
        "River HalfSpaceTrees": days(half_space_trees, groups, n_trees=[10], height=[8]),
        "PySAD RRCF": days(stream, groups[-1:], make=["RobustRandomCutForest"], num_trees=[10], tree_size=[256]),
    }


# These have fewer seeds, and are tuned on one.
SLOW = ["PySAD LODA", "PySAD xStream", "River HalfSpaceTrees", "PySAD RRCF"]
