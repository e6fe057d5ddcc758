"""What is kept to learn from, and who learns it: captures and students joined. Nothing is decided here."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from farthing.app.around import REAL, Around
from farthing.app.cache import Built as Cache
from farthing.app.captures import build_captures
from farthing.app.students import build_students
from farthing.model.arms import Draw
from farthing.pipeline import Step
from farthing.quality.errand import Errands
from farthing.settings import Settings
from farthing.store import Store


class Learning(NamedTuple):
    """What the gateway, and whoever drives it, need."""

    steps: list[Step]
    life: Any
    """Who looks after students (`selfhost.students.life`); None where there are none."""
    learn: Callable[[], Awaitable[None]]
    """Write what was captured, and train what is worth it: what is done by itself where nobody drives the gateway."""


async def build_learning(
    settings: Settings, store: Store, errands: Errands, stack: AsyncExitStack, around: Around = REAL,
    cache: Cache | None = None, hold_out: Draw | None = None,
) -> Learning:  # fmt: skip
    """Captures are made first, so that they are closed last. The encoder is the cache's, if it has one. Raises StoreError."""
    captures, keeper = build_captures(settings, store, stack, around)
    encoder, keep = cache.encoder if cache is not None else None, captures[0].audited if captures else None
    students = await build_students(settings, store, errands, stack, around, encoder, keep, hold_out)

    async def learn() -> None:
        await keeper.flush()
        await keeper.prune()
        if students.school is not None:
            await students.school.train_all()
            await students.life.take_over()

    return Learning([*students.steps, *captures], students.life, learn)
