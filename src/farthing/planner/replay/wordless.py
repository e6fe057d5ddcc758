"""Calls without text through the levers that need none, a chunk at a time, all together and each alone and last in.

    repeats    a prompt whose hash came before within the time to live, from the same team, costs nothing
    models     work that a cheaper model does, as the caller says (`Cheaper`), at its price and length
    hosts      the same model at the cheapest of its deployments
    caching    of a conversation, what was sent a turn before is read; of a template, at most its shortest call
    waiting    calls that can wait cost their provider's batch price, as often as a batch is back in time

In this order, so that nothing is saved twice. What is kept between chunks ends with the time to live. Knows no settings,
no store and no words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from farthing.model.arms import BATCHING, MODEL_SELECTION, PROVIDER_CACHING, SEMANTIC_CACHE
from farthing.planner.replay.columns import DAY_US, INPUTS, Bools, Columns, Ints, Kind, Names, Work
from farthing.planner.replay.pricing import Pricer
from farthing.planner.replay.turnround import back_in_time
from farthing.prices.card import TOKEN_UNITS

HOSTS = "request routing"
ORDER = (SEMANTIC_CACHE, MODEL_SELECTION, HOSTS, PROVIDER_CACHING, BATCHING)
EXAMPLES = 5
BUCKETS = 1_024
"""Groups that conversations are thrown into by chance: how their sums differ tells how a month's sum would."""
CACHED_US = 300_000_000
"""Providers' shorter lifetime."""
LEAST_CACHED = 1_024
"""Tokens below which providers keep nothing."""
_UNCACHED, _READ, _W5M, _OUT = (TOKEN_UNITS.index(name) for name in ("uncached_in", "cache_read", "w5m", "out"))


class Move(NamedTuple):
    """To another model."""

    kind: int
    longer: float = 1.0
    """Tokens that it writes for one of the present model."""


class Rules(NamedTuple):
    """What the levers are told from outside."""

    cheaper: Callable[[Work, Kind], Sequence[tuple[Kind, float]]]
    """Models that may do the work of that one, with how wordy each is beside it."""
    hosts: Callable[[Kind], Sequence[Kind]]
    """Other places of the same model."""
    patience: Mapping[str, float] = {}
    """Feature -> seconds that its answers may wait; empty: whatever nobody streams and that is no talk."""
    ttl_us: int = DAY_US


class Flow(NamedTuple):
    """Where a chunk's calls stand between two levers."""

    kind: Ints
    usage: Ints
    cost: Ints


class Sums:
    """What a lever saves, by day and by group of conversations. Nano-dollars."""

    def __init__(self) -> None:
        self.days: dict[int, int] = {}
        self.buckets: Ints = np.zeros(BUCKETS, dtype=np.int64)
        self.cheaper = self.dearer = 0
        self.most: list[tuple[int, str, int]] = []
        self.least: list[tuple[int, str, int]] = []
        """Calls with what they save and what they cost, of both ends."""

    def add(self, chunk: Columns, before: Ints, after: Ints) -> None:
        saved = before - after
        days = chunk.at_us // DAY_US
        first = int(days.min())
        for day, value in enumerate(np.bincount(days - first, weights=saved)):
            if value:
                self.days[first + day] = self.days.get(first + day, 0) + round(value)
        self.buckets += np.bincount(chunk.session % BUCKETS, weights=saved, minlength=BUCKETS).round().astype(np.int64)
        self.cheaper += int((saved > 0).sum())
        self.dearer += int((saved < 0).sum())
        self.most = _with_ends(self.most, chunk, saved, before, 1)
        self.least = _with_ends(self.least, chunk, saved, before, -1)

    @property
    def total(self) -> int:
        return sum(self.days.values())


def _with_ends(
    known: list[tuple[int, str, int]], chunk: Columns, saved: Ints, before: Ints, sign: int
) -> list[tuple[int, str, int]]:
    """The calls at one end; of equal ones those that came first."""
    least = sign * known[-1][0] if len(known) == EXAMPLES else 0
    if not (sign * saved > least).any():
        return known
    places = np.argsort(-sign * saved, kind="stable")[:EXAMPLES]
    more = [(int(saved[at]), chunk.ids[at], int(before[at])) for at in places if sign * saved[at] > least]
    return sorted([*known, *more], key=lambda each: -sign * each[0])[:EXAMPLES]


