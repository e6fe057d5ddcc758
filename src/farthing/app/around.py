"""What a gateway finds around it and does not make: time, chance, the names of calls, and who reaches the providers.

The defaults are the real ones. A story or a replay gives its own, and then drives what else looks by itself every so often.
"""

import random
from collections.abc import Callable, Sequence

import msgspec

from farthing.gateway.edge import new_call_id
from farthing.model.clock import SYSTEM, Clock
from farthing.store.ledger import Observer
from farthing.upstream.client import Client


class Around(msgspec.Struct, frozen=True):
    """See the module."""

    clock: Clock = SYSTEM
    dice: random.Random | None = None
    """Every chance that a part takes; None: each has its own."""
    new_id: Callable[[], str] = new_call_id
    client: Client | None = None
    """Who reaches every provider instead of the clients that settings ask for. It stays open."""
    observers: Sequence[Observer] = ()
    """Who hears of committed calls too."""
    driven: bool = False
    """The ledger writes when it is flushed, and evidence is looked at when `Parts.quality` is told so. There are no pages for
    people."""
    settings_file: str = ""
    """Where the settings were read, for people to know; empty: there is none."""


REAL = Around()
