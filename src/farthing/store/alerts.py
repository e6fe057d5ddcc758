"""What is known of alerts: a state for each, their history, messages to deliver, mutes. On both engines.

States, history and messages change in one transaction, so a message that was decided is never lost, and none goes out
for a change that did not happen. What a state means and when it changes is decided elsewhere (`finops.alerts`).
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from farthing.model.money import Nano
from farthing.store import audit, days, leaders
from farthing.store.engine import Connection, Row
from farthing.store.rollups import DAY_US, HOUR_US, bin_of
from farthing.store.rows import LONGEST_TEXT, mended_text
from farthing.store.store import Store, now_us

State = Literal["ok", "warn", "alert", "no-data"]
What = Literal["raised", "escalated", "reminder", "resolved", "acknowledged", "test", "digest"]

LEADER = "alerts"
KEPT_US = 400 * DAY_US
"""How long history is kept."""
KEPT_CALLS_US = 8 * DAY_US
CLAIM_US = 60_000_000
"""How long a message that somebody delivers is out of reach for others."""
LONGEST_PAUSE_US = HOUR_US


class Standing(msgspec.Struct, frozen=True):
    """One alert: a rule at a scope of a tenant. Amounts in nano-dollars, times in microseconds since 1970."""

    id: str
    tenant: str
    rule: str
    scope_kind: str
    scope: str
    state: State = "ok"
    period: str = ""
    text: str = ""
    cause: str = ""
    also: tuple[str, ...] = ()
    """Other scopes that show the same thing."""
    value: Nano = 0
    usual: Nano = 0
    at_stake: Nano = 0
    step: int = 0
    count: int = 0
    """How many events it stands for, where it counts events."""
    incident: str = ""
    """What it has in common with other alerts of the same cause."""
    since_us: int = 0
    """Since when it is not ok."""
    seen_us: int = 0
    """When it was last found."""
    changed_us: int = 0
    told_us: int = 0
    told_period: str = ""
    told_state: State = "ok"
    told_step: int = 0
    told_at_stake: Nano = 0
    acked_us: int = 0
    acked_by: str = ""
    muted_until_us: int = 0
    """Shown, not kept: `mutes` say it."""


class Entry(msgspec.Struct, frozen=True):
    """One thing that happened to an alert."""

    no: int
    at_us: int
    tenant: str
    alert_id: str
    what: What
    who: str
    standing: Standing


class Mute(msgspec.Struct, frozen=True):
    """Nobody is told of these alerts until then. An empty rule or scope means all."""

    id: str
    tenant: str
    rule: str
    scope: str
    """kind:name, such as feature:agent."""
    until_us: int
    who: str = ""
    why: str = ""

    def covers(self, standing: Standing, now: int) -> bool:
        return (
            self.until_us > now
            and self.tenant == standing.tenant
            and self.rule in ("", standing.rule)
            and self.scope in ("", f"{standing.scope_kind}:{standing.scope}")
        )


class Notice(msgspec.Struct, frozen=True):
    """A change that is put into history, and told to `channels`."""

    what: What
    standing: Standing
    channels: tuple[str, ...] = ()
    who: str = ""


class Change(NamedTuple):
    """What a decision changes."""

    standings: Sequence[Standing]
    notices: Sequence[Notice] = ()


Decide = Callable[[Mapping[str, Standing], Sequence[Mute]], Change]
"""From the states that there are, to what changes. Runs inside the transaction: quick, and without effects."""


class Parcel(NamedTuple):
    """A message for one channel."""

    entry: Entry
    channel: str
    tries: int


class ChannelState(msgspec.Struct, frozen=True):
    """How a channel does."""

    channel: str
    delivered: int = 0
    failed: int = 0
    """Tries that failed."""
    delivered_us: int = 0
    failed_us: int = 0
    error: str = ""
    """Of the last try; empty if it was delivered."""
    waiting: int = 0


class Cell(NamedTuple):
    """Sums of one value (or pair) in one bucket, over its cost states."""

    dims: str
    tenant: str
    bucket_us: int
    a: str
    b: str
    calls: int
    errors: int
    cacheable: int
    cache_hits: int
    cost: Nano
    unpriced: int
    unknown: int
    tokens_without_cost: int


class HourCell(NamedTuple):
    """Spending of one scope in one hour of the day, summed over days."""

    tenant: str
    feature: str
    """Empty with `whole` for all features together."""
    whole: bool
    hour: int
    cost: Nano


class Lost(NamedTuple):
    """What tries cost that came to nothing."""

    tenant: str
    feature: str
    """Empty with `whole` for all features together."""
    whole: bool
    cost: Nano
    retries: int


class Dear(NamedTuple):
    """One call whose cost passes a limit."""

    id: str
    started_us: int
    tenant: str
    feature: str
    model: str
    user: str
    cost: Nano


_json = msgspec.json.Encoder()
_standing = msgspec.json.Decoder(Standing)


class Alerts:
    """Alerts in a store. Methods raise StoreError if it cannot be used."""

    def __init__(self, store: Store, clock_us: Callable[[], int] = now_us) -> None:
        """`clock_us` stamps what happens; who leads goes by the machine's own clock, which all gateways have."""
        self._store = store
        self._now_us = clock_us

    async def standings(self, tenant: str | None = None) -> list[Standing]:
        """All states, also those that are ok again, the newest change first; mutes are shown in them."""
        return await self._store.do(lambda connection: standings_of(connection, tenant))

    async def history(
        self, tenant: str | None = None, alert_id: str = "", limit: int = 100, before: int | None = None
    ) -> list[Entry]:
        """What happened, newest first; `before` is the `no` of the entry below which it goes on."""
        return await self._store.do(lambda connection: _history(connection, tenant, alert_id, limit, before))

    async def decide(self, decide: Decide, *, holder: str = "", calls: Iterable[str] = ()) -> list[Notice] | None:
        """Change states as `decide` says, with every other change kept waiting. With `holder`: only if it still leads,
        else None. `calls` become known."""
        known = list(calls)
        now = self._now_us()
        return await self._store.do(lambda connection: _decide(connection, decide, now, holder, known))

    async def tell_once(
        self, name: str, before: str, after: str, notices: Sequence[Notice], *, holder: str = ""
    ) -> bool:
        """Hand over messages if `before` is what is remembered under the name, which is `after` from then on; all in one
        transaction. With `holder`: only if it still leads."""
        now = self._now_us()
        return await self._store.do(
            lambda connection: _tell_once(connection, name, before, after, notices, now, holder)
        )

    async def unknown_calls(self, ids: Sequence[str]) -> set[str]:
        """Which of these calls were in no alert yet."""
        return await self._store.do(lambda connection: set(ids) - connection.known("alert_calls", "call_id", list(ids)))

    async def lead(self, holder: str, for_s: float) -> bool:
        """Become or stay the one that looks; False while another one is."""
        now = now_us()
        return await self._store.do(lambda connection: leaders.lead(connection, LEADER, holder, now, int(for_s * 1e6)))

    async def resign(self, holder: str) -> None:
        await self._store.do(lambda connection: leaders.resign(connection, LEADER, holder))

    async def acknowledge(self, tenant: str, alert_id: str, who: str, *, by: str = "") -> Standing | None:
        """Somebody deals with it: no reminders until it is over or doubles. None: no such alert, or it is ok. `by` is for
        the audit log, where it is not `who` who says so; so below."""
        return await self._store.do(lambda connection: _acknowledge(connection, tenant, alert_id, who, by))

    async def mute(
        self, tenant: str, *, rule: str, scope: str, until_us: int, who: str, why: str, by: str = ""
    ) -> Mute:
        mute = Mute(
            secrets.token_hex(4), tenant, rule, mended_text(scope, 600), until_us, mended_text(who, 256),
            mended_text(why, LONGEST_TEXT),
        )  # fmt: skip
        await self._store.do(lambda connection: _mute(connection, mute, by))
        return mute

    async def unmute(self, tenant: str, mute_id: str, *, who: str = "") -> bool:
        """Whether there was such a mute."""
        return await self._store.do(lambda connection: _unmute(connection, tenant, mute_id, who))

    async def mutes(self, tenant: str | None = None) -> list[Mute]:
        """Those that hold now."""
        return await self._store.do(lambda connection: _mutes(connection, tenant))

    async def due(self, channels: Sequence[str], limit: int = 50) -> list[Parcel]:
        """Messages to deliver now; they are this caller's for a minute."""
        return await self._store.do(lambda connection: _due(connection, channels, limit))

    async def delivered(self, parcel: Parcel) -> None:
        await self._store.do(lambda connection: _delivered(connection, parcel))

    async def failed(self, parcel: Parcel, error: str) -> None:
        """It is tried again: after 5 s, then twice as long each time, up to an hour, for as long as it takes."""
        await self._store.do(lambda connection: _failed(connection, parcel, mended_text(error, 500)))

    async def channels(self) -> list[ChannelState]:
        return await self._store.do(_channels)

    async def remember(self, name: str, body: str) -> None:
        await self._store.do(lambda connection: _remember(connection, name, body))

    async def memory(self, name: str) -> str:
        """What was remembered under that name; empty if nothing was."""
        found = await self._store.do(
            lambda connection: connection.query("SELECT body FROM alert_memory WHERE name = ?", (name,))
        )
        return str(found[0][0]) if found else ""

    async def prune(self) -> None:
        """Forget what is too old to matter."""
        await self._store.do(_prune)

    async def cells(self, dims: Sequence[str], since_us: int, until_us: int) -> list[Cell]:
        """Sums from rollups, whole buckets."""
        return await self._store.do(lambda connection: _cells(connection, dims, since_us, until_us))

    async def hours(self, since_us: int, until_us: int) -> list[HourCell]:
        """How days go, from the hourly rollups of all features."""
        return await self._store.do(lambda connection: _hours(connection, since_us, until_us))

    async def lost(self, since_us: int, until_us: int) -> list[Lost]:
        """What tries cost that came to nothing, errors and retries, from the sums of whole days: of all, and by feature."""
        found = await self._store.do(
            lambda connection: connection.query(
                "SELECT tenant, a, dims, CAST(sum(lost_cost) AS BIGINT), CAST(sum(retries) AS BIGINT) FROM waste WHERE "
                "dims IN ('day', 'feature') AND day_us >= ? AND day_us < ? GROUP BY tenant, a, dims",
                (since_us, until_us),
            )
        )
        return [Lost(tenant, a, dims == "day", int(cost), int(retries)) for tenant, a, dims, cost, retries in found]

    async def paid(self, since_us: int, until_us: int) -> list[days.Paid]:
        """Calls that were paid for, by feature, model and day."""
        return await self._store.do(lambda connection: days.paid(connection, since_us, until_us))

    async def dear_gap(self, day_us: int, limit: Nano) -> int:
        """How many of a day's calls are dearer than `limit` (by the histograms, to 6 %) and were not told of since then."""
        return await self._store.do(lambda connection: _dear_gap(connection, day_us, limit))

    async def dear_calls(self, since_us: int, limit: Nano) -> list[Dear]:
        """Calls dearer than `limit` since then, oldest first; for a start after a stop, by the index of times."""
        found = await self._store.do(
            lambda connection: connection.query(
                "SELECT id, started_us, tenant, feature, model, user_id, cost FROM calls WHERE started_us >= ? AND cost > ? "
                "ORDER BY started_us, id LIMIT 10000",
                (since_us, limit),
            )
        )
        return [Dear(*row) for row in found]


