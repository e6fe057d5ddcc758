"""What a gateway finds around it and does not make: time, chance, the names of calls, and who reaches the providers.

The defaults are the real ones. A story or a replay gives its own, and then drives what else looks by itself every so often.
"""

import random
from collections.abc import Callable, Mapping, Sequence

import msgspec

from farthing.embed.memo import Memo
from farthing.gateway.edge import Read as ReadAsk
from farthing.gateway.edge import new_call_id
from farthing.model.clock import SYSTEM, Clock
from farthing.steps.cache.near import Judge
from farthing.steps.shape.step import Read as ReadBlocks
from farthing.steps.task.classifier import Classifier
from farthing.steps.task.step import Read as ReadAsked
from farthing.store.ledger import Observer
from farthing.upstream.client import Client
from farthing.wire.asked import asked
from farthing.wire.blocks import blocks
from farthing.wire.question import Questions
from farthing.wire.shaping.shape import Shaping, shaping
from farthing.wire.translate import Translation


class Readers(msgspec.Struct, frozen=True):
    """How requests are read, where several gateways of one process read the same ones. What each says depends on what it is
    given alone, so that it may be remembered for all of them. None: the gateway's own."""

    ask: ReadAsk | None = None
    asked: ReadAsked = asked
    blocks: ReadBlocks = blocks
    questions: Questions | None = None
    shaping: Shaping = shaping
    classifier: Classifier | None = None
    translations: Mapping[tuple[str, str], Translation] | None = None
    encoder: Memo | None = None
    """The local text encoder. It stays open."""


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
    readers: Readers = Readers()
    judge: Judge | None = None
    """Who says whether a semantic hit answers a question, instead of the model that settings name."""
    driven: bool = False
    """The ledger writes when it is flushed, and evidence is looked at when `Parts.quality` is told so. There are no pages for
    people."""
    kept: bool = True
    """What calls leave is stored. If not, nobody reads it later: rows of ended calls are told to observers and go nowhere,
    none under way is noted, and answers that may come again are stored only where they are too many for memory."""
    weighing: Callable[[], float] | None = None
    """The seconds by which weighed models grow old; None: the clock's. Who drives the ledger knows when nothing was learned."""
    settings_file: str = ""
    """Where the settings were read, for people to know; empty: there is none."""


REAL = Around()
