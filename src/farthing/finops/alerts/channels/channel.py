"""The interface of a channel."""

from typing import Protocol

from farthing.finops.alerts.message import Message
from farthing.store.alerts import Entry


class Channel(Protocol):
    async def send(self, entry: Entry, message: Message) -> None:
        """Tell it, once. Raises NotDelivered."""
