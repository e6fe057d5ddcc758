"""Ways of deciding: the product's own, and those that one would try first."""

from collections import defaultdict
from collections.abc import Iterable

from batching.run import A_SECOND, CHEAP, FLEX_SLOTS, LINGER_S, PROMOTE_S, Line, Run, Running, us
from batching.world import NEVER
from farthing.batch.choosing import Batch, Due, Offer, Pace, again, ahead_s, choose, paid_twice, promotions
from farthing.batch.packing import LINGER_SHARE
from farthing.batch.turnround import Seen, TurnRounds, turn_rounds

TAKES_S = 45.0
"""Within which nearly all ordinary calls are answered."""
FLEX_TAKES_S = 180.0
"""Within which nearly all on the cheap tier are; what takes longer than it can is called as well, and paid twice."""
ENDS_S = 600.0
"""How long a batch that is taken back takes to end, by the documents."""
LATE = 0.005
BUCKETS = ((1800.0, 15.0), (2 * 3600.0, 120.0), (float("inf"), 900.0))
"""(Time left up to, length of a bucket of deadlines): groups need not be finer."""
LEARN_S = 120.0
STANDARD = 1_000_000
CHEAP_NANO = round(STANDARD * CHEAP)


class Farthing:
    """What the product does: `choose` and `promotions`, with turn-rounds learned from this run alone."""

    def __init__(self) -> None:
        self._known = turn_rounds((), 0)
        self._again = again(self._known, ENDS_S)
        self._learned_s = -NEVER
        self._at_risk: list[tuple[int, int]] = []

    def choose(self, run: Run, line: Line) -> str:
        known = self._learn(run)
        deadline = us(line.arrival.deadline_s)
        offers = [Offer("batch", CHEAP_NANO), Offer("now", STANDARD, takes_s=TAKES_S)]
        if run.world.regime.flex:
            slot_s = len(run.flex) * 60.0 / FLEX_SLOTS
            offers.append(
                Offer("flex", CHEAP_NANO, us(run.now_s + slot_s), FLEX_TAKES_S, min(0.99, run.refusals))
            )  # fmt: skip
        left_s = line.arrival.deadline_s - run.now_s
        leaves_s = min(LINGER_S, left_s * LINGER_SHARE) + 10
        ahead = ahead_s(self._at_risk, deadline, self._pace(run))
        made = choose(
            offers, now_us=us(run.now_s), deadline_us=deadline, late=LATE, ahead_s=ahead,
            batch=Batch(known.fresh, leaves_s, paid_twice(known.fresh, left_s, ENDS_S), self._again),
        )  # fmt: skip
        line.last_s = made.last_us / 1e6
        return made.way

    def promote(self, run: Run) -> Iterable[tuple[int, list[int], str, bool]]:
        known = self._learn(run)
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for shard in run.running.values():
            for number in shard.open:
                deadline_s = run.lines[number].arrival.deadline_s
                length = next(each for most, each in BUCKETS if deadline_s - run.now_s <= most)
                groups[shard.no, us(deadline_s // length * length)].append(number)
        found = [
            self._due(run, run.running[shard], at_us, numbers, known) for (shard, at_us), numbers in groups.items()
        ]
        self._at_risk = [(due.deadline_us, due.lines) for due in found]
        for each in promotions(found, now_us=us(run.now_s), pace=self._pace(run), late=LATE):
            shard = run.running[int(each.shard)]
            numbers = groups[shard.no, each.deadline_us]
            if each.withdraw:
                yield shard.no, [], each.way, True
                continue
            numbers.sort(key=lambda number: run.lines[number].arrival.deadline_s)
            for number in numbers[: each.lines]:
                run.lines[number].last_s = each.last_us / 1e6
            yield shard.no, numbers[: each.lines], each.way, False

    def _due(self, run: Run, shard: Running, deadline_us: int, numbers: list[int], known: TurnRounds) -> Due:
        lines = len(shard.lines)
        return Due(
            str(shard.no), deadline_us, len(numbers), us(shard.began_s), known.running(us(shard.began_s), lines), CHEAP_NANO,
            STANDARD, flex=CHEAP_NANO if run.world.regime.flex else None, refused=min(0.99, run.refusals),
            flex_takes_s=FLEX_TAKES_S + len(run.flex) * 60.0 / FLEX_SLOTS,
            ends_s=ENDS_S if shard.withdrawn_s == NEVER else 0.0, again=known.new(lines),
        )  # fmt: skip

    def _pace(self, run: Run) -> Pace:
        return Pace(A_SECOND, TAKES_S, len(run.calls), PROMOTE_S)

    def _learn(self, run: Run) -> TurnRounds:
        if run.now_s - self._learned_s >= LEARN_S:
            self._learned_s = run.now_s
            seen = [
                Seen(us(each.began_s), each.ended_s - each.began_s, each.back, len(each.lines))
                for each in run.ended[-200:]
            ]
            seen += [
                Seen(us(each.began_s), run.now_s - each.began_s, False, len(each.lines))
                for each in run.running.values()
            ]  # fmt: skip
            self._known = turn_rounds(seen, us(run.now_s))
            self._again = again(self._known, ENDS_S)
        return self._known


class AlwaysBatch:
    """Everything goes into batches, and stays there."""

    def choose(self, run: Run, line: Line) -> str:
        return "now" if run.now_s > line.arrival.deadline_s else "batch"

    def promote(self, run: Run) -> Iterable[tuple[int, list[int], str, bool]]:
        return ()


class AlwaysNow:
    def choose(self, run: Run, line: Line) -> str:
        return "now"

    def promote(self, run: Run) -> Iterable[tuple[int, list[int], str, bool]]:
        return ()


class Grace:
    """Everything goes into batches, and what is not back ten minutes before its deadline is called at once."""

    GRACE_S = 600.0

    def choose(self, run: Run, line: Line) -> str:
        return "batch" if line.arrival.deadline_s - run.now_s > self.GRACE_S else "now"

    def promote(self, run: Run) -> Iterable[tuple[int, list[int], str, bool]]:
        for shard in run.running.values():
            due = [no for no in shard.open if run.lines[no].arrival.deadline_s - run.now_s <= self.GRACE_S]
            if due:
                yield shard.no, due, "now", False
