"""What repeats: which prefixes of prompts have been seen, how often, at what gaps, and what providers hold of them now.

Digests and counts, no text; all of it bounded, each tenant and model apart. Whether a prefix comes again is learned at
three widths: of this prefix; of prefixes in the same place behind the same opening; of all in the same place. A wider one
counts as far as the narrower ones have not been seen. Knows nothing of wires, prices and where marks go.
"""

from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import NamedTuple

MOST_PREFIXES = 60_000
"""Of one process, over all scopes."""
LEAST_PREFIXES = 500
"""That a scope may have, however many scopes there are."""
MOST_SCOPES = 1_000
MOST_KINDS = 4_000
"""Places whose chances are learned, of one scope."""
NEW = 2
"""Boundaries that are remembered behind the deepest one that is known, beside the last two."""
WINDOW = 48.0
"""Outcomes of one kind that count; older ones fade."""
OWN, KIND = 2.0, 3.0
"""How many outcomes of its own it takes to be believed as much as the next wider one."""
PRIOR = 0.12
"""The chance of what has no likeness at all: below what any write needs."""
EDGES_S = (1, 3, 10, 30, 60, 150, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)
"""Upper ends of the gaps that are told apart; the last bucket is for all longer ones."""

KindKey = tuple[int, int, int, int, int]
"""Opening (0: any), part, role, depth or turn, uses before."""
INSIDE, BEFORE_LAST, LAST = 0, 1, 2


class Tally:
    """For each lifetime, how often another call came within it, and how often none did."""

    __slots__ = ("came", "missed", "new_came", "new_missed")

    def __init__(self, lifetimes: int) -> None:
        self.came = [0.0] * lifetimes
        self.missed = [0.0] * lifetimes
        self.new_came = [0] * lifetimes
        """What the store has not been told."""
        self.new_missed = [0] * lifetimes

    def add(self, lifetime: int, came: bool) -> None:
        if self.came[lifetime] + self.missed[lifetime] >= WINDOW:
            self.came[lifetime] *= 1 - 1 / WINDOW
            self.missed[lifetime] *= 1 - 1 / WINDOW
        if came:
            self.came[lifetime] += 1
            self.new_came[lifetime] += 1
        else:
            self.missed[lifetime] += 1
            self.new_missed[lifetime] += 1

    def late(self, lifetime: int) -> None:
        """It has come after all, when a miss was told already."""
        self.missed[lifetime] = max(0.0, self.missed[lifetime] - 1)
        self.new_missed[lifetime] -= 1
        self.add(lifetime, True)

    def load(self, came: Sequence[int], missed: Sequence[int]) -> None:
        """Sums that others have seen, as far as they count."""
        for index in range(len(self.came)):
            total = came[index] + missed[index] + self.came[index] + self.missed[index]
            scale = min(1.0, WINDOW / total) if total else 1.0
            self.came[index] = (self.came[index] + came[index]) * scale
            self.missed[index] = (self.missed[index] + missed[index]) * scale


class Prefix:
    """One prefix of a prompt."""

    __slots__ = ("gaps", "last", "live", "new_uses", "own", "trial", "turn", "uses")

    def __init__(self) -> None:
        self.uses = 0
        self.new_uses = 0
        self.last = 0.0
        self.own: Tally | None = None
        self.trial: Trial | None = None
        self.live: list[float] | None = None
        """For each lifetime, until when the provider is thought to hold it."""
        self.gaps: dict[int, int] | None = None
        """Bucket of EDGES_S -> gaps."""
        self.turn = 0
        """How many calls before its first one its conversation had."""


class Trial:
    """A use of a prefix, until it is known how long the next one took."""

    __slots__ = ("closed", "kinds", "missed", "prefix", "since")

    def __init__(self, prefix: Prefix, kinds: tuple[Tally, Tally], since: float) -> None:
        self.prefix = prefix
        self.kinds = kinds
        self.since = since
        self.closed = False
        self.missed = False
        """The shortest lifetime is over; until more is known it counts as missed for all."""