class Wordless:
    """See the module. `wanted`: names of levers, of `ORDER`; `bounds`: those of which only the most is known, which are no part
    of all together and are tried on top of it."""

    def __init__(
        self, names: Names, pricer: Pricer, rules: Rules, wanted: Sequence[str] = ORDER, bounds: Sequence[str] = ()
    ) -> None:  # fmt: skip
        self._names = names
        self._pricer = pricer
        self._rules = rules
        self._levers = [name for name in ORDER if name in wanted]
        self._firm = [name for name in self._levers if name not in bounds]
        self._stages: dict[str, Callable[[Columns, Flow], Flow]] = {
            SEMANTIC_CACHE: self._repeats, MODEL_SELECTION: self._models, HOSTS: self._hosts, PROVIDER_CACHING: self._caching,
            BATCHING: self._waiting,
        }  # fmt: skip
        self._moves: dict[tuple[int, int], Move] = {}
        self._places: dict[int, int] = {}
        self._seen: tuple[Ints, Ints] = _NONE
        self._prefixes: dict[str, tuple[Ints, Ints, Ints]] = {}
        self._is_repeat: Bools = np.zeros(0, dtype=bool)
        self._held: tuple[Ints, Ints] = _NONE
        self.calls = self.priced = 0
        self.cost = 0
        self.first_us = self.last_us = 0
        self.alone = {name: Sums() for name in self._levers}
        self.beside = {name: Sums() for name in self._levers}
        self.booked = dict.fromkeys(self._levers, 0)
        self.together = Sums()
        self.waiting: dict[str, int] = {}
        """What waiting alone saves, by feature. Nano-dollars."""

    def feed(self, chunk: Columns) -> None:
        """The next calls, later than all before."""
        self.calls += len(chunk)
        cost = self._pricer.cost(self._names.kinds, chunk.kind, chunk.usage, chunk.at_us)
        keep = np.nonzero(chunk.asked & (cost >= 0))[0]
        if not len(keep):
            return
        chunk, cost = _taken(chunk, keep), cost[keep]
        self.first_us = self.first_us or int(chunk.at_us[0])
        self.last_us = int(chunk.at_us[-1])
        self.priced += len(chunk)
        self.cost += int(cost.sum())
        self._look(chunk)
        start = Flow(chunk.kind, chunk.usage, cost)
        flow = start
        for name in self._firm:
            after = self._stages[name](chunk, flow)
            self.booked[name] += int((flow.cost - after.cost).sum())
            flow = after
        self.together.add(chunk, cost, flow.cost)
        for name in self._levers:
            after = self._stages[name](chunk, start)
            self.alone[name].add(chunk, cost, after.cost)
            if name == BATCHING:
                self._who_waits(chunk, cost - after.cost)
            if name in self._firm:
                self.beside[name].add(chunk, self._through(chunk, start, without=name).cost, flow.cost)
            else:
                self.beside[name].add(chunk, flow.cost, self._stages[name](chunk, flow).cost)

    def _who_waits(self, chunk: Columns, saved: Ints) -> None:
        for work, each in enumerate(np.bincount(chunk.work, weights=saved)):
            if each:
                feature = self._names.works[work].feature
                self.waiting[feature] = self.waiting.get(feature, 0) + round(each)

    def _through(self, chunk: Columns, flow: Flow, without: str) -> Flow:
        for name in self._firm:
            if name != without:
                flow = self._stages[name](chunk, flow)
        return flow

    def _look(self, chunk: Columns) -> None:
        """What the calls before say of these."""
        self._is_repeat, self._seen = _came_before(chunk.repeats, chunk.at_us, self._seen, self._rules.ttl_us)
        total = chunk.usage[:, :INPUTS].sum(axis=1)
        talk, self._prefixes["talk"] = _sent_before(
            np.where(chunk.talks, chunk.session, 0), chunk.at_us, total, self._prefixes.get("talk", _EMPTY), grows=True
        )  # fmt: skip
        fixed, self._prefixes["fixed"] = _sent_before(
            chunk.template, chunk.at_us, total, self._prefixes.get("fixed", _EMPTY), grows=False
        )  # fmt: skip
        held = np.minimum(np.maximum(talk, fixed), total)
        self._held = np.where(held >= LEAST_CACHED, held, 0), np.where(talk >= fixed, total - held, 0)

    def _repeats(self, chunk: Columns, flow: Flow) -> Flow:
        return flow._replace(cost=np.where(self._is_repeat, 0, flow.cost))

    def _models(self, chunk: Columns, flow: Flow) -> Flow:
        pairs, place = np.unique(chunk.work * _MOST_KINDS + flow.kind, return_inverse=True)
        moves = [
            self._move(int(pair // _MOST_KINDS), int(pair % _MOST_KINDS), chunk, flow, place == at)
            for at, pair in enumerate(pairs)
        ]
        kind = np.array([move.kind for move in moves])[place]
        if (kind == flow.kind).all():
            return flow
        usage = flow.usage.copy()
        usage[:, _OUT] = np.maximum(
            1, np.rint(usage[:, _OUT] * np.array([move.longer for move in moves])[place])
        ).astype(np.int64)
        return self._at(chunk, flow, kind, np.where((kind != flow.kind)[:, None], usage, flow.usage))

    def _move(self, work: int, kind: int, chunk: Columns, flow: Flow, here: Bools) -> Move:
        """The cheapest by the first calls of such work that are seen."""
        known = self._moves.get((work, kind))
        if known is not None:
            return known
        here = here & (flow.cost > 0)
        if not here.any():
            return Move(kind)
        best, least = Move(kind), int(flow.cost[here].sum())
        for other, longer in self._rules.cheaper(self._names.works[work], self._names.kinds[kind]):
            number = self._names.kind(*other)
            usage = flow.usage[here].copy()
            usage[:, _OUT] = np.rint(usage[:, _OUT] * longer).astype(np.int64)
            cost = self._pricer.cost(self._names.kinds, np.full(len(usage), number), usage, chunk.at_us[here])
            if (cost >= 0).all() and int(cost.sum()) < least:
                best, least = Move(number, longer), int(cost.sum())
        self._moves[work, kind] = best
        return best

    def _hosts(self, chunk: Columns, flow: Flow) -> Flow:
        kinds, place = np.unique(flow.kind, return_inverse=True)
        found = np.array([self._host(int(kind), chunk, flow, place == at) for at, kind in enumerate(kinds)])[place]
        return flow if (found == flow.kind).all() else self._at(chunk, flow, found, flow.usage)

    def _host(self, kind: int, chunk: Columns, flow: Flow, here: Bools) -> int:
        known = self._places.get(kind)
        if known is not None:
            return known
        here = here & (flow.cost > 0)
        if not here.any():
            return kind
        best, least = kind, int(flow.cost[here].sum())
        for other in self._rules.hosts(self._names.kinds[kind]):
            number = self._names.kind(*other)
            cost = self._pricer.cost(
                self._names.kinds, np.full(int(here.sum()), number), flow.usage[here], chunk.at_us[here]
            )
            if (cost >= 0).all() and int(cost.sum()) < least:
                best, least = number, int(cost.sum())
        self._places[kind] = best
        return best

    def _caching(self, chunk: Columns, flow: Flow) -> Flow:
        marks = np.array([self._pricer.writes(kind, int(chunk.at_us[0])) for kind in self._names.kinds])
        held, fresh = self._held
        more = np.minimum(np.maximum(held - flow.usage[:, _READ], 0), flow.usage[:, _UNCACHED])
        more[~marks[flow.kind] | (flow.cost == 0)] = 0
        if not more.any():
            return flow
        usage = flow.usage.copy()
        usage[:, _UNCACHED] -= more
        usage[:, _READ] += more
        written = np.where(more > 0, np.minimum(fresh, usage[:, _UNCACHED]), 0)
        usage[:, _UNCACHED] -= written
        usage[:, _W5M] += written
        return self._at(chunk, flow, flow.kind, usage)

    def _waiting(self, chunk: Columns, flow: Flow) -> Flow:
        share = np.array([back_in_time(self._rules.patience.get(work.feature, 0.0)) for work in self._names.works])[
            chunk.work
        ]
        if not self._rules.patience:
            share = np.where(chunk.streams | chunk.talks, 0.0, 1.0)
        kinds = self._names.kinds
        batch = np.array(
            [
                number if kinds[number].tier else self._names.kind(*kinds[number]._replace(tier="batch"))
                for number in range(len(kinds))
            ]
        )
        cost = self._pricer.cost(self._names.kinds, batch[flow.kind], flow.usage, chunk.at_us)
        less = np.where((cost >= 0) & (flow.cost > 0), np.maximum(flow.cost - cost, 0), 0)
        return flow._replace(cost=flow.cost - np.rint(less * share).astype(np.int64))

    def _at(self, chunk: Columns, flow: Flow, kind: Ints, usage: Ints) -> Flow:
        """The same calls at other models or with other usage; where that has no price they stay as they are."""
        cost = self._pricer.cost(self._names.kinds, kind, usage, chunk.at_us)
        stays = (cost < 0) | (flow.cost == 0)
        return Flow(
            np.where(stays, flow.kind, kind), np.where(stays[:, None], flow.usage, usage), np.where(stays, flow.cost, cost)
        )  # fmt: skip


_NONE: tuple[Ints, Ints] = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
_EMPTY: tuple[Ints, Ints, Ints] = (*_NONE, np.zeros(0, dtype=np.int64))
_MOST_KINDS = 1 << 20


def _taken(chunk: Columns, keep: Ints) -> Columns:
    if len(keep) == len(chunk):
        return chunk
    parts: list[Any] = [[chunk.ids[place] for place in keep], *(each[keep] for each in chunk[1:])]
    return Columns(*parts)


def _came_before(keys: Ints, at_us: Ints, seen: tuple[Ints, Ints], ttl_us: int) -> tuple[Bools, tuple[Ints, Ints]]:
    """Which of these came within the time to live of an answer that was paid for; and what is remembered for the next ones."""
    known = np.nonzero(keys)[0]
    if not len(known):
        return np.zeros(len(keys), dtype=bool), seen
    all_keys, times = np.concatenate((seen[0], keys[known])), np.concatenate((seen[1], at_us[known]))
    order = np.lexsort((times, all_keys))
    all_keys, times = all_keys[order], times[order]
    first = np.concatenate(([True], all_keys[1:] != all_keys[:-1]))
    is_repeat = ~first & (times - np.concatenate(([0], times[:-1])) < ttl_us)
    paid = _paid_at(times, first, is_repeat, ttl_us)
    is_repeat = ~first & (times > paid)
    found = np.zeros(len(all_keys), dtype=bool)
    found[order] = is_repeat
    mask = np.zeros(len(keys), dtype=bool)
    mask[known] = found[len(seen[0]) :]
    last = np.concatenate((all_keys[1:] != all_keys[:-1], [True])) & (paid > int(at_us[-1]) - ttl_us)
    return mask, (all_keys[last], paid[last])


def _paid_at(times: Ints, first: Bools, near: Bools, ttl_us: int) -> Ints:
    """When the answer was paid for that holds at each moment: a chain of near repeats outlives no time to live."""
    paid = times.copy()
    if not near.any():
        return paid
    begins = np.maximum.accumulate(np.where(near, 0, np.arange(len(times))))
    paid = times[begins]
    for place in np.nonzero(times - paid >= ttl_us)[0]:
        before = paid[place - 1]
        paid[place] = before if not first[place] and times[place] - before < ttl_us else times[place]
    return paid


def _sent_before(
    keys: Ints, at_us: Ints, total: Ints, seen: tuple[Ints, Ints, Ints], *, grows: bool
) -> tuple[Ints, tuple[Ints, Ints, Ints]]:  # fmt: skip
    """Tokens that the call before with this key has sent already, as far as the provider still holds them. `grows`: all of
    them are a part of this one; else at most as many as the shortest of the two has."""
    known = np.nonzero(keys)[0]
    if not len(known):
        return np.zeros(len(keys), dtype=np.int64), seen
    all_keys, times, sizes = (
        np.concatenate((old, new[known])) for old, new in zip(seen, (keys, at_us, total), strict=True)
    )
    order = np.lexsort((times, all_keys))
    all_keys, times, sizes = all_keys[order], times[order], sizes[order]
    same = np.concatenate(([False], all_keys[1:] == all_keys[:-1]))
    same &= times - np.concatenate(([0], times[:-1])) <= CACHED_US
    held = np.where(same, np.concatenate(([0], sizes[:-1])), 0)
    if grows:
        held = np.where(held <= sizes, held, 0)  # a shorter turn is another talk
    found = np.zeros(len(all_keys), dtype=np.int64)
    found[order] = held
    result = np.zeros(len(keys), dtype=np.int64)
    result[known] = np.minimum(found[len(seen[0]) :], total[known])
    kept = sizes if grows else np.where(same, np.minimum(sizes, np.concatenate(([0], sizes[:-1]))), sizes)
    last = np.concatenate((all_keys[1:] != all_keys[:-1], [True])) & (times > int(at_us[-1]) - CACHED_US)
    return result, (all_keys[last], times[last], kept[last])