def _locked(connection: Connection) -> None:
    """Every other change of alerts waits until the end of the transaction."""
    connection.execute("UPDATE marks SET n = n + 1 WHERE name = 'alerts'")


def _standings(connection: Connection, tenant: str | None = None) -> list[Standing]:
    test, values = ("", ()) if tenant is None else (" WHERE tenant = ?", (tenant,))
    rows = connection.query(f"SELECT body FROM alert_states{test} ORDER BY changed_us DESC, id", values)
    return [_standing.decode(body) for (body,) in rows]


def standings_of(connection: Connection, tenant: str | None) -> list[Standing]:
    mutes, now = _mutes(connection, tenant), now_us()
    return [
        msgspec.structs.replace(
            standing, muted_until_us=max((mute.until_us for mute in mutes if mute.covers(standing, now)), default=0)
        )
        for standing in _standings(connection, tenant)
    ]


def _decide(connection: Connection, decide: Decide, now: int, holder: str, calls: Sequence[str]) -> list[Notice] | None:
    with connection.transaction():
        _locked(connection)
        if holder and not leaders.leads(connection, LEADER, holder, now_us()):
            return None
        change = decide({each.id: each for each in _standings(connection)}, _mutes(connection, None))
        for standing in change.standings:
            _keep(connection, standing)
        for notice in change.notices:
            _note(connection, notice, now)
        if calls:
            fresh = sorted(set(calls) - connection.known("alert_calls", "call_id", list(calls)))
            connection.insert("alert_calls", ("call_id", "at_us"), [(each, now) for each in fresh])
    return list(change.notices)