class Seen(NamedTuple):
    """A boundary of a request, as far as it is known."""

    at: int
    uses: int
    """Calls before this one that had the same prefix."""
    chances: tuple[float, ...]
    """For each lifetime, that another call comes within it."""
    live: int
    """The lifetime under which the provider is thought to hold it; -1 where it does not."""
    evidence: float
    """Outcomes of its own and of its kind that stand behind the chances."""


class Scope:
    """The prefixes of one tenant at one model. `lifetimes` in seconds, the shortest first."""

    def __init__(self, lifetimes: Sequence[int]) -> None:
        self.lifetimes = tuple(lifetimes)
        self.prefixes: OrderedDict[int, Prefix] = OrderedDict()
        self.kinds: dict[KindKey, Tally] = {}
        self.most = MOST_PREFIXES
        self.tokens_a_byte = 0.25
        """Of this scope's prompts; learned from what providers report."""
        self.credit = 0
        """Pico-dollars: what reads saved, less what writes cost."""
        self.spent = 0
        """Pico-dollars: all input at the plain price."""
        self._waiting: deque[Trial] = deque()

    def see(self, digests: Sequence[int], parts: Sequence[int], now: float) -> list[Seen]:
        """Take a request with these boundaries, and tell of those that matter: the last of each run that was used alike,
        and the first and last new ones. `parts`: what kind of place each one is."""
        self._expire(now)
        known = self.prefixes
        last = len(digests) - 1
        met = [(at, old) for at, digest in enumerate(digests) if (old := known.get(digest)) is not None]
        told: list[int] = []
        deepest = -1
        for place, (at, prefix) in enumerate(met):
            following = met[place + 1][1].uses if place + 1 < len(met) else -1
            if prefix.uses != following:
                told.append(at)
            else:
                prefix.uses += 1
                prefix.new_uses += 1
                known.move_to_end(digests[at])
            deepest = at
        for at in range(deepest + 1, min(deepest + 1 + NEW, last)):
            told.append(at)
        if last - 1 > deepest + NEW:
            told.append(last - 1)
        if last > deepest:
            told.append(last)
        head = digests[0]
        turn = met[-1][1].turn + 1 if len(met) > 1 else 0
        found = [self._use(digests[at], at, parts[at], head, last, turn, now) for at in told]
        while len(known) > self.most:
            known.popitem(last=False)
        return found

    def live(self, digest: int, lifetime: int, until: float) -> None:
        """The provider is thought to hold a prefix until then; 0.0: not at all."""
        prefix = self.prefixes.get(digest)
        if prefix is None:
            return
        if prefix.live is None:
            prefix.live = [0.0] * len(self.lifetimes)
        prefix.live[lifetime] = until

    def _use(self, digest: int, at: int, part: int, head: int, last: int, turn: int, now: float) -> Seen:
        known = self.prefixes
        prefix = known.get(digest)
        if prefix is None:
            prefix = known[digest] = Prefix()
            prefix.turn = turn
        else:
            known.move_to_end(digest)
        before = prefix.uses
        trial = prefix.trial
        if trial is not None and not trial.closed:
            self._close(trial, now)
        if before:
            _count_gap(prefix, now - prefix.last)
        kinds = self._kinds_of(head, at, part, before, last, prefix.turn)
        prefix.uses = before + 1
        prefix.new_uses += 1
        prefix.last = now
        prefix.trial = trial = Trial(prefix, kinds, now)
        self._waiting.append(trial)
        if len(self._waiting) > self.most:
            self._waiting.popleft()
        live = -1
        if prefix.live is not None:
            live = max((index for index, until in enumerate(prefix.live) if until > now), default=-1)
        return Seen(at, before, self._chances(prefix.own, kinds), live, _evidence(prefix.own, kinds))

    def _kinds_of(self, head: int, at: int, part: int, before: int, last: int, turn: int) -> tuple[Tally, Tally]:
        """The widths at which the chances of such a place are learned, the narrower first. What ends a prompt is known by
        how long its conversation is, what lies inside it by where."""
        used = before if before < 3 else min(before.bit_length() + 1, 6)
        if at < last - 1:
            role, depth = INSIDE, min(at, 8) if turn == 0 else 9
        else:
            role, depth = LAST if at == last else BEFORE_LAST, min(turn, 6)
        return self._kind((head if at else 0, part, role, depth, used)), self._kind((0, part, role, 0, used))

    def _kind(self, key: KindKey) -> Tally:
        found = self.kinds.get(key)
        if found is None:
            if len(self.kinds) >= MOST_KINDS:
                self.kinds.pop(next(iter(self.kinds)))
            found = self.kinds[key] = Tally(len(self.lifetimes))
        return found

    def _chances(self, own: Tally | None, kinds: tuple[Tally, Tally]) -> tuple[float, ...]:
        narrow, wide = kinds
        chances = []
        for index in range(len(self.lifetimes)):
            came = wide.came[index]
            chance = (came + KIND * PRIOR) / (came + wide.missed[index] + KIND)
            came = narrow.came[index]
            chance = (came + KIND * chance) / (came + narrow.missed[index] + KIND)
            if own is not None:
                came = own.came[index]
                chance = (came + OWN * chance) / (came + own.missed[index] + OWN)
            chances.append(chance)
        return tuple(chances)

    def _close(self, trial: Trial, now: float) -> None:
        """The next use of a prefix has come."""
        trial.closed = True
        gap = now - trial.since
        for index, lifetime in enumerate(self.lifetimes):
            if gap <= lifetime:
                for tally in self._tallies(trial):
                    if trial.missed:
                        tally.late(index)
                    else:
                        tally.add(index, True)

    def _expire(self, now: float) -> None:
        """Tell of uses that no other followed within the shortest lifetime. For the longer ones that is a miss too until
        the contrary is known: else they would look good for as long as they last."""
        waiting, over = self._waiting, now - self.lifetimes[0] if self.lifetimes else 0.0
        while waiting and (waiting[0].closed or waiting[0].since < over):
            trial = waiting.popleft()
            if not trial.closed:
                trial.missed = True
                for tally in self._tallies(trial):
                    for index in range(len(self.lifetimes)):
                        tally.add(index, False)

    def _tallies(self, trial: Trial) -> tuple[Tally, Tally, Tally]:
        prefix = trial.prefix
        own = prefix.own
        if own is None:
            own = prefix.own = Tally(len(self.lifetimes))
        return own, *trial.kinds


