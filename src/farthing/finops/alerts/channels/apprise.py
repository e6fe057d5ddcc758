"""E-mail and everything else, through the library apprise (extra `alerts`). It is slow to load and it blocks, so all of it,
its import too, happens in a thread when there is something to tell."""

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

from farthing.finops.alerts.message import Message
from farthing.store.alerts import Entry
from farthing.upstream.posting import NotDelivered

KINDS = {"alert": "failure", "warn": "warning", "no-data": "warning", "ok": "success"}
TIMEOUT_S = 60.0


def installed() -> Any:
    """The library. Raises ImportError."""
    return importlib.import_module("apprise")


class Apprise:
    """See the module."""

    def __init__(self, url: str, library: Callable[[], Any] = installed) -> None:
        self._url = url
        self._library = library

    async def send(self, entry: Entry, message: Message) -> None:
        try:
            await asyncio.wait_for(asyncio.to_thread(self._notify, message), TIMEOUT_S)
        except NotDelivered:
            raise
        except ImportError:
            raise NotDelivered("it needs the package apprise: pip install 'farthing[alerts]'") from None
        except TimeoutError:
            raise NotDelivered(f"apprise took more than {TIMEOUT_S:.0f} s") from None
        except Exception as error:  # whatever a service's plugin raises; its words may hold the address
            raise NotDelivered(f"apprise failed ({type(error).__name__})") from None

    def _notify(self, message: Message) -> None:
        sender = self._library().Apprise()
        if not sender.add(self._url):
            raise NotDelivered("apprise does not know such an address; see its list of services")
        if not sender.notify(title=message.title, body=message.text, notify_type=KINDS.get(message.severity, "info")):
            raise NotDelivered("apprise could not deliver it")
