"""Sends the digest of each tenant once a week, whichever gateway leads: what was told last is kept in the store and changes in
the transaction that hands the message to the channels, so a kill in between can neither lose nor repeat it.

A gateway that was away on the day tells it when it is back. Whoever never told one only remembers the week that it is, and
tells the next: nobody gets a digest of the time before Farthing knew of them.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from farthing.finops.alerts.digest.reading import Digest, Digests
from farthing.finops.alerts.digest.text import lines_of, title_of
from farthing.finops.alerts.recipients import LOG
from farthing.settings import AlertChannelSettings, AlertDigestSettings, AlertSettings
from farthing.store.alerts import Alerts, Notice, Standing
from farthing.store.rollups import DAY_US

NAME = "digest"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Weekly:
    """See the module."""

    def __init__(self, alerts: Alerts, digests: Digests, settings: AlertSettings) -> None:
        self._alerts = alerts
        self._digests = digests
        self._settings = settings
        self._done = ""

    async def tell(self, now_us: int, holder: str = "") -> int:
        """Tell what is due, if `holder` leads; how many digests. Raises StoreError."""
        due_us = last_due(self._settings.digest, now_us)
        week = datetime.fromtimestamp(due_us // 1_000_000, UTC).strftime("%Y-%m-%d")
        if week == self._done:
            return 0
        told = await self._alerts.memory(NAME)
        notices = await self._notices(due_us, week, now_us) if told and told < week else []
        fresh = not told or told < week
        if fresh and not await self._alerts.tell_once(NAME, told, week, notices, holder=holder):
            return 0
        self._done = week
        return len(notices)

    async def _notices(self, due_us: int, week: str, now_us: int) -> list[Notice]:
        until = due_us - due_us % DAY_US
        found = await self._digests.every(until, now_us)
        return [self._notice(digest, week, now_us) for digest in found if not digest.empty]

    def _notice(self, digest: Digest, week: str, now_us: int) -> Notice:
        standing = Standing(
            f"{NAME}-{week}-{digest.tenant}"[:128], digest.tenant, NAME, "total", "", period=week,
            text="\n".join([title_of(digest), *lines_of(digest, now_us)]), value=digest.cost, usual=digest.cost_before,
            seen_us=now_us, changed_us=now_us,
        )  # fmt: skip
        return Notice("digest", standing, self._recipients(digest.tenant))

    def _recipients(self, tenant: str) -> tuple[str, ...]:
        """Channels that want all, or those that the settings name."""
        only = self._settings.digest.channels
        channels = self._settings.channels or {LOG: AlertChannelSettings("log")}
        return tuple(
            name
            for name, channel in channels.items()
            if channel.tenant in ("", tenant)
            and (name in only if only else channel.least == "warn" and not channel.rules)
        )


def last_due(settings: AlertDigestSettings, now_us: int) -> int:
    """The latest moment, not after now, at which a digest is due, in microseconds since 1970."""
    zone = ZoneInfo(settings.zone)
    today = datetime.fromtimestamp(now_us // 1_000_000, zone).date()
    day = today - timedelta(days=(today.weekday() - WEEKDAYS.index(settings.weekday)) % 7)
    due = _moment(day, settings.hour, zone)
    return due if due <= now_us else _moment(day - timedelta(days=7), settings.hour, zone)


def _moment(day: date, hour: int, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(hour), zone).timestamp()) * 1_000_000