class Prefixes:
    """The scopes of one process; those that were unused longest go first."""

    def __init__(self) -> None:
        self.scopes: OrderedDict[tuple[str, str], Scope] = OrderedDict()

    def scope(self, tenant: str, model: str, lifetimes: Sequence[int]) -> Scope:
        key = (tenant, model)
        found = self.scopes.get(key)
        if found is None or found.lifetimes != tuple(lifetimes):
            found = self.scopes[key] = Scope(lifetimes)
            if len(self.scopes) > MOST_SCOPES:
                self.scopes.popitem(last=False)
            most = max(LEAST_PREFIXES, MOST_PREFIXES // len(self.scopes))
            for scope in self.scopes.values():
                scope.most = most
        elif len(self.scopes) > 1:
            self.scopes.move_to_end(key)
        return found


def _evidence(own: Tally | None, kinds: tuple[Tally, Tally]) -> float:
    outcomes = kinds[0].came[0] + kinds[0].missed[0]
    return outcomes if own is None else outcomes + own.came[0] + own.missed[0]


def _count_gap(prefix: Prefix, gap: float) -> None:
    bucket = bisect_left(EDGES_S, gap)
    gaps = prefix.gaps
    if gaps is None:
        gaps = prefix.gaps = {}
    gaps[bucket] = gaps.get(bucket, 0) + 1
