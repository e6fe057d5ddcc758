"""Students' part of the composition root: settings -> the step, and who looks after them. Nothing is decided here."""

import asyncio
import importlib
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, NamedTuple

from farthing.app.around import REAL, Around
from farthing.embed import Encoder, EncoderError
from farthing.embed.memo import Memo
from farthing.embed.minilm import MiniLM
from farthing.model.arms import Draw
from farthing.model.call import Call
from farthing.pipeline import Step
from farthing.quality.errand import Errands
from farthing.settings import Settings
from farthing.steps.capture.redaction import redact
from farthing.steps.route.policy import Policies
from farthing.store import Store, StoreError
from farthing.store.captures import Captures
from farthing.store.sealing import wrapping
from farthing.store.students import Students

log = logging.getLogger("farthing.student")


class Built(NamedTuple):
    """What the gateway needs of students."""

    steps: tuple[Step, ...] = ()
    """The step, where students are wanted."""
    life: Any = None
    """Who looks after them; None where there are none."""
    school: Any = None
    """Who trains them every so often; None where that is not wanted."""


async def build_students(
    settings: Settings, store: Store, errands: Errands, stack: AsyncExitStack, around: Around = REAL,
    encoder: Encoder | None = None, keep: Callable[[Call, bytes, bytes, str], None] | None = None, hold_out: Draw | None = None,
) -> Built:  # fmt: skip
    """The step, where students are wanted. numpy is an extra, and slow to import: only who wants them pays for it. `errands`
    ask teachers for audits, whose answers `keep` gets; `encoder` is one that is there already. Raises StoreError."""
    rules = settings.student
    if rules.mode == "off":
        return Built()
    try:
        life_of, step_of = (
            importlib.import_module(f"farthing.{name}") for name in ("selfhost.students.life", "steps.student.step")
        )
    except ImportError:
        log.warning("student.mode = on needs `pip install 'farthing[cache]'`; teachers answer")
        return Built()
    shared = encoder or around.readers.encoder
    encoder = (shared or await local_encoder(settings, stack)) if rules.features == "vectors" else None
    kept = Students(store, around.clock.now_us)
    life = life_of.Life(kept, errands, encoder, now_us=around.clock.now_us, keep=keep)
    stack.push_async_callback(life.close)
    policies = Policies(settings.routing)
    chance = around.dice.random if around.dice is not None else random.random
    step = step_of.Student(
        life, encoder, lambda call, model: policies.of(call).forbids(model), region=rules.region,
        audited=rules.audit_percent / 100, chance=chance, clock=around.clock.seconds,
        redact=_redacted, hold_out=hold_out,
    )  # fmt: skip
    await life.start(step, keeps=not around.driven)
    if not rules.train_hours:
        return Built((step,), life)
    school = build_school(settings, store, encoder, around)
    if not around.driven:
        training = asyncio.create_task(_train(school, life, rules.train_hours * 3600), name="train students")
        stack.push_async_callback(_ended, training)
    return Built((step,), life, school)


def build_school(settings: Settings, store: Store, encoder: Encoder | None, around: Around = REAL) -> Any:
    """Who trains students on captured calls. Raises ImportError without the extra `cache`, StoreError for a key that is none."""
    pairs, school = (importlib.import_module(f"farthing.selfhost.students.{name}") for name in ("pairs", "school"))
    rules, captures = settings.student, Captures(store, wrapping(settings.capture.encryption_key.reveal()))

    async def read() -> Sequence[Any]:
        found = await captures.read(around.clock.now_us())
        return [
            pairs.Captured(
                each.text, each.answer, each.template, each.at_us, each.tenant, each.feature, each.task, each.model, each.context,
                each.settled,
            )
            for each in found.calls if each.turns == 1 and each.is_fair
        ]  # fmt: skip

    return school.School(
        Students(store, around.clock.now_us), encoder, read, target=rules.target_percent / 100, traffic=rules.traffic,
        redacted=settings.capture.redact, error=1 - rules.confidence_percent / 100,
    )  # fmt: skip


def _redacted(text: str) -> str:
    return redact(text).text


async def local_encoder(settings: Settings, stack: AsyncExitStack) -> Encoder | None:
    """The local one, remembered by text."""
    local = Memo(MiniLM(settings.cache.threads))
    try:
        await local.encode([""])
    except EncoderError as error:
        log.warning("students go by words: %s", error)
        await local.close()
        return None
    stack.push_async_callback(local.close)
    return local


async def _train(school: Any, life: Any, every_s: float) -> None:
    """Look now and then for what is worth training."""
    while True:
        try:
            await school.train_all()
            await life.take_over()
        except (StoreError, EncoderError) as error:
            log.warning("students cannot be trained: %s", error)
        except Exception as error:  # the next look may be better
            log.warning("a training failed", extra={"error": type(error).__name__})
        await asyncio.sleep(every_s)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
