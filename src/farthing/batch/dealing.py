"""Takes waiting lines and deals them out: each is prepared for a batch, run alone, or put back until its time.

Lines are taken a few hundred at a time, fairly between tenants, and only as many as can be dealt with now: the others stay
in the store. Knows nothing of how batches are sent and lines are run.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from farthing.batch.choosing import Batch, Choice, again, choose, paid_twice
from farthing.batch.desk import Desk
from farthing.batch.fairness import Claim, Turns, share
from farthing.batch.flexing import Waiting
from farthing.batch.packing import LINGER_SHARE
from farthing.batch.promoting import ENDS_S, TWICE
from farthing.batch.running import Runner
from farthing.batch.sending import Pooled, Sender
from farthing.batch.settling import Outcome, Settler, outcome
from farthing.batch.turnround import TurnRounds
from farthing.batch.walks import Settled, Walks
from farthing.batch.ways import Atlas, Ways
from farthing.model.batch import Job, Line, Way
from farthing.store import StoreError
from farthing.store.batch import lines
from farthing.store.batch.lines import Waiting as Sums
from farthing.store.engine import Connection
from farthing.upstream.batches import BatchApi

log = logging.getLogger("farthing.batch")

AT_ONCE = 300
BYTES_AT_ONCE = 16 * 2**20
"""Lines of one transaction, and what they say."""
LOST = 3
"""Times that a line is sent in a batch that has no answer for it; then it goes alone."""
MISTAKE_S = 60.0
"""How long a line is left alone that something of ours went wrong with."""
CREATED_S = 10.0
"""Until a batch is at its provider, once it is packed."""
IDLE_S = 2.0
BUSY_S = 0.25
"""Between two looks while there are lines that nothing can be done with now."""
SAME_S = 2.0
"""How long a line waits for an equal one to be sent, whose answer it then shares."""
ALIKE = 0.02
"""Share of the time left within which deadlines are decided on together."""


class Dealer:
    """See the module. `late`: the share of deadlines that may be missed."""

    name = "dealing"

    def __init__(
        self, desk: Desk, walks: Walks, settler: Settler, atlas: Atlas, sender: Sender, runner: Runner,
        apis: Callable[[str], BatchApi | None], ahead_s: Callable[[int], float], *, late: float, linger_s: float,
        counts: bool = False,
    ) -> None:  # fmt: skip
        """`ahead_s`: seconds of promotions that may go before a line with that deadline; `counts`: it must be known what each line
        can cost, also of those that go alone."""
        self._desk = desk
        self._walks = walks
        self._settler = settler
        self._atlas = atlas
        self._sender = sender
        self._runner = runner
        self._late = late
        self._ahead_s = ahead_s
        self._counts = counts
        self._linger_s = linger_s
        self._apis = apis
        self._hand = _Hand(())
        self._turns: dict[str, Turns] = {}
        self._alone: set[str] = set()
        """Models of which the latest lines all went alone: no more are taken than can be run."""
        self._choices: dict[tuple[str, int], tuple[Choice, int]] = {}
        self._rounds: TurnRounds | None = None
        """Of the model that is dealt with."""

    async def turn(self) -> float:
        self._hand = _Hand(())
        sums = await self._desk.store.do(lambda connection: lines.waiting(connection, self._desk.now_us))
        if not sums:
            return IDLE_S
        self._choices.clear()
        dealt = 0
        for model in _by_deadline(sums):
            dealt += await self._deal([each for each in sums if each.model == model], model)
        return 0.0 if dealt else BUSY_S

    def in_hand(self) -> set[tuple[str, int]]:
        """The lines that are dealt out now."""
        return self._hand.taken

    async def close(self) -> None:
        """What was taken and is not dealt out is free when it is no longer held."""

    async def _deal(self, sums: Sequence[Sums], model: str) -> int:
        """Some lines of one model; how many."""
        count = min(AT_ONCE, self._runner.wants(model)) if model in self._alone else AT_ONCE
        if count <= 0 or self._sender.full(model):
            return 0
        ways = await self._ways(model)
        taken = await self._take(sums, model, count)
        if not taken:
            return 0
        self._hand = _Hand(taken)
        for line in taken:
            await self._deal_safely(line, ways, model)
            await asyncio.sleep(0)  # calls of people go between
        hand = self._hand
        if hand.ended:
            await self._settler.keep(hand.ended)
        await self._put_back(hand.later)
        self._hand = _Hand(())
        if hand.alone == len(taken):
            self._alone.add(model)
        else:
            self._alone.discard(model)
        return len(taken)

    async def _deal_safely(self, line: Line, ways: Ways, model: str) -> None:
        """Trouble with one line is no trouble with those behind it. Raises StoreError."""
        try:
            await self._deal_one(line, ways, model)
        except StoreError:
            raise
        except Exception as error:
            told = {"job": line.job, "line": line.no, "error": type(error).__name__}
            log.error("a line could not be prepared", extra=told)
            self._hand.later.setdefault(self._desk.now_us + int(MISTAKE_S * 1e6), []).append(line)

    async def _deal_one(self, line: Line, ways: Ways, model: str) -> None:
        hand, now_us = self._hand, self._desk.now_us
        if self._runner.runs(line):
            return  # the clock was set forward, and the store took us for dead
        job = await self._desk.job(line.job)
        if job is None:
            return  # it was dropped meanwhile
        if line.deadline_us <= now_us:
            hand.ended.append(Outcome(line, "", "expired"))
        elif not line.body:
            hand.ended.append(Outcome(line, "", "failed"))
        elif line.leader and (followed := await self._follow(line, job)) is not None:
            hand.ended.append(followed)
        elif line.digest and await self._joins(line):
            return
        else:
            await self._send(line, job, self._choice(ways, model, line))

    async def _send(self, line: Line, job: Job, choice: Choice) -> None:
        hand = self._hand
        if choice.way == "batch" and line.tries >= LOST:
            choice = msgspec.structs.replace(choice, way="now")
        if choice.from_us > self._desk.now_us:
            hand.later.setdefault(choice.from_us, []).append(line)
        elif choice.way == "batch" or job.cap or self._counts:
            await self._prepare(line, job, choice)
        else:
            hand.alone += 1
            self._runner.hand_in([Waiting(line, job, choice.way, last_us=choice.last_us)])

    async def _follow(self, line: Line, job: Job) -> Outcome | None:
        """The answer of the line that asked the same, for this one as well; None where that has none to give."""
        desk = self._desk
        leader = await desk.store.do(lambda c: lines.get(c, line.leader, line.leader_no, wrapping=desk.wrapping))
        if leader is None or leader.state != "done" or not leader.answer:
            return None
        record = await desk.store.call(leader.call_id)
        if record is None:
            return None
        settled = await self._walks.follow(line, job, desk.new_id(), record, leader.status, leader.answer)
        return outcome(line, settled.record.id, settled, desk.now_us)

    async def _joins(self, line: Line) -> bool:
        """Whether it waits for another line, which asks the same and is on its way."""
        desk, alike = self._desk, (line.tenant, line.digest)
        if alike in self._hand.alike or self._sender.has(alike):
            self._hand.later.setdefault(desk.now_us + int(SAME_S * 1e6), []).append(line)
            return True
        self._hand.alike.add(alike)
        found = await desk.store.do(lambda c: lines.leaders(c, line.tenant, [line.digest]))
        leader = found.get(line.digest)
        if leader is None or leader.deadline_us > line.deadline_us:
            return False
        return not await desk.store.do(lambda c: lines.follow(c, [(line, (leader.job, leader.no))], line.deadline_us))

    async def _take(self, sums: Sequence[Sums], model: str, count: int) -> list[Line]:
        """So many lines, of each tenant its share."""
        shares = _shares(sums, self._turns.setdefault(model, Turns()), count)
        desk = self._desk
        taken: list[Line] = []

        def take(connection: Connection, tenant: str, limit: int, most_bytes: int) -> list[Line]:
            return lines.take(
                connection, now_us=desk.now_us, holder=desk.holder, until_us=desk.until_us, limit=limit, tenant=tenant,
                model=model, wrapping=desk.wrapping, most_bytes=most_bytes,
            )  # fmt: skip

        for tenant, limit in shares.items():
            left = BYTES_AT_ONCE - sum(line.size for line in taken)
            if left > 0:
                taken += await desk.store.do(partial(take, tenant=tenant, limit=limit, most_bytes=left))
        return taken

    async def _ways(self, model: str) -> Ways:
        place = self._runner.place(model)
        ways = self._atlas.of(
            model,
            self._desk.clock.monotonic(),
            self._desk.now_us,
            flex_refused=place.flex.refused,
            flex_wait_s=place.flex.wait_s,
            takes_s=place.takes_long_s,
        )
        self._rounds = None
        if ways.batch is not None:
            self._rounds = await self._atlas.turn_round(self._desk, ways.batch.provider, ways.batch.model)
        return ways

    def _choice(self, ways: Ways, model: str, line: Line) -> Choice:
        """The same for lines whose deadlines are about the same."""
        now_us = self._desk.now_us
        alike = max(1_000_000, int((line.deadline_us - now_us) * ALIKE))
        key = model, line.deadline_us // alike
        known = self._choices.get(key)
        if known is None:
            known = self._choices[key] = self._choose(ways, line, now_us), line.deadline_us
        choice, deadline_us = known
        if not choice.last_us or deadline_us == line.deadline_us:
            return choice
        return msgspec.structs.replace(choice, last_us=choice.last_us + line.deadline_us - deadline_us)

    def _choose(self, ways: Ways, line: Line, now_us: int) -> Choice:
        batch = None
        if self._rounds is not None:
            left_s = (line.deadline_us - now_us) / 1e6
            leaves_s = min(self._linger_s, left_s * LINGER_SHARE) + CREATED_S
            turn = self._rounds.new()
            batch = Batch(turn, leaves_s, paid_twice(turn, left_s, ENDS_S), again(self._rounds, ENDS_S))
        return choose(
            ways.offers, now_us=now_us, deadline_us=line.deadline_us, late=self._late, batch=batch,
            ahead_s=self._ahead_s(line.deadline_us),
        )  # fmt: skip

    async def _prepare(self, line: Line, job: Job, choice: Choice) -> None:
        """For a batch; one that the cache answers, or a step refuses, has ended. Where its provider has no batches after all,
        or takes no such line, it goes alone."""
        way = choice.way
        found = await self._walks.pack(line, job)
        if isinstance(found, Settled):
            self._hand.ended.append(outcome(line, found.record.id, found, self._desk.now_us))
            return
        api = self._apis(found.provider)
        if way != "batch" or api is None or found.alone or api.serves(found.wire, found.body):
            self._hand.alone += 1
            alone: Way = "now" if way == "batch" else way
            self._runner.hand_in([Waiting(line, job, alone, TWICE * found.worst, choice.last_us)])
            return
        self._atlas.note(found.deployment, found.provider, found.model, found.sent.model or line.model)
        self._sender.add(Pooled(line, job, found))

    async def _put_back(self, later: dict[int, list[Line]]) -> None:
        now_us = self._desk.now_us

        def put_back(connection: Connection) -> None:
            with connection.transaction():
                for ready_us, some in later.items():
                    lines.give_back(connection, some, ready_us, now_us)

        if later:
            await self._desk.store.do(put_back)


class _Hand:
    """Lines that were taken together, as far as they are dealt with later on."""

    def __init__(self, taken: Sequence[Line]) -> None:
        self.taken = {(line.job, line.no) for line in taken}
        self.alone = 0
        self.ended: list[Outcome] = []
        self.later: dict[int, list[Line]] = {}
        self.alike: set[tuple[str, bytes]] = set()


def _by_deadline(sums: Sequence[Sums]) -> list[str]:
    """Models, those with the tightest deadline first."""
    first: dict[str, int] = {}
    for each in sums:
        first[each.model] = min(first.get(each.model, each.deadline_us), each.deadline_us)
    return sorted(first, key=lambda model: first[model])


def _shares(sums: Sequence[Sums], turns: Turns, count: int) -> dict[str, int]:
    """How many lines of each tenant, by what they weigh: a tenant whose lines are twice as long gets half as many."""
    lines_of: dict[str, int] = {}
    bytes_of: dict[str, int] = {}
    for each in sums:
        lines_of[each.tenant] = lines_of.get(each.tenant, 0) + each.n
        bytes_of[each.tenant] = bytes_of.get(each.tenant, 0) + each.bytes
    if len(lines_of) == 1:
        return {tenant: min(n, count) for tenant, n in lines_of.items()}
    claims = [
        Claim(place, tenant, max(1, bytes_of[tenant] // max(1, n)), place)
        for tenant, n in lines_of.items()
        for place in range(min(n, count))
    ]
    quantum = max(claim.cost for claim in claims)
    shares: dict[str, int] = {}
    for claim in share(claims, turns, lines=count, quantum=quantum):
        shares[claim.tenant] = shares.get(claim.tenant, 0) + 1
    return shares