def _tell_once(
    connection: Connection, name: str, before: str, after: str, notices: Sequence[Notice], now: int, holder: str
) -> bool:  # fmt: skip
    with connection.transaction():
        _locked(connection)
        if holder and not leaders.leads(connection, LEADER, holder, now_us()):
            return False
        found = connection.query("SELECT body FROM alert_memory WHERE name = ?", (name,))
        if (found[0][0] if found else "") != before:
            return False
        if not connection.execute("UPDATE alert_memory SET body = ? WHERE name = ?", (after, name)):
            connection.execute("INSERT INTO alert_memory (name, body) VALUES (?, ?)", (name, after))
        for notice in notices:
            _note(connection, notice, now)
    return True


def _keep(connection: Connection, standing: Standing) -> None:
    body = _json.encode(standing).decode()
    row = (standing.tenant, standing.state, standing.changed_us, body, standing.id)
    if not connection.execute(
        "UPDATE alert_states SET tenant = ?, state = ?, changed_us = ?, body = ? WHERE id = ?", row
    ):
        connection.execute("INSERT INTO alert_states (tenant, state, changed_us, body, id) VALUES (?, ?, ?, ?, ?)", row)


def _note(connection: Connection, notice: Notice, now: int) -> None:
    no = int(connection.query("SELECT coalesce(max(no), 0) + 1 FROM alert_history")[0][0])
    standing = notice.standing
    connection.execute(
        "INSERT INTO alert_history (no, at_us, tenant, alert_id, what, who, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            no,
            now,
            standing.tenant,
            standing.id,
            notice.what,
            mended_text(notice.who, 256),
            _json.encode(standing).decode(),
        ),
    )
    for channel in notice.channels:
        connection.execute(
            "INSERT INTO alert_outbox (no, channel, next_us, tries, error) VALUES (?, ?, ?, 0, '')", (no, channel, now)
        )


