"""Holds the evidence on controls: who gets one that is on trial, what came of the calls with it and without, and how it stands.

Hearing of an answer costs microseconds; checks run off the caller's path. Sums go to the store every minute, and every ten a
control is judged (`quality.trial`) from what all gateways have seen. Whoever is first changes its state, the others take it
over. Texts of answers live as long as their check. Knows nothing of what controls write.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from farthing.model.arms import PROMPT_OPTIMISATION, is_held_out
from farthing.model.call import Answer, Call, Ending
from farthing.model.record import Record
from farthing.pipeline.listening import listen
from farthing.quality.checks import check
from farthing.quality.schemas import fits
from farthing.quality.trial import Shown, judge
from farthing.steps.shape.control import Drawn, Stand, read_drawn, scope_of
from farthing.store import StoreError
from farthing.store.controls import Controls, ControlState, ControlSums
from farthing.wire.said import said

log = logging.getLogger("farthing.prompts")

GROUPS = 128
"""That sessions are thrown into, so that sums stay few; see `store.arms`."""
KEPT_WITHOUT = 0.1
"""Share of the sessions that go without a control that is on, so that harm is seen that comes later."""
EVERY_S = 60.0
LOOK_EVERY = 10
"""Times that are waited so until controls are judged."""
REMEMBERED_DAYS = 90
DAY_US = 86_400_000_000
MOST_CELLS = 50_000
"""Sums that wait for the store; what comes beyond them is not counted."""
AGAIN_S = 600
"""How soon the same words of a session are the same question, asked again."""
MOST_ASKED = 20_000
MOST_JUDGED = 20_000
MOST_WAITING = 100
LONGEST = 512 * 1024
"""Bytes of request and answer that wait for a check."""

Kinds = Callable[[Call], str]
"""Which check holds for a call's answer, see `quality.checks`."""
Margins = Callable[[str], float]
"""How much larger the share of bad answers may be, by the kind of calls."""


_Key = tuple[str, str, str, int, int, bool, int]
"""Of a sum: tenant, kind of calls, control, phase, day, whether with it, group of sessions."""


class _Waiting(NamedTuple):
    call: Call
    whole: bytes
    keys: list[_Key]
    schema: dict[str, Any] | None


