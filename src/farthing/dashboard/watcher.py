"""Looks at the store every other second while somebody listens, once for all who do, and tells each of what changed for them:
the sums that they may see, alerts that opened, and that their session was ended. Several gateways may share the store."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from farthing.finops.alerts.incidents import scope_of
from farthing.model.errors import RateLimited
from farthing.store import Store, StoreError
from farthing.store.alerts import Standing, standings_of
from farthing.store.changes import Scope, Stamp, alert_changes, stamps
from farthing.store.engine import Connection
from farthing.store.spent import spent_among

LOOK_S = 2.0
MOST = 256
"""Listeners of a process."""
MOST_EACH = 8
"""Of one visitor: a window that is not looked at does not listen."""
log = logging.getLogger("farthing.dashboard")


class Told(NamedTuple):
    """An alert that has opened."""

    title: str
    text: str
    is_bad: bool


class Listener:
    """Somebody who has a page open."""

    def __init__(self, visit_id: str, scope: Scope, *, hears_alerts: bool) -> None:
        self.visit_id = visit_id
        self.scope = scope
        self.hears_alerts = hears_alerts
        self.over = False
        """There is nothing more to tell."""
        self.is_out = False
        """Because the session was ended."""
        self._changed = False
        self._alerts: list[Told] = []
        self._news, self._ended, self._followed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def followed(self, at_most_s: float) -> None:
        """Until what changes from now on is told, or the end; not for long if the store is away."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._followed.wait(), at_most_s)

    def follow(self) -> None:
        """It is known how all stands."""
        self._followed.set()

    async def wait(self, at_most_s: float) -> bool:
        """Until there is news; whether there may be more."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), at_most_s)
        return not self.over

    async def rest(self, seconds: float) -> None:
        """So that news is not told too often; the end is heard at once."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    def take(self) -> tuple[bool, list[Told]]:
        """Whether figures changed, and which alerts opened, since this was asked."""
        found = self._changed, self._alerts
        self._changed, self._alerts = False, []
        self._news.clear()
        return found

    def tell(self, alerts: Sequence[Told] = ()) -> None:
        self._changed = True
        self._alerts += alerts
        self._news.set()

    def end(self) -> None:
        """The connection or the gateway ends."""
        self.over = True
        self._news.set()
        self._ended.set()
        self._followed.set()

    def put_out(self) -> None:
        self.is_out = True
        self.end()


Shown = tuple[str, str, int, int, int]


class _Look(NamedTuple):
    stamps: dict[Scope, Stamp]
    out: set[str]
    alert_changes: int
    alerts: dict[str, list[Standing]]
    """By tenant; only where alerts have changed."""


class Watcher:
    """One for a gateway process."""

    def __init__(self, store: Store, now_us: Callable[[], int], look_s: float = LOOK_S) -> None:
        self._store = store
        self._now_us = now_us
        self._look_s = look_s
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._joined = asyncio.Event()
        self._forget()

    def require_room(self, visit_id: str) -> None:
        """Raises RateLimited where there are too many listeners."""
        own = sum(each.visit_id == visit_id for each in self._listeners)
        if own >= MOST_EACH or len(self._listeners) >= MOST:
            raise RateLimited("Too many pages are followed at the same time; this one is not.", retry_after=30)

    @contextmanager
    def joined(self, listener: Listener) -> Iterator[None]:
        """Tell the listener meanwhile."""
        self._listeners.add(listener)
        self._joined.set()
        if self._task is None:
            self._task = asyncio.create_task(self._watch(), name="live pages")
        try:
            yield
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self.close()

    def close(self) -> None:
        """Look no more, until somebody listens again."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._forget()

    def _forget(self) -> None:
        self._stamps: dict[Scope, Stamp] = {}
        self._alert_changes = -1
        self._alerts: dict[str, set[Shown]] = {}

    async def _watch(self) -> None:
        while True:
            self._joined.clear()
            with suppress(StoreError):  # whoever has a page open sees what there was, until the store is back
                self._tell(await self._store.do(self._look))
            with suppress(TimeoutError):  # whoever joins is looked at at once, so that little is missed
                await asyncio.wait_for(self._joined.wait(), self._look_s)

    def _look(self, connection: Connection) -> _Look:
        listeners = list(self._listeners)
        tenants = {each.scope.tenant for each in listeners if each.hears_alerts}
        changes = alert_changes(connection)
        known = changes == self._alert_changes
        asked = [tenant for tenant in tenants if not known or tenant not in self._alerts]
        return _Look(
            stamps(connection, {each.scope for each in listeners}, self._now_us()),
            spent_among(connection, {each.visit_id for each in listeners if each.visit_id}), changes,
            {tenant: [each for each in standings_of(connection, tenant) if each.state != "ok"] for tenant in asked},
        )  # fmt: skip

    def _tell(self, found: _Look) -> None:
        changed = {scope for scope, stamp in found.stamps.items() if self._stamps.get(scope, stamp) != stamp}
        opened = {tenant: self._opened(tenant, alerts) for tenant, alerts in found.alerts.items()}
        for each in self._listeners:
            if each.visit_id in found.out:
                each.put_out()
                continue
            news = opened.get(each.scope.tenant) if each.hears_alerts else None
            if each.scope in changed or news is not None:
                each.tell(news or ())
            if each.scope in found.stamps:
                each.follow()
        self._stamps, self._alert_changes = found.stamps, found.alert_changes

    def _opened(self, tenant: str, alerts: Sequence[Standing]) -> list[Told] | None:
        """Those that were not open before; None where no alert looks other than before."""
        before, now = self._alerts.get(tenant), {_shown(each) for each in alerts}
        self._alerts[tenant] = now
        if before is None or before == now:
            return None
        known = {(id_, since_us) for id_, _, since_us, _, _ in before}
        fresh = [
            each for each in alerts if (each.id, each.since_us) not in known and each.muted_until_us <= self._now_us()
        ]
        return [_told(each) for each in fresh]


def _shown(alert: Standing) -> Shown:
    return alert.id, alert.state, alert.since_us, alert.acked_us, alert.muted_until_us


def _told(alert: Standing) -> Told:
    name = scope_of(alert) if alert.scope_kind != "total" else "all spending"
    return Told(f"{alert.rule.replace('_', ' ')}: {name}", alert.text, alert.state == "alert")
