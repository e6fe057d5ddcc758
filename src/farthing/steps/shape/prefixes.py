"""What repeats: which prefixes of prompts have been seen, how often, at what gaps, and what providers hold of them now.

Digests and counts, no text; all of it bounded, each tenant and model apart. Whether a prefix comes again is learned at
three widths: of this prefix; of prefixes in the same place behind the same opening; of all in the same place. A wider one
counts as far as the narrower ones have not been seen. Knows nothing of wires, prices and where marks go.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
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
PRIOR = 0.03
"""The chance of what has no likeness at all to come again in one stretch: below what any write needs."""
WITHIN = (1 / 15, 1 / 5, 1 / 2, 1.0)
"""Where the first stretches of time behind a use end, as shares of the shortest lifetime."""
STRETCHES = len(WITHIN) + 1
"""The last one is the rest of the longest lifetime."""
HALF = WITHIN.index(1 / 2)
"""A use that was waited for so long has an outcome: most that come again have come by then."""
ENOUGH = 32
"""Outcomes from which on only some of the uses are followed further."""
FOLLOWED = 4
"""One of so many is followed, beside the one that is not."""
OFTEN = 0.95
PAUSE = 1.0
"""Of the first stretch: uses whose stretch is over are passed on no more often than that, unless the next one comes."""
SELDOM = 0.05
"""A kind that comes again less often than this, far below what any write needs, is remembered that seldom too."""


class KindKey(NamedTuple):
    """A kind of place in a prompt."""

    opening: int
    """The digest of how the prompt begins; 0 for any."""
    part: int
    role: int
    depth: int
    """How deep it is, or how long its conversation."""
    used: int
    """How often before, as far as it matters."""


INSIDE, BEFORE_LAST, LAST = 0, 1, 2


class Tally:
    """How uses of a prefix went on: for each stretch of time behind a use, how many came again in it, and how many were
    still waiting at its end (a life table, so that uses whose end is not known yet count for what is)."""

    __slots__ = ("came", "new_came", "new_stayed", "passed", "stayed", "told", "waiting")

    def __init__(self) -> None:
        self.passed = 0
        """Uses that were not followed since one was."""
        self.told: tuple[float, ...] | None = None
        """Chances as they were last worked out from it and from what is wider."""
        self.came = [0.0] * STRETCHES
        self.stayed = [0.0] * STRETCHES
        self.new_came = [0] * STRETCHES
        """What the store has not been told."""
        self.new_stayed = [0] * STRETCHES
        self.waiting = [0] * STRETCHES
        """Uses that are in the stretch now."""

    def chance(self, at: int, wider: float, strength: float) -> float:
        """That a use which has reached a stretch comes again in it, drawn to the `wider` one. Those that are in it have been
        waited for by half, as life tables count them: else the first outcomes, which are those that came soon, would make
        every beginning look good."""
        came = self.came[at]
        over = came + self.stayed[at]
        if over < WINDOW and self.waiting[at]:
            over = min(over + self.waiting[at] / 2, WINDOW)
        return (came + strength * wider) / (over + strength)

    def passes(self) -> bool:
        """Whether this use need not be followed, since enough is known; most of all where the chance is hardly one."""
        told = self.told
        if told is None or self.came[0] + self.stayed[0] < ENOUGH:
            return False
        if self.passed >= (2 * FOLLOWED if told[-1] < SELDOM or told[0] > OFTEN else FOLLOWED):
            return False
        self.passed += 1
        return True

    def add(self, stretch: int, came: bool) -> None:
        if self.came[stretch] + self.stayed[stretch] >= WINDOW:
            self.came[stretch] *= 1 - 1 / WINDOW
            self.stayed[stretch] *= 1 - 1 / WINDOW
        if came:
            self.came[stretch] += 1
            self.new_came[stretch] += 1
        else:
            self.stayed[stretch] += 1
            self.new_stayed[stretch] += 1

    def late(self) -> None:
        """One has come in the last stretch, of which it was said too soon that it stayed away."""
        self.stayed[-1] = max(0.0, self.stayed[-1] - 1)
        self.new_stayed[-1] -= 1
        self.add(STRETCHES - 1, True)

    def load(self, came: Sequence[int], stayed: Sequence[int]) -> None:
        """Sums that others have seen, as far as they count."""
        for at in range(STRETCHES):
            total = came[at] + max(0, stayed[at])
            scale = min(1.0, WINDOW / total) if total else 1.0
            self.came[at] = came[at] * scale
            self.stayed[at] = max(0, stayed[at]) * scale

    def news(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What the store has not been told; from now on it counts as told."""
        came, stayed = tuple(self.new_came), tuple(self.new_stayed)
        self.new_came, self.new_stayed = [0] * STRETCHES, [0] * STRETCHES
        return came, stayed

    def give_back(self, came: Sequence[int], stayed: Sequence[int]) -> None:
        """The store was not told after all."""
        for at in range(STRETCHES):
            self.new_came[at] += came[at]
            self.new_stayed[at] += stayed[at]

    @property
    def is_empty(self) -> bool:
        return not any(self.came) and not any(self.stayed)


