"""The gateway's loop: each minute one of all gateways reads the sums, lets the rules look, and changes states.

Every gateway runs it; a row in the store says who leads. Dear calls are told by whichever gateway served them, at once;
what a killed gateway could not tell, the leader finds in the ledger.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from farthing.finops.alerts.cause import Sums, explained
from farthing.finops.alerts.deciding import Decision, Found
from farthing.finops.alerts.delivery import Delivery
from farthing.finops.alerts.digest.weekly import Weekly
from farthing.finops.alerts.finding import Scope
from farthing.finops.alerts.incidents import SPENDING
from farthing.finops.alerts.levels import Levels
from farthing.finops.alerts.reading import Reader
from farthing.finops.alerts.recipients import Recipients
from farthing.finops.alerts.rule import Rule
from farthing.finops.alerts.rules import single_call
from farthing.finops.alerts.states import Pace, id_of
from farthing.model.money import Nano
from farthing.model.record import Record
from farthing.store import StoreError
from farthing.store.alerts import Alerts, Change, Dear, Decide, Mute, Standing
from farthing.store.rollups import DAY_US, HOUR_US

LEVELS = "levels"
LOOKED = "looked_us"
WRITE_LEVELS_S = 300.0
LONGEST_GAP_US = DAY_US
"""How far back dear calls are looked for after a stop."""
BEFORE_US = HOUR_US
"""A call may have begun so long before it ended."""
MOST_WAITING = 10_000
CAUSES_US = 10 * 60_000_000
log = logging.getLogger("farthing.alerts")


class _Causes(NamedTuple):
    """Sums that explain some findings."""

    at_us: int
    findings: set[tuple[str, Scope]]
    sums: Sums


class Watch:
    """See the module. `observe` is an observer of the ledger; `run` is the loop."""

    def __init__(
        self, alerts: Alerts, reader: Reader, rules: Sequence[Rule], recipients: Recipients, delivery: Delivery, *,
        holder: str, pace: Pace, call_limit: Nano | None, every_s: float = 60.0, weekly: Weekly | None = None,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:  # fmt: skip
        self._alerts = alerts
        self._reader = reader
        self._rules = rules
        self._recipients = recipients
        self._delivery = delivery
        self._holder = holder
        self._pace = pace
        self._call_limit = call_limit
        self._weekly = weekly
        self._every_s = every_s
        self._now_us = now_us
        self._loop = asyncio.get_running_loop()
        self._dear: list[Dear] = []
        self._news = asyncio.Event()
        self._leads = False
        self._gap = 0
        self._levels_at = 0.0
        self._pruned_on = 0
        self._causes: dict[str, _Causes] = {}
        self.trouble = ""
        """Why it could not look last time; empty if it could, or another gateway looks."""

    def observe(self, records: Sequence[Record]) -> None:
        """Hear of committed calls; in the ledger's thread."""
        limit = self._call_limit
        if limit is None:
            return
        dear = [_dear(record) for record in records if record.cost > limit]
        if dear:
            with suppress(RuntimeError):  # the loop is closed: the next leader finds them in the ledger
                self._loop.call_soon_threadsafe(self._heard, dear)

    def _heard(self, dear: list[Dear]) -> None:
        self._dear = [*self._dear, *dear][-MOST_WAITING:]
        self._news.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        next_look = time.monotonic()
        while True:
            self._news.clear()
            await self._tried(self.tell_dear)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + self._every_s
                await self._tried(self.look)
            pause = 1.0 if self._dear else max(0.0, next_look - time.monotonic())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), pause)

    async def close(self) -> None:
        """Let another gateway lead."""
        with suppress(StoreError):
            await self._write_levels()
            await self._alerts.resign(self._holder)

    async def _tried(self, work: Callable[[], Awaitable[object]]) -> None:
        try:
            await work()
            self.trouble = ""
        except StoreError as error:
            self.trouble = error.message
        except Exception as error:  # one odd sum must not end all alerts; it is said, and tried again
            self.trouble = f"looking for alerts failed: {error!r}"
            log.exception("looking for alerts failed")

    async def look(self) -> bool:
        """Let the rules look, if this gateway leads. Raises StoreError."""
        led = self._leads
        self._leads = await self._alerts.lead(self._holder, 2.5 * self._every_s)
        if not self._leads:
            return False
        if not led:
            self._reader.levels = Levels(await self._alerts.memory(LEVELS))
        now_us = self._now_us()
        await self._catch_up(now_us, led)
        findings = await self.found(now_us)
        looked_for = [*(rule.name for rule in self._rules), single_call.NAME]
        decision = Decision(findings, looked_for, now_us, self._pace, self._recipients)
        await self._decide(decision, holder=self._holder)
        await self._alerts.remember(LOOKED, str(now_us))
        await self._housekeeping(now_us)
        if self._weekly is not None and await self._weekly.tell(now_us, self._holder):
            self._delivery.wake()
        return True

    async def found(self, now_us: int) -> list[Found]:
        """What the rules find, with causes. Raises StoreError."""
        found = []
        for tenant, seen in (await self._reader.read(now_us)).items():
            findings = [finding for rule in self._rules for finding in rule(seen)]
            spending = {(finding.rule, finding.scope) for finding in findings if finding.rule in SPENDING}
            if spending:
                sums = await self._sums(tenant, spending, now_us)
                findings = [explained(each, sums) if each.rule in SPENDING else each for each in findings]
            found += [Found(tenant, finding) for finding in findings]
        return found

    async def _sums(self, tenant: str, findings: set[tuple[str, Scope]], now_us: int) -> Sums:
        """What causes are found from: read anew where something new was found, else now and then; it is many rows."""
        kept = self._causes.get(tenant)
        if kept is None or now_us - kept.at_us > CAUSES_US or not findings <= kept.findings:
            kept = _Causes(now_us, findings, await self._reader.sums(tenant, now_us))
            self._causes[tenant] = kept
        return kept.sums

    async def tell_dear(self) -> None:
        """Tell of the dear calls that were heard of. Raises StoreError; then they wait."""
        if self._dear:
            dear = list(self._dear)
            await self._tell(dear)
            self._dear = self._dear[len(dear) :]

    async def _catch_up(self, now_us: int, led: bool) -> None:
        """Dear calls that nobody told of: their gateway was killed between the ledger and the alert. Looked for at the start
        of leading, and when the histograms count more of them than were told."""
        if self._call_limit is None:
            return
        gap = await self._alerts.dear_gap(now_us // DAY_US * DAY_US, self._call_limit)
        if led and gap <= self._gap:
            self._gap = gap
            return
        looked = await self._alerts.memory(LOOKED)
        since = max(int(looked) if looked.isdigit() else now_us, now_us - LONGEST_GAP_US) - BEFORE_US
        await self._tell(await self._alerts.dear_calls(since, self._call_limit))
        self._gap = await self._alerts.dear_gap(now_us // DAY_US * DAY_US, self._call_limit)

    async def _tell(self, dear: Sequence[Dear]) -> None:
        unknown = await self._alerts.unknown_calls([call.id for call in dear]) if dear else set()
        news = [call for call in dear if call.id in unknown]
        if news and self._call_limit is not None:
            decide = DearCalls(news, self._call_limit, self._now_us(), self._pace, self._recipients)
            await self._decide(decide, calls=[call.id for call in news])

    async def _decide(self, decide: Decide, *, holder: str = "", calls: Iterable[str] = ()) -> None:
        notices = await self._alerts.decide(decide, holder=holder, calls=calls)
        if notices:
            self._delivery.wake()

    async def _housekeeping(self, now_us: int) -> None:
        if time.monotonic() > self._levels_at + WRITE_LEVELS_S:
            await self._write_levels()
        if self._pruned_on != now_us // DAY_US:
            self._pruned_on = now_us // DAY_US
            await self._alerts.prune()

    async def _write_levels(self) -> None:
        if self._leads:
            self._levels_at = time.monotonic()
            await self._alerts.remember(LEVELS, self._reader.levels.text())


class DearCalls:
    """What to decide about dear calls: those of one feature and day are one alert, which counts them."""

    def __init__(
        self, calls: Sequence[Dear], limit: Nano, now_us: int, pace: Pace, recipients: Recipients
    ) -> None:  # fmt: skip
        self._groups: dict[tuple[str, str, str], list[Dear]] = {}
        for call in calls:
            self._groups.setdefault((call.tenant, call.feature, _day(call.started_us)), []).append(call)
        self._limit = limit
        self._now_us = now_us
        self._pace = pace
        self._recipients = recipients

    def __call__(self, known: Mapping[str, Standing], mutes: Sequence[Mute]) -> Change:
        findings = []
        for (tenant, feature, day), calls in sorted(self._groups.items()):
            old = known.get(id_of(tenant, single_call.NAME, "feature", feature))
            same = old is not None and old.period == day
            findings.append(
                Found(
                    tenant,
                    single_call.finding(
                        calls, self._limit, day,
                        before=old.count if same and old is not None else 0,
                        cost_before=old.value if same and old is not None else 0,
                    ),
                )
            )  # fmt: skip
        return Decision(findings, (), self._now_us, self._pace, self._recipients)(known, mutes)


def _day(us: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(us // 1_000_000))


def _dear(record: Record) -> Dear:
    return Dear(record.id, record.started_us, record.tenant, record.feature, record.model, record.user, record.cost)
