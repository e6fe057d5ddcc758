"""A small model trained on this machine, from its data set to what it is worth: its time foretold by real steps, LoRA that goes
on where it was ended, then the model before and after on calls that neither has seen, each against what the teacher said.

Each stage's result is kept in the folder the moment it is there. The teacher's answers of then are the measure: agreement has
Wilson's interval, the difference between before and after the paired one of trials (`quality.paired`). Knows nothing of
terminals, settings and stores.
"""

import shutil
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from farthing.finops.metrics.metric import wilson
from farthing.model.errors import BadRequest
from farthing.quality.evalset import Case
from farthing.quality.noninferiority import Counts
from farthing.quality.paired import bounds
from farthing.selfhost.distil.deciding import Range
from farthing.selfhost.serving import Use
from farthing.selfhost.tools.answers import items_of
from farthing.selfhost.tools.environments import Found, Tool
from farthing.selfhost.tools.measuring import Job, Measured, measure, read
from farthing.selfhost.tools.process import Heard, work
from farthing.selfhost.tools.state import State, files_of, key_of

FORMAT = "farthing tuning report 1"
COMMAND = "tune"
ONE_WAY = 0.15
"""What a machine's speed may change by, either way, beside what the timed steps differ by."""
WRONG = 16
"""Tokens that an answer may have beyond the longest right one."""
FIRST = 4 * 2**20
"""Bytes beside the model's that a folder needs at least."""


class Wish(msgspec.Struct, frozen=True):
    """How it is trained."""

    epochs: int = 3
    rank: int = 16
    """Of the matrices that are learned."""
    rate: float = 2e-4
    """The largest learning rate."""
    batch: int = 8
    length: int = 1024
    """Tokens of an example; longer ones are left out."""
    seed: int = 0


class Asked(msgspec.Struct, frozen=True):
    """All that a training is made of."""

    model: Path
    bytes16: int
    """Of the model at 16 bits."""
    train: tuple[bytes, ...]
    """Lines of JSON, each with its end."""
    cases: Sequence[Case]
    """Calls that are not trained on, with the teacher's answers."""
    wish: Wish
    out: Path
    tool: Tool
    found: Found
    threads: int
    device: str
    """auto or cpu"""

    @property
    def key(self) -> str:
        """The same for the same model, data and wish."""
        return key_of(
            str(self.model.absolute()), files_of(self.model), b"".join(self.train), msgspec.json.encode(list(self.cases)),
            self.wish, self.found.versions, self.device,
        )  # fmt: skip

    @property
    def disk(self) -> int:
        """Bytes that the result needs: the model at 16 bits, and what is learned of it four times."""
        return round(1.2 * self.bytes16) + FIRST * self.wish.rank


class Estimate(msgspec.Struct, frozen=True):
    """What a training would take, before it begins."""

    examples: int
    left_out: int
    """Too long."""
    tokens: int
    """Of one epoch."""
    steps: int
    parameters: int
    learned: int
    """Of them, those that are trained."""
    token_s: tuple[float, float, float]
    """Seconds a token of real steps on this machine: fastest, middle, slowest."""
    memory: int
    """Bytes that the steps took."""
    gpu_memory: int

    def seconds(self, epochs: int) -> Range:
        """Of this machine, for all epochs; the proof is not in it."""
        low, likely, high = (self.tokens * epochs * each for each in self.token_s)
        return Range(low * (1 - ONE_WAY), likely, high * (1 + ONE_WAY))


class Agreement(msgspec.Struct, frozen=True):
    """How often a model says what the teacher said."""

    right: int
    cases: int
    share: float
    low: float
    """With `high` the interval of 95 %."""
    high: float
    tokens_s: float
    """Of one stream, by the tool."""
    files: int
    """Bytes."""


class Paired(msgspec.Struct, frozen=True):
    """What became better by the training, on the same calls: a difference of shares, and its interval of 95 %."""

    better: int
    worse: int
    cases: int
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> Literal["better", "worse", "open"]:
        return "better" if self.low > 0 else "worse" if self.high < 0 else "open"


class Report(msgspec.Struct, frozen=True):
    """As it is written as JSON it can be read again."""

    key: str
    base: str
    """The folder of the model before."""
    wish: Wish
    estimate: Estimate
    seconds: float
    """Of the training."""
    loss_first: float
    """A learned token's, in nats, over the first epoch; so below for the last."""
    loss_last: float
    memory: int
    gpu_memory: int
    tool: str
    versions: dict[str, str]
    before: Agreement
    after: Agreement
    change: Paired
    differences: tuple[int, ...]
    """Of each call of the proof: 0 where the new model says what the teacher said, else -1."""
    where: str
    """The folder of the new model, whole; `adapter` beside it has what was learned alone."""
    name: str = ""
    teacher: str = ""
    task: str = ""
    floor: float | None = None
    """Share of the teacher's quality that routing asks for; None where no task was named."""
    cost: int | None = None
    """Nano-dollars; None where nobody said what an hour costs."""
    use: Use | None = None
    finished_us: int = 0
    format: str = FORMAT

    @property
    def clears(self) -> bool | None:
        """Whether it is shown to reach the floor; None where there is none."""
        return None if self.floor is None else self.after.low >= self.floor