class Prefix:
    """One prefix of a prompt."""

    __slots__ = ("ended", "live", "new_uses", "own", "trial", "turn", "uses")

    def __init__(self) -> None:
        self.uses = 0
        self.new_uses = 0
        self.own: Tally | None = None
        self.trial: Trial | None = None
        self.live: list[float] | None = None
        """For each lifetime, until when the provider is thought to hold it."""
        self.ended = False
        """A call's prompt ended with it."""
        self.turn = 0
        """How many calls before its first one its conversation had."""


class Trial:
    """A use of a prefix, until it is known how long the next one took."""

    __slots__ = ("closed", "kinds", "prefix", "since", "stretch")

    def __init__(self, prefix: Prefix, kinds: tuple[Tally, Tally], since: float) -> None:
        self.prefix = prefix
        self.kinds = kinds
        self.since = since
        self.closed = False
        self.stretch = 0
        """The one that it is in."""

    def enter(self, stretch: int) -> None:
        self.stretch = stretch
        for tally in self.kinds:
            tally.waiting[stretch] += 1

    def leave(self) -> None:
        for tally in self.kinds:
            tally.waiting[self.stretch] -= 1


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
    """Outcomes of its own and of its kind behind any opening that stand behind the chances, or at least so many."""
    ended: bool
    """It was all of an earlier call's prompt."""


