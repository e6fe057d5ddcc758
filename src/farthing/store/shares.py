"""What share of the sessions goes without each lever now: what the settings say, or what a rule made of it since.

Every gateway reads the same shares, and the same salt of the draws, so that a session stays in its arm wherever it goes.
The salt is made once, by whoever comes first, and is told to nobody: who knew it could name a session into an arm. A change is made only on top of
the share that it was decided from: two gateways that shrink an arm at once shrink it once. What to change is decided in
`quality.arms`.
"""

from collections.abc import Callable, Mapping

import msgspec

from farthing.store.engine import Connection
from farthing.store.rows import mended_text
from farthing.store.secret import secret
from farthing.store.store import Store, now_us


class Share(msgspec.Struct, frozen=True):
    """The share of one lever."""

    lever: str
    share: float
    """Of the sessions, 0 to 1, that go without it."""
    configured: float
    """What the settings said when this began."""
    since_us: int
    """What was seen before this does not count: the settings were others."""
    at_us: int
    """When `share` was last changed."""
    why: str


class Shares:
    """The shares in a store. Methods raise StoreError."""

    def __init__(self, store: Store, clock_us: Callable[[], int] = now_us) -> None:
        self._store = store
        self._now_us = clock_us

    async def follow(self, configured: Mapping[str, float]) -> dict[str, Share]:
        """The shares of these levers. One that the settings give another share than before starts anew with it, also
        one that a rule had ended; other levers keep what they have."""
        now = self._now_us()
        return await self._store.do(lambda connection: _follow(connection, configured, now))

    async def change(self, former: Share, share: float, why: str) -> bool:
        """Let another share hold in place of `former`; False if that one does not hold any more."""
        now = self._now_us()
        return await self._store.do(lambda connection: _change(connection, former, share, why, now))

    async def salt(self) -> str:
        """What makes the draws of this store its own."""
        return await self._store.do(lambda connection: secret(connection, SALT))


SALT = "hold-outs"
"""The name of the secret with which arms are drawn."""
_ALL = "lever, share, configured, since_us, at_us, why"


def _follow(connection: Connection, configured: Mapping[str, float], now: int) -> dict[str, Share]:
    kept = _every(connection)
    new = [name for name, share in sorted(configured.items()) if name not in kept or kept[name].configured != share]
    if new:
        with connection.transaction():
            for name in new:
                connection.execute(
                    f"INSERT INTO hold_out_shares ({_ALL}) VALUES (?, ?, ?, ?, ?, '') ON CONFLICT (lever) DO UPDATE SET "
                    "share = excluded.share, configured = excluded.configured, since_us = excluded.since_us, "
                    "at_us = excluded.at_us, why = excluded.why WHERE hold_out_shares.configured <> excluded.configured",
                    (name, configured[name], configured[name], now, now),
                )
        kept = _every(connection)
    return {name: kept[name] for name in configured}


def _every(connection: Connection) -> dict[str, Share]:
    return {row[0]: Share(*row) for row in connection.query(f"SELECT {_ALL} FROM hold_out_shares")}


def _change(connection: Connection, former: Share, share: float, why: str, now: int) -> bool:
    count = connection.execute(
        "UPDATE hold_out_shares SET share = ?, at_us = ?, why = ? WHERE lever = ? AND share = ? AND since_us = ?",
        (share, now, mended_text(why), former.lever, former.share, former.since_us),
    )
    return count > 0
