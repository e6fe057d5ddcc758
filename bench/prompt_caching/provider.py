"""A provider's prompt cache and its bill, by exact prefix and to the token; and what each planner pays there."""

from collections.abc import Sequence
from itertools import accumulate

from farthing.catalog.caching import Caching
from farthing.steps.shape.deciding import answered, decide, settle
from farthing.steps.shape.planning import Point
from farthing.steps.shape.prefixes import Scope
from prompt_caching.traffic import Request


class Cache:
    """Entries end at marks. A read starts an entry's time anew."""

    def __init__(self, caching: Caching) -> None:
        self._caching = caching
        self._until: dict[int, tuple[float, int]] = {}

    def call(
        self, digests: Sequence[int], ends: Sequence[int], points: Sequence[Point], now: float
    ) -> tuple[int, int, int]:
        """Tokens read and written, and what the input costs in pico-dollars."""
        rates = self._caching
        marked = [point for point in points if ends[point.at] >= rates.least]
        hit = -1
        if rates.look_back:
            for point in marked:
                for at in range(point.at, max(-1, point.at - rates.look_back), -1):
                    if self._lives(digests[at], now):
                        hit = max(hit, at)
                        break
        else:
            hit = max((at for at, digest in enumerate(digests) if self._lives(digest, now)), default=-1)
        read = ends[hit] if hit >= 0 else 0
        if hit >= 0:
            self._renew(digests[hit], now)
        cost, before = read * rates.read, read
        for point in marked:
            if ends[point.at] > before:
                keep = rates.keeps[point.keep]
                cost += (ends[point.at] - before) * keep.write
                before = ends[point.at]
                self._until[digests[point.at]] = (now + keep.seconds, point.keep)
            elif self._lives(digests[point.at], now):
                self._renew(digests[point.at], now)
        return read, before - read, cost + (ends[-1] - before) * rates.plain

    def _lives(self, digest: int, now: float) -> bool:
        return digest in self._until and self._until[digest][0] >= now

    def _renew(self, digest: int, now: float) -> None:
        keep = self._until[digest][1]
        self._until[digest] = (now + self._caching.keeps[keep].seconds, keep)


def digests_of(request: Request) -> list[int]:
    digests, digest = [], 0
    for which, _, _ in request.blocks:
        digest = hash((digest, which))
        digests.append(digest)
    return digests


def ends_of(request: Request) -> list[int]:
    return list(accumulate(tokens for _, tokens, _ in request.blocks))


def plain_cost(requests: Sequence[Request], caching: Caching) -> int:
    return sum(ends_of(request)[-1] for request in requests) * caching.plain


def planned_cost(requests: Sequence[Request], caching: Caching) -> int:
    """What Farthing's planner pays; each answer comes before the next call."""
    cache = Cache(caching)
    scope = Scope([keep.seconds for keep in caching.keeps])
    total = 0
    for request in requests:
        digests, ends = digests_of(request), ends_of(request)
        made = decide(scope, digests, [kind for _, _, kind in request.blocks], ends, caching, request.at)
        points: Sequence[Point] = made.plan.points
        if caching.way == "breakpoints" and not points and not made.never:
            points = [Point(len(digests) - 1, 0)]  # what that provider does by itself
        read, written, cost = cache.call(digests, ends, points, request.at)
        answered(scope, made, caching, request.at)
        settle(scope, made, caching, read, written)
        total += cost
    return total


def always_cost(requests: Sequence[Request], caching: Caching) -> int:
    """The usual recipe: the system prompt and the end are marked in each call, for the shorter lifetime."""
    cache = Cache(caching)
    total = 0
    for request in requests:
        digests, ends = digests_of(request), ends_of(request)
        places = sorted({0, len(digests) - 1})
        total += cache.call(digests, ends, [Point(at, 0) for at in places], request.at)[2]
    return total


def clairvoyant_cost(requests: Sequence[Request], caching: Caching) -> int:
    """A lower bound of what a planner could pay that knows all calls to come: for each block of each prefix by itself, the
    cheapest of all ways to write it or not, as if there were no bound on marks and no smallest size."""
    uses: dict[int, list[float]] = {}
    sizes: dict[int, int] = {}
    for request in requests:
        for digest, (_, tokens, _) in zip(digests_of(request), request.blocks, strict=True):
            uses.setdefault(digest, []).append(request.at)
            sizes[digest] = max(tokens, sizes.get(digest, 0))
    total = sum(sizes[digest] * _cheapest(moments, caching) for digest, moments in uses.items())
    return total


def ruled_cost(requests: Sequence[Request], caching: Caching) -> int:
    """A lower bound of what any rule could pay that knows of a new block only how its conversation went so far: which turn it
    is, how long the prompt and what is new of it are, the pause before, where the block stands. The rule is fitted to these
    very calls, block by block, and from the second use of a block on it knows all calls to come."""
    uses: dict[int, list[float]] = {}
    for request in requests:
        for digest in digests_of(request):
            uses.setdefault(digest, []).append(request.at)
    last: dict[int, tuple[float, int]] = {}
    total = 0
    gains: dict[tuple[int, ...], list[int]] = {}
    for request in requests:
        digests = digests_of(request)
        known = [digest for digest in digests if digest in last]
        before, turn = last[known[-1]] if known else (request.at, 0)
        whole = sum(tokens for _, tokens, _ in request.blocks)
        fresh = sum(
            tokens for digest, (_, tokens, _) in zip(digests, request.blocks, strict=True) if digest not in last
        )
        for place, (digest, (_, tokens, kind)) in enumerate(zip(digests, request.blocks, strict=True)):
            if digest not in last:
                never, keeps = _first(uses[digest], caching)
                total += tokens * never
                key = (
                    kind, min(turn, 6), whole.bit_length(), fresh.bit_length(), int(request.at - before).bit_length(),
                    min(len(digests) - 1 - place, 4),
                )  # fmt: skip
                sums = gains.setdefault(key, [0] * len(keeps))
                for at, kept in enumerate(keeps):
                    sums[at] += tokens * (never - kept)
            last[digest] = (request.at, turn + 1)
    return total - sum(max(0, *sums) for sums in gains.values())


def _first(moments: Sequence[float], caching: Caching) -> tuple[int, list[int]]:
    """Pico-dollars a token over all uses of a prefix, where its first use does not write it, and where it does under each
    lifetime; the later uses are the cheapest there are."""
    rest = moments[1:]
    none = _cheapest(rest, caching)
    kept = []
    for keep in caching.keeps:
        held = bool(rest) and rest[0] - moments[0] <= keep.seconds
        kept.append(keep.write + (_cheapest(rest, caching, keep.seconds) if held else none))
    return caching.plain + none, kept


def _cheapest(moments: Sequence[float], caching: Caching, held: int = 0) -> int:
    """Pico-dollars a token, over all uses of a prefix, worked out from the last use back; `held`: the lifetime in seconds
    under which the first of them finds it held already."""
    none, live = 0, [0] * len(caching.keeps)
    """What the later uses cost at least: where nothing is held, and where it was held or written just now."""
    after = float("inf")
    for at in reversed(moments):
        then = [kept if after - at <= keep.seconds else none for kept, keep in zip(live, caching.keeps, strict=True)]
        write = min(keep.write + later for keep, later in zip(caching.keeps, then, strict=True))
        live = [min(caching.read + later, caching.plain + none) for later in then]
        none, after = min(caching.plain + none, write), at
    places = [place for place, keep in enumerate(caching.keeps) if keep.seconds == held]
    return live[places[0]] if places else none