def _history(
    connection: Connection, tenant: str | None, alert_id: str, limit: int, before: int | None
) -> list[Entry]:  # fmt: skip
    tests, values = _tests(tenant=tenant, alert_id=alert_id or None)
    if before is not None:
        tests, values = f"{tests} {'AND' if tests else 'WHERE'} no < ?", (*values, before)
    rows = connection.query(
        f"SELECT no, at_us, tenant, alert_id, what, who, body FROM alert_history{tests} ORDER BY no DESC LIMIT ?",
        (*values, max(0, min(limit, 10_000))),
    )
    return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    no, at_us, tenant, alert_id, what, who, body = row[:7]
    return Entry(no, at_us, tenant, alert_id, what, who, _standing.decode(body))


def _tests(**asked: str | None) -> tuple[str, tuple[object, ...]]:
    said = {name: value for name, value in asked.items() if value is not None}
    return (f" WHERE {' AND '.join(f'{name} = ?' for name in said)}" if said else "", tuple(said.values()))


def _acknowledge(connection: Connection, tenant: str, alert_id: str, who: str, by: str) -> Standing | None:
    with connection.transaction():
        _locked(connection)
        rows = connection.query("SELECT body FROM alert_states WHERE id = ? AND tenant = ?", (alert_id, tenant))
        if not rows:
            return None
        standing = _standing.decode(rows[0][0])
        if standing.state == "ok":
            return None
        acked = msgspec.structs.replace(standing, acked_us=now_us(), acked_by=mended_text(who, 256) or "somebody")
        _keep(connection, acked)
        _note(connection, Notice("acknowledged", acked, who=acked.acked_by), now_us())
        audit.note(
            connection, "alert", alert_id, "acknowledged", tenant=tenant, who=by or acked.acked_by, named=acked.acked_by, rule=acked.rule,
            scope=f"{acked.scope_kind}:{acked.scope}",
        )  # fmt: skip
    return acked


