"""E-mail and everything else, through the library apprise (extra `alerts`); it blocks, so it runs in a thread."""

import asyncio
from typing import Any

from farthing.finops.alerts.channels.channel import NotDelivered
from farthing.finops.alerts.message import Message
from farthing.store.alerts import Entry

KINDS = {"alert": "failure", "warn": "warning", "no-data": "warning", "ok": "success"}
TIMEOUT_S = 30.0


class Apprise:
    """See the module. `library` is apprise itself."""

    def __init__(self, library: Any, url: str) -> None:
        self._apprise = library.Apprise()
        self._known = bool(self._apprise.add(url))

    async def send(self, entry: Entry, message: Message) -> None:
        if not self._known:
            raise NotDelivered("apprise does not know such an address; see its list of services")
        try:
            done = await asyncio.wait_for(asyncio.to_thread(self._notify, message), TIMEOUT_S)
        except TimeoutError:
            raise NotDelivered(f"apprise took more than {TIMEOUT_S:.0f} s") from None
        except Exception as error:  # whatever a service's plugin raises; its words may hold the address
            raise NotDelivered(f"apprise failed ({type(error).__name__})") from None
        if not done:
            raise NotDelivered("apprise could not deliver it")

    def _notify(self, message: Message) -> bool:
        return bool(
            self._apprise.notify(
                title=message.title, body=message.text, notify_type=KINDS.get(message.severity, "info")
            )
        )
