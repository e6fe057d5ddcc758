"""Brings messages from the store to channels. What fails stays in the store and is tried again, by whichever gateway."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from farthing.finops.alerts.channels.channel import Channel
from farthing.finops.alerts.message import message_of
from farthing.store import StoreError
from farthing.store.alerts import Alerts, Parcel
from farthing.upstream.posting import NotDelivered

TURN_S = 5.0
"""Seconds between two looks for what is due; news wake it at once."""
log = logging.getLogger("farthing.alerts")


class Delivery:
    """See the module."""

    def __init__(self, alerts: Alerts, channels: Mapping[str, Channel], link: str = "") -> None:
        self._alerts = alerts
        self._channels = dict(channels)
        self._link = link
        self._news = asyncio.Event()
        self._said: set[str] = set()

    def wake(self) -> None:
        """There is news."""
        self._news.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._news.clear()
            with suppress(StoreError):  # the ledger says that the store is away; here it is only tried again
                await self.deliver()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), TURN_S)

    async def deliver(self) -> int:
        """Send what is due; how many were delivered. Raises StoreError."""
        parcels = await self._alerts.due(list(self._channels))
        return sum(await asyncio.gather(*(self._send(parcel) for parcel in parcels)))

    async def _send(self, parcel: Parcel) -> bool:
        try:
            await self._channels[parcel.channel].send(parcel.entry, message_of(parcel.entry, self._link))
        except NotDelivered as why:
            await self._failed(parcel, str(why))
            return False
        except Exception as error:  # a channel must not end the others; its words may hold an address
            await self._failed(parcel, f"it failed ({type(error).__name__})")
            return False
        self._said.discard(parcel.channel)
        await self._alerts.delivered(parcel)
        return True

    async def _failed(self, parcel: Parcel, why: str) -> None:
        if parcel.channel not in self._said:
            self._said.add(parcel.channel)
            log.warning("the alert channel %s does not deliver: %s; it is tried again", parcel.channel, why)
        await self._alerts.failed(parcel, why)