class Scope:
    """The prefixes of one tenant at one model. `lifetimes` in seconds, the shortest first."""

    def __init__(self, lifetimes: Sequence[int]) -> None:
        self.lifetimes = tuple(lifetimes)
        self.prefixes: OrderedDict[int, Prefix] = OrderedDict()
        self.kinds: dict[tuple[int, ...], Tally] = {}
        """By KindKey."""
        self.most = MOST_PREFIXES
        self.tokens_a_byte = 0.25
        """Of this scope's prompts; learned from what providers report."""
        self.credit = 0
        """Pico-dollars: what reads saved, less what writes cost."""
        self.spent = 0
        """Pico-dollars: all input at the plain price."""
        self.bounds: tuple[object, float, float] = (None, 0.0, 0.0)
        """Rates, and what was worked out from them last, for whoever decides."""
        short, long = self.lifetimes[0], self.lifetimes[-1]
        self._ends = (*(short * share for share in WITHIN), float(long))
        self._waiting: tuple[deque[Trial], ...] = tuple(deque() for _ in WITHIN)
        """Uses that are in each of the first stretches, the oldest first."""
        self._next = 0.0
        """Until then none of them is over."""
        self._passed: set[int] = set()
        """Boundaries that were seen, most of which are not remembered: one that is seen again will be."""
        self._passed_before: set[int] = set()

    def see(self, digests: Sequence[int], parts: Sequence[int], now: float) -> list[Seen]:
        """Take a request with these boundaries, and tell of those that matter: the last of each run that was used alike,
        and the first and last new ones. `parts`: what kind of place each one is."""
        self._expire(now)
        known = self.prefixes
        last = len(digests) - 1
        met = [(at, old) for at, digest in enumerate(digests) if (old := known.get(digest)) is not None]
        told: list[int] = []
        following = -1
        for at, prefix in reversed(met):
            uses = prefix.uses
            if uses != following:
                told.append(at)
            else:
                prefix.uses += 1
                prefix.new_uses += 1
                known.move_to_end(digests[at])
            following = uses
        told.reverse()
        deepest = met[-1][0] if met else -1
        if deepest < last and self._was_passed(digests[deepest + 1]):
            passed = self._deepest_passed(digests, deepest + 1)
            again = known[digests[passed]] = Prefix()
            again.uses = 1
            met.append((passed, again))
            told.append(passed)
            deepest = passed
        if last > deepest:
            if last > deepest + 1:
                told.extend(range(deepest + 1, min(deepest + 1 + NEW, last)))
                if last - 1 > deepest + NEW:
                    told.append(last - 1)
            told.append(last)
        head = digests[0]
        turn = met[-1][1].turn + 1 if len(met) > 1 else 0
        found = [
            self._use(digests[at], at, parts[at], head, last, turn, now)
            if at <= deepest or (seldom := self._seldom(at, parts[at], head, last, turn)) is None
            else seldom
            for at in told
        ]
        while len(known) > self.most:
            known.popitem(last=False)
        if deepest < last:
            self._passed.update(digests[deepest + 1 :])
            if len(self._passed) > self.most:
                self._passed, self._passed_before = set(), self._passed
        return found

    def _deepest_passed(self, digests: Sequence[int], first: int) -> int:
        """The last boundary that a call had before, though it was not remembered; `first` is one. Who has seen a boundary has
        seen all before it."""
        end = len(digests)
        while first + 1 < end:
            middle = (first + end) // 2
            if self._was_passed(digests[middle]):
                first = middle
            else:
                end = middle
        return first

    def _was_passed(self, digest: int) -> bool:
        return digest in self._passed or digest in self._passed_before

    def take_over(self, name: str, uses: int, came: Sequence[int], stayed: Sequence[int]) -> None:
        """What others have seen of a prefix or of a kind of place, by its name in the store; it counts where nothing is
        known here. Other names mean nothing."""
        kind, _, rest = name.partition(":")
        try:
            if rest:
                tally = self._kind(KindKey(*map(int, rest.split(":")))) if kind == "k" else Tally()
                if tally.is_empty:
                    tally.load(came, stayed)
            elif int(name, 16) not in self.prefixes:
                prefix = self.prefixes[int(name, 16)] = Prefix()
                prefix.uses, prefix.own = uses, Tally()
                prefix.own.load(came, stayed)
        except (ValueError, TypeError):
            return

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
        before, ended = prefix.uses, prefix.ended
        if at == last:
            prefix.ended = True
        trial = prefix.trial
        if trial is not None and not trial.closed:
            self._close(trial, now)
        prefix.uses = before + 1
        prefix.new_uses += 1
        live = -1
        if prefix.live is not None:
            for lifetime, until in enumerate(prefix.live):
                if until > now:
                    live = lifetime
        own = prefix.own
        if own is not None and own.told is not None and own.passes():
            prefix.trial = None
            return Seen(at, before, own.told, live, ENOUGH, ended)
        kinds = self._kinds_of(head, at, part, before, last, prefix.turn)
        told = self._follow(prefix, kinds, now)
        return Seen(at, before, told, live, _evidence(prefix.own, kinds), ended)

    def _seldom(self, at: int, part: int, head: int, last: int, turn: int) -> Seen | None:
        """What is told of a new boundary of a kind that is known hardly ever to come again; one of some is remembered all the
        same, so that it is seen when that changes. None where this one is to be."""
        role, depth = _place(at, last, turn)
        narrow = self.kinds.get((head if at else 0, part, role, depth, 0))
        if narrow is None or narrow.told is None or narrow.told[-1] >= SELDOM or not narrow.passes():
            return None
        return Seen(at, 0, narrow.told, -1, ENOUGH, False)

    def _follow(self, prefix: Prefix, kinds: tuple[Tally, Tally], now: float) -> tuple[float, ...]:
        """Watch what becomes of this use, and tell the chances; where enough is known, of some uses only, and as they were
        told for the last of these."""
        own, narrow = prefix.own, kinds[0]
        tally = narrow if own is None else own
        if own is None and tally.told is not None and tally.passes():
            prefix.trial = None
            return tally.told
        tally.passed = 0
        prefix.trial = trial = Trial(prefix, kinds, now)
        trial.enter(0)
        waiting = self._waiting[0]
        waiting.append(trial)
        if len(waiting) > self.most:
            waiting.popleft()
        tally.told = told = self._chances(own, kinds)
        return told

    def _kinds_of(self, head: int, at: int, part: int, before: int, last: int, turn: int) -> tuple[Tally, Tally]:
        """The widths at which the chances of such a place are learned, the narrower first. What ends a prompt is known by
        how long its conversation is, what lies inside it by where."""
        used = before if before < 3 else min(before.bit_length() + 1, 6)
        role, depth = _place(at, last, turn)
        narrow, wide = (head if at else 0, part, role, depth, used), (0, part, role, 0, used)
        return self._kind(narrow), self._kind(wide)

    def _kind(self, key: tuple[int, ...]) -> Tally:
        found = self.kinds.get(key)
        if found is None:
            if len(self.kinds) >= MOST_KINDS:
                self.kinds.pop(next(iter(self.kinds)))
            found = self.kinds[key] = Tally()
        return found

    def _chances(self, own: Tally | None, kinds: tuple[Tally, Tally]) -> tuple[float, ...]:
        narrow, wide = kinds
        stays, chances = 1.0, []
        for at in range(STRETCHES):
            chance = narrow.chance(at, wide.chance(at, PRIOR, KIND), KIND)
            if own is not None:
                chance = own.chance(at, chance, OWN)
            stays *= 1 - chance
            if at >= STRETCHES - 2:
                chances.append(1 - stays)
        return tuple(chances[: len(self.lifetimes)])

    def _close(self, trial: Trial, now: float) -> None:
        """The next use of a prefix has come."""
        gap = now - trial.since
        while trial.stretch < STRETCHES - 1 and gap > self._ends[trial.stretch]:
            self._stay_away(trial)
        trial.closed = True
        trial.leave()
        if gap > self._ends[-1]:
            return
        for tally in self._tallies(trial):
            if trial.stretch == STRETCHES - 1:
                tally.late()
            else:
                tally.add(trial.stretch, True)

    def _expire(self, now: float) -> None:
        """Pass on those whose stretch is over. What has not come within the shortest lifetime is said to stay away for the
        longest one until the contrary is known: else the longest would look good for as long as it lasts."""
        if now < self._next:
            return
        soonest = now + self._ends[0]
        least = now + self._ends[0] * PAUSE
        for stretch, waiting in enumerate(self._waiting):
            end = self._ends[stretch]
            over = now - end
            while waiting and (waiting[0].closed or waiting[0].since < over):
                trial = waiting.popleft()
                if trial.closed:
                    continue
                self._stay_away(trial)
                if stretch + 1 < len(self._waiting):
                    self._waiting[stretch + 1].append(trial)
            if waiting and waiting[0].since + end < soonest:
                soonest = waiting[0].since + end
        self._next = max(soonest, least)

    def _stay_away(self, trial: Trial) -> None:
        """None has come in the stretch that a use was in."""
        stretch = trial.stretch
        trial.leave()
        trial.enter(stretch + 1)
        for tally in self._tallies(trial):
            tally.add(stretch, False)
            if stretch == STRETCHES - 2:
                tally.add(stretch + 1, False)

    def _tallies(self, trial: Trial) -> tuple[Tally, ...]:
        """What learns of a use. A prefix that has come but once has nothing of its own."""
        prefix = trial.prefix
        own = prefix.own
        if own is None:
            if not trial.closed:
                return trial.kinds
            own = prefix.own = Tally()
            for stretch in range(trial.stretch):
                own.add(stretch, False)
            if trial.stretch == STRETCHES - 1:
                own.add(trial.stretch, False)
        return own, *trial.kinds


class Prefixes:
    """The scopes of one process; those that were unused longest go first."""

    def __init__(self) -> None:
        self.scopes: OrderedDict[tuple[str, str], Scope] = OrderedDict()
        self.on_new_scope: Callable[[str, str, Scope], None] = lambda tenant, model, scope: None
        """Is told of each, so that it need not begin with nothing."""

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
            self.on_new_scope(tenant, model, found)
        elif len(self.scopes) > 1:
            self.scopes.move_to_end(key)
        return found


def _place(at: int, last: int, turn: int) -> tuple[int, int]:
    """Role and depth of a boundary, as a KindKey has them."""
    if at < last - 1:
        return INSIDE, min(at, 8) if turn == 0 else 9
    return LAST if at == last else BEFORE_LAST, min(turn, 6)


def _evidence(own: Tally | None, kinds: tuple[Tally, Tally]) -> float:
    wide = kinds[1]
    outcomes = sum(wide.came) + wide.stayed[HALF]
    return outcomes if own is None else outcomes + sum(own.came) + own.stayed[HALF]