Registered = Callable[[Report], Awaitable[None]]
"""Does once what is to be done with a report: evidence, ledger."""


async def estimate(asked: Asked, told: Heard) -> Estimate:
    """By some real steps, whose result is thrown away. Raises BadRequest."""
    with State(asked.out, asked.key, COMMAND) as state:
        return msgspec.convert(await _stage(state, "estimate", lambda: _work(asked, told, only="estimate")), Estimate)


async def tune(asked: Asked, told: Heard, registered: Registered) -> Report:
    """Raises BadRequest with what went wrong; what was done until then is kept."""
    with State(asked.out, asked.key, COMMAND) as state:
        foretold = msgspec.convert(
            await _stage(state, "estimate", lambda: _work(asked, told, only="estimate")), Estimate
        )
        done = await _stage(state, "train", lambda: _trained(asked, told))
        before = await _measured(state, asked, "before", asked.model, told)
        after = await _measured(state, asked, "after", asked.out / "model", told)
        report = _report(asked, foretold, done, before, after)
        await _stage(state, "registered", lambda: _registered(registered, report))
        return report


async def _stage(state: State, name: str, does: Callable[[], Awaitable[Any]]) -> Any:
    """Its result, from before or now."""
    found = state.get(name)
    if found is None:
        found = await does()
        state.put(name, found)
    return found


async def _registered(registered: Registered, report: Report) -> bool:
    await registered(report)
    return True


async def _work(asked: Asked, told: Heard, **more: Any) -> dict[str, Any]:
    data = asked.out / "train.jsonl"
    data.touch(0o600)
    data.write_bytes(b"".join(asked.train))
    job = {
        "model": str(asked.model.absolute()), "data": str(data.absolute()), "threads": asked.threads, "device": asked.device,
        **msgspec.to_builtins(asked.wish), **more,
    }  # fmt: skip
    return await work(Path(asked.found.python), asked.tool.worker, job, asked.out, told, asked.threads)


async def _trained(asked: Asked, told: Heard) -> dict[str, Any]:
    """The folder gets its name only when all of it is there."""
    part, adapter, kept = (asked.out / name for name in ("model.part", "adapter", "state.pt"))
    for each in (part, asked.out / "model"):
        shutil.rmtree(each, ignore_errors=True)
    done = await _work(
        asked, told, kept=str(kept.absolute()), adapter=str(adapter.absolute()), out=str(part.absolute())
    )
    if not any(part.glob("*.safetensors")):
        raise BadRequest(f"the tool ended well but left no safetensors in {part}")
    part.rename(asked.out / "model")
    kept.unlink(missing_ok=True)
    return done


async def _measured(state: State, asked: Asked, name: str, model: Path, told: Heard) -> Measured:
    found, items, text = (asked.out / each for each in (f"{name}.jsonl", "items.json", "text.txt"))

    async def measured() -> bool:
        for file, data in ((items, msgspec.json.encode(_items(asked.cases))), (text, b"")):
            file.touch(0o600)
            file.write_bytes(data)
        job = Job(Path(asked.found.python), asked.model, text, 0, 0, 0, items, asked.threads, asked.device)
        await measure(job, model, found, asked.out, lambda what, done, total: told(f"{name}: {what}", done, total))
        return True

    await _stage(state, name, measured)
    return read(found)


def _items(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """No answer needs more tokens than the longest right one has letters, and a few to be wrong in."""
    most = max((len(answer) for case in cases for answer in case.answers), default=0) + WRONG
    limited = [{**each, "max_tokens": min(each["max_tokens"], most)} for each in items_of(cases)]
    return limited if most > WRONG else items_of(cases)


def _report(asked: Asked, foretold: Estimate, done: dict[str, Any], before: Measured, after: Measured) -> Report:
    both = [
        (one, other)
        for one, other in zip(before.rights(asked.cases), after.rights(asked.cases), strict=True)
        if one is not None and other is not None
    ]
    if not both:
        raise BadRequest("no answer of the proof can be told right from wrong")
    where = asked.out / "model"
    return Report(
        key=asked.key, base=str(asked.model.absolute()), wish=asked.wish, estimate=foretold, seconds=done["seconds"],
        loss_first=done["loss_first"], loss_last=done["loss_last"], memory=done["memory"], gpu_memory=done["gpu_memory"],
        tool=asked.tool.name, versions=asked.found.versions,
        before=_agreement([one for one, _ in both], before, asked.model), after=_agreement([other for _, other in both], after, where),
        change=paired(both), differences=tuple(other - 1 for _, other in both), where=str(where.absolute()),
    )  # fmt: skip


def _agreement(rights: Sequence[bool], measured: Measured, folder: Path) -> Agreement:
    low, high = wilson(sum(rights), len(rights))
    files = sum(size for _, size, _ in files_of(folder))
    return Agreement(sum(rights), len(rights), sum(rights) / len(rights), low, high, measured.tokens_s, files)


def paired(both: Sequence[tuple[bool, bool]]) -> Paired:
    """From whether each call was right before and after."""
    better, worse = sum(other and not one for one, other in both), sum(one and not other for one, other in both)
    counts = Counts(better=better, same=len(both) - better - worse, worse=worse)
    least, most = bounds(counts)
    return Paired(better, worse, len(both), counts.mean, -most, -least)