class Trials:
    """See the module. `share`: of the sessions, that get a control on trial; `schemas`: by feature, where answers are to be of
    one."""

    def __init__(
        self, kept: Controls, share: float, kinds: Kinds, margins: Margins, now_us: Callable[[], int],
        schemas: Mapping[str, dict[str, Any]] | None = None, every_s: float = EVERY_S,
    ) -> None:  # fmt: skip
        self._kept = kept
        self._share = share
        self._kinds = kinds
        self._margins = margins
        self._now_us = now_us
        self._schemas = dict(schemas or {})
        self._every_s = every_s
        self._salt = ""
        self._unknown = Stand("trial", share)
        self._stands: dict[tuple[str, str, str], Stand] = {}
        self._cells: dict[_Key, ControlSums] = {}
        self._asked: OrderedDict[bytes, int] = OrderedDict()
        self._judged: OrderedDict[str, None] = OrderedDict()
        self._waiting: deque[_Waiting] = deque(maxlen=MOST_WAITING)
        self._checking: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, keeps: bool = True) -> None:
        """Read how controls stand; `keeps`: and keep it up to date from now on. Raises StoreError."""
        await self.read()
        if keeps:
            self._task = asyncio.create_task(self._keep(), name="trials of controls")

    async def close(self) -> None:
        """Write what was seen, judge by it, and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        with suppress(StoreError):
            await self.look()

    def hold_out(self, shares: Mapping[str, float], salt: str = "") -> None:
        """Draw with this salt from the next call on."""
        self._salt = salt

    def stand(self, tenant: str, scope: str, control: str) -> Stand:
        return self._stands.get((tenant, scope, control), self._unknown)

    def draws(self, tenant: str, unit: str, control: str, share: float) -> bool:
        return is_held_out(f"{PROMPT_OPTIMISATION}: {control}", f"{tenant}\0{unit}", share, self._salt)

    def watch(self, call: Call, answer: Answer, scope: str, drawn: Sequence[Drawn], first: int) -> None:
        keys = self._keys(call.principal.tenant, scope, drawn, call.session or call.id)
        self._ask(call, scope, keys)
        schema = None
        if any(each.control.startswith("schema ") for each in drawn):
            schema = self._schemas.get(call.principal.feature)
        listen(call, answer, lambda whole: self._hear(_Waiting(call, whole, keys, schema)))
        answer.on_end(lambda ending: self._end(call, answer.status, ending, keys, first))

    def failed(self, call: Call, scope: str, drawn: Sequence[Drawn]) -> None:
        for cell in map(self._cell, self._keys(call.principal.tenant, scope, drawn, call.session or call.id)):
            cell.calls += 1
            cell.failed += 1

    async def take(self, record: Record, *, good: bool, score: float | None = None) -> int:
        """A person's verdict on a call's answer; the first one counts. No stored answer dies of it."""
        parts = read_drawn(record.decisions)
        if not parts or record.id in self._judged:
            return 0
        self._judged[record.id] = None
        if len(self._judged) > MOST_JUDGED:
            self._judged.popitem(last=False)
        scope = scope_of(record.feature, record.template, record.task)
        drawn = [
            Drawn(control, treated, self.stand(record.tenant, scope, control).phase)
            for control, treated in parts.items()
        ]
        for cell in map(self._cell, self._keys(record.tenant, scope, drawn, record.session or record.id)):
            cell.judged += 1
            cell.judged_bad += not good
        return 0

    async def settle(self) -> None:
        """Wait for the checks that are under way."""
        if self._checking is not None:
            await asyncio.gather(self._checking, return_exceptions=True)

    async def write(self) -> None:
        """Add what was seen since the last time. Raises StoreError; then it is not lost, but added the next time."""
        await self.settle()
        cells, self._cells = self._cells, {}
        try:
            await self._kept.add(list(cells.values()))
        except StoreError:
            for key, cell in cells.items():
                newer = self._cells.get(key)
                if newer is not None:
                    _merge(cell, newer)
                self._cells[key] = cell
            raise

    async def read(self) -> None:
        """Take over how controls stand. Raises StoreError."""
        shares = {"trial": self._share, "on": 1 - KEPT_WITHOUT, "off": 0.0}
        self._stands = {
            (each.tenant, each.scope, each.control): Stand(each.state, shares[each.state], each.phase, each.why)
            for each in await self._kept.states()
        }

    async def look(self) -> None:
        """Write, judge each control, and change how it stands. Raises StoreError."""
        await self.write()
        await self.read()
        now = self._now_us()
        since = now - REMEMBERED_DAYS * DAY_US
        for (tenant, scope, control), shown in (
            await asyncio.to_thread(judged, await self._kept.sums(since), self._stands, self._margins)
        ).items():
            stand = self.stand(tenant, scope, control)
            if shown.state == stand.state:
                continue
            state = ControlState(tenant, scope, control, shown.state, stand.phase + 1, now, shown.why)
            if await self._kept.change(state):
                log.warning("prompts: %s is %s for %s: %s", control, shown.state, scope, shown.why)
        await self._kept.prune(since)
        await self.read()

    async def _keep(self) -> None:
        for number in range(1, 1 << 62):
            await asyncio.sleep(self._every_s)
            try:
                if number % LOOK_EVERY:
                    await self.write()
                    await self.read()
                else:
                    await self.look()
            except StoreError as error:
                log.warning("trials of controls cannot be kept: %s", error.message)

    def _keys(self, tenant: str, scope: str, drawn: Sequence[Drawn], unit: str) -> list[_Key]:
        now = self._now_us()
        day = now - now % DAY_US
        group = crc32(f"{tenant}\0{unit}".encode("utf-8", "replace")) % GROUPS
        return [(tenant, scope, each.control, each.phase, day, each.treated, group) for each in drawn]

    def _cell(self, key: _Key) -> ControlSums:
        """The sum as it waits for the store; looked up each time, since it may have gone there."""
        cell = self._cells.get(key)
        if cell is None:
            cell = ControlSums(*key)
            if len(self._cells) < MOST_CELLS:
                self._cells[key] = cell
        return cell

    def _ask(self, call: Call, scope: str, keys: Sequence[_Key]) -> None:
        """Whether these words came a moment ago: then what was answered was no answer."""
        asked = call.asked
        if asked is None or not asked.text or asked.tool_results:
            return
        key = "\0".join((call.principal.tenant, scope, call.session, asked.text)).encode("utf-8", "replace")
        digest, now = blake2b(key, digest_size=12).digest(), self._now_us()
        before = self._asked.pop(digest, None)
        self._asked[digest] = now
        if len(self._asked) > MOST_ASKED:
            self._asked.popitem(last=False)
        if before is not None and now - before < AGAIN_S * 1_000_000:
            for cell in map(self._cell, keys):
                cell.asked_again += 1

    def _end(self, call: Call, status: int, ending: Ending, keys: Sequence[_Key], first: int) -> None:
        attempts = call.trail.attempts[first:]
        last = next((attempt for attempt in reversed(attempts) if not attempt.part), None)
        out = last.usage.total_out if status == 200 and last is not None and last.usage is not None else None
        priced = bool(attempts) and all(each.cost_state in ("computed", "estimated") for each in attempts)
        cost = sum(each.cost for each in attempts)
        for cell in map(self._cell, keys):
            cell.calls += 1
            cell.failed += status >= 400 and status != 429
            if out is not None:
                cell.counted += 1
                cell.out_tokens += out
            if priced and status == 200:
                cell.priced += 1
                cell.cost += cost

    def _hear(self, waiting: _Waiting) -> None:
        if len(waiting.whole) + len(waiting.call.body) > LONGEST:
            return
        self._waiting.append(waiting)
        if self._checking is None or self._checking.done():
            self._checking = asyncio.get_running_loop().create_task(self._check_waiting())

    async def _check_waiting(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            try:
                self._check(waiting)
            except Exception as error:  # nobody waits for it, so nobody else would hear
                log.warning("an answer was not looked at", extra={"error": type(error).__name__})
            await asyncio.sleep(0)  # others first

    def _check(self, waiting: _Waiting) -> None:
        call = waiting.call
        what = said(call.wire, waiting.whole)
        if what is None:
            return
        passed = _is_of(waiting.schema, what.text) if waiting.schema is not None else self._passes(waiting)
        for cell in map(self._cell, waiting.keys):
            cell.answers += 1
            cell.cut += what.finish == "length"
            if passed is not None:
                cell.checked += 1
                cell.check_bad += not passed

    def _passes(self, waiting: _Waiting) -> bool | None:
        call = waiting.call
        found = check(self._kinds(call), call.asked, call.wire, call.body, waiting.whole)
        return None if found is None else found.passed


def _is_of(schema: dict[str, Any], text: str) -> bool | None:
    """Whether a text is JSON of the schema."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False
    found = fits(schema, value)
    return True if found is None else found[0]  # without the library that knows schemas any JSON will do


def _merge(cell: ControlSums, newer: ControlSums) -> None:
    for field in ControlSums.__struct_fields__[7:]:
        setattr(cell, field, getattr(cell, field) + getattr(newer, field))


Place = tuple[str, str, str]
"""Tenant, kind of calls, control."""


def judged(sums: Sequence[ControlSums], stands: Mapping[Place, Stand], margins: Margins) -> dict[Place, Shown]:
    """What is shown of each control for each kind of calls."""
    by_place: dict[Place, list[ControlSums]] = {}
    for each in sums:
        by_place.setdefault((each.tenant, each.scope, each.control), []).append(each)
    return {
        place: judge(
            cells, stands[place].state if place in stands else "trial", margins(place[1]),
            by_cost=place[2].startswith("history "),
        )
        for place, cells in by_place.items()
    }  # fmt: skip