def _mute(connection: Connection, mute: Mute, by: str) -> None:
    with connection.transaction():
        connection.execute(
            "INSERT INTO alert_mutes (id, tenant, rule, scope, until_us, who, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (mute.id, mute.tenant, mute.rule, mute.scope, mute.until_us, mute.who, mute.why),
        )
        audit.note(
            connection, "mute", mute.id, "made", tenant=mute.tenant, who=by or mute.who, named=mute.who, rule=mute.rule, scope=mute.scope,
            until_us=mute.until_us, why=mute.why,
        )  # fmt: skip


def _unmute(connection: Connection, tenant: str, mute_id: str, who: str) -> bool:
    with connection.transaction():
        ended = connection.execute("DELETE FROM alert_mutes WHERE id = ? AND tenant = ?", (mute_id, tenant)) > 0
        if ended:
            audit.note(connection, "mute", mute_id, "removed", tenant=tenant, who=who)
    return ended


def _mutes(connection: Connection, tenant: str | None) -> list[Mute]:
    rows = connection.query(
        "SELECT id, tenant, rule, scope, until_us, who, why FROM alert_mutes WHERE until_us > ? ORDER BY until_us, id",
        (now_us(),),
    )
    return [mute for mute in (Mute(*row) for row in rows) if tenant in (None, mute.tenant)]


def _due(connection: Connection, channels: Sequence[str], limit: int) -> list[Parcel]:
    if not channels:
        return []
    marks = ", ".join("?" for _ in channels)
    now = now_us()
    with connection.transaction():
        _locked(connection)
        rows = connection.query(
            "SELECT h.no, h.at_us, h.tenant, h.alert_id, h.what, h.who, h.body, o.channel, o.tries FROM alert_outbox o "
            f"JOIN alert_history h ON h.no = o.no WHERE o.next_us <= ? AND o.channel IN ({marks}) ORDER BY o.no LIMIT ?",
            (now, *channels, limit),
        )
        for row in rows:
            connection.execute(
                "UPDATE alert_outbox SET next_us = ? WHERE no = ? AND channel = ?", (now + CLAIM_US, row[0], row[7])
            )
    return [Parcel(_entry(row), row[7], int(row[8])) for row in rows]


def _delivered(connection: Connection, parcel: Parcel) -> None:
    with connection.transaction():
        connection.execute("DELETE FROM alert_outbox WHERE no = ? AND channel = ?", (parcel.entry.no, parcel.channel))
        _of_channel(connection, parcel.channel, "delivered = delivered + 1, delivered_us = ?, error = ''", now_us())


def _failed(connection: Connection, parcel: Parcel, error: str) -> None:
    now = now_us()
    pause = min(LONGEST_PAUSE_US, 5_000_000 << min(parcel.tries, 20))
    with connection.transaction():
        connection.execute(
            "UPDATE alert_outbox SET next_us = ?, tries = ?, error = ? WHERE no = ? AND channel = ?",
            (now + pause, parcel.tries + 1, error, parcel.entry.no, parcel.channel),
        )
        _of_channel(connection, parcel.channel, "failed = failed + 1, failed_us = ?, error = ?", now, error)


def _of_channel(connection: Connection, channel: str, sets: str, *values: object) -> None:
    _locked(connection)
    if not connection.query("SELECT 1 FROM alert_channels WHERE channel = ?", (channel,)):
        connection.execute(
            "INSERT INTO alert_channels (channel, delivered, failed, delivered_us, failed_us, error) VALUES (?, 0, 0, 0, 0, '')",
            (channel,),
        )
    connection.execute(f"UPDATE alert_channels SET {sets} WHERE channel = ?", (*values, channel))


def _channels(connection: Connection) -> list[ChannelState]:
    waiting = {
        str(name): int(n) for name, n in connection.query("SELECT channel, count(*) FROM alert_outbox GROUP BY channel")
    }
    rows = connection.query(
        "SELECT channel, delivered, failed, delivered_us, failed_us, error FROM alert_channels ORDER BY channel"
    )
    known = []
    for name, delivered, failed, delivered_us, failed_us, error in rows:
        known.append(ChannelState(name, delivered, failed, delivered_us, failed_us, error, waiting.pop(name, 0)))
    return [*known, *(ChannelState(name, waiting=n) for name, n in sorted(waiting.items()))]


def _remember(connection: Connection, name: str, body: str) -> None:
    with connection.transaction():
        if not connection.execute("UPDATE alert_memory SET body = ? WHERE name = ?", (body, name)):
            connection.execute("INSERT INTO alert_memory (name, body) VALUES (?, ?)", (name, body))


def _prune(connection: Connection) -> None:
    now = now_us()
    with connection.transaction():
        connection.execute(
            "DELETE FROM alert_history WHERE at_us < ? AND no NOT IN (SELECT no FROM alert_outbox)", (now - KEPT_US,)
        )
        connection.execute("DELETE FROM alert_calls WHERE at_us < ?", (now - KEPT_CALLS_US,))
        connection.execute("DELETE FROM alert_mutes WHERE until_us < ?", (now,))
        connection.execute("DELETE FROM alert_states WHERE state = 'ok' AND changed_us < ?", (now - KEPT_US,))


def _cells(connection: Connection, dims: Sequence[str], since_us: int, until_us: int) -> list[Cell]:
    found = []
    for each in dims:
        found += connection.query(
            "SELECT dims, tenant, bucket_us, a, b, CAST(sum(calls) AS BIGINT), CAST(sum(errors) AS BIGINT), "
            "CAST(sum(cacheable) AS BIGINT), CAST(sum(cache_hits) AS BIGINT), CAST(sum(cost) AS BIGINT), "
            "CAST(sum(CASE WHEN cost_state = 'unpriced' THEN calls ELSE 0 END) AS BIGINT), "
            "CAST(sum(CASE WHEN cost_state = 'unknown' THEN calls ELSE 0 END) AS BIGINT), "
            "CAST(sum(CASE WHEN cost_state IN ('unpriced', 'unknown') THEN in_tokens + out_tokens ELSE 0 END) AS BIGINT) "
            "FROM rollups WHERE dims = ? AND bucket_us >= ? AND bucket_us < ? GROUP BY dims, tenant, bucket_us, a, b",
            (each, since_us, until_us),
        )
    return [Cell(*row) for row in found]


def _dear_gap(connection: Connection, day_us: int, limit: Nano) -> int:
    dear = connection.query(
        "SELECT coalesce(CAST(sum(n) AS BIGINT), 0) FROM histograms WHERE kind = 'cost' AND day_us = ? AND bin > ?",
        (day_us, bin_of(limit)),
    )
    told = connection.query("SELECT count(*) FROM alert_calls WHERE at_us >= ?", (day_us,))
    return int(dear[0][0]) - int(told[0][0])


def _hours(connection: Connection, since_us: int, until_us: int) -> list[HourCell]:
    found = []
    for dims in ("hour", "hour_feature"):
        rows = connection.query(
            f"SELECT tenant, a, (bucket_us % {DAY_US}) / {HOUR_US} AS hour, CAST(sum(cost) AS BIGINT) FROM rollups "
            "WHERE dims = ? AND bucket_us >= ? AND bucket_us < ? GROUP BY 1, 2, 3",
            (dims, since_us, until_us),
        )
        found += [HourCell(tenant, a, dims == "hour", int(hour), int(cost)) for tenant, a, hour, cost in rows]
    return found
