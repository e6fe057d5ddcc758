"""The fine-tuning API of OpenAI, and of Azure OpenAI, who has the same: a file goes up, a job is made of it, a model comes out.

A job carries our training's id in its metadata, its files carry it in their names, and no other job has its file: by any of
them it is found after a crash. Knows nothing of the store, and of prices.
"""

from collections.abc import Iterable

import msgspec

from farthing.model.clock import SYSTEM, Clock
from farthing.upstream.batches import uploads
from farthing.upstream.batches.api import Refused, Unsure
from farthing.upstream.batches.asking import Asking, decoded, segment
from farthing.upstream.providers import Provider

KINDS = ("openai", "azure")
"""Hosts that have this API."""
MARK = "farthing_training"
"""The name under which a job's metadata say whose it is."""
SUFFIX = 18
"""Characters of a model's suffix that every host takes."""
PAGE = 100
MOST_PAGES = 200
EVENTS = 1000


class Wish(msgspec.Struct, frozen=True):
    """What a job is asked for."""

    base: str
    suffix: str = ""
    epochs: int = 0
    """0: the provider chooses."""
    seed: int | None = None


class Job(msgspec.Struct, frozen=True):
    """A job as the provider has it."""

    id: str
    status: str
    model: str = ""
    """The new model; empty until there is one."""
    tokens: int = 0
    """Trained tokens, all epochs."""
    error: str = ""

    @property
    def over(self) -> bool:
        return self.status in ("succeeded", "failed", "cancelled")


class Event(msgspec.Struct, frozen=True):
    """What a job told of itself."""

    id: str
    message: str
    share: float | None = None
    """How much of the training is done, where it says so."""


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None


class _Job(msgspec.Struct):
    id: str
    status: str = ""
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    training_file: str | None = None
    error: _Error | None = None
    metadata: dict[str, str | None] | None = None


class _Jobs(msgspec.Struct):
    data: list[_Job] = []
    has_more: bool = False


class _File(msgspec.Struct):
    id: str
    filename: str | None = None
    status: str | None = None


class _Files(msgspec.Struct):
    data: list[_File] = []
    has_more: bool = False


class _Data(msgspec.Struct):
    step: int | None = None
    total_steps: int | None = None


class _Event(msgspec.Struct):
    id: str
    message: str = ""
    data: _Data | None = None


class _Events(msgspec.Struct):
    data: list[_Event] = []


class FineTuningApi:
    """Of one provider. Methods raise UpstreamError, and Refused for what the provider does not want."""

    def __init__(self, provider: Provider, clock: Clock = SYSTEM) -> None:
        self._asking = Asking(provider, provider.formats[0])
        self._clock = clock

    async def upload(self, lines: Iterable[bytes], name: str) -> str:
        """The id of a file of that name, which goes up if it is not there yet."""
        there = await self._file(f"{name}.jsonl")
        if there:
            return there
        return await uploads.upload(self._asking, uploads.form(lines, name, "fine-tune"), self._clock, waits=True)

    async def create(self, training_id: str, wish: Wish, train_file: str, test_file: str) -> Job:
        """Raises Unsure where nobody knows whether there is a job now: `find` tells."""
        hyper = {"n_epochs": wish.epochs or "auto"}
        body = {
            "model": wish.base, "training_file": train_file, "metadata": {MARK: training_id},
            "method": {"type": "supervised", "supervised": {"hyperparameters": hyper}},
            **({"validation_file": test_file} if test_file else {}),
            **({"suffix": wish.suffix} if wish.suffix else {}), **({"seed": wish.seed} if wish.seed is not None else {}),
        }  # fmt: skip
        answer = await self._asking.create("/fine_tuning/jobs", msgspec.json.encode(body), train_file)
        try:
            return _job(msgspec.json.decode(answer, type=_Job))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Unsure("The provider's answer to the creation of a job cannot be read.", train_file) from None

    async def find(self, training_id: str, train_file: str) -> Job | None:
        """The job of a training, if the provider's list has it."""
        after = ""
        for _ in range(MOST_PAGES):
            page = decoded(await self._asking.get(f"/fine_tuning/jobs?limit={PAGE}{after}"), _Jobs)
            for each in page.data:
                marked = (each.metadata or {}).get(MARK) == training_id
                if marked or (train_file and each.training_file == train_file):
                    return _job(each)
            if not page.has_more or not page.data:
                return None
            after = f"&after={segment(page.data[-1].id)}"
        return None

    async def look(self, job_id: str) -> Job:
        return _job(decoded(await self._asking.get(f"/fine_tuning/jobs/{segment(job_id)}"), _Job))

    async def cancel(self, job_id: str) -> Job:
        return _job(decoded(await self._asking.post(f"/fine_tuning/jobs/{segment(job_id)}/cancel"), _Job))

    async def events(self, job_id: str) -> list[Event]:
        """What it told so far, oldest first."""
        path = f"/fine_tuning/jobs/{segment(job_id)}/events?limit={EVENTS}"
        found = decoded(await self._asking.get(path), _Events).data
        return [Event(each.id, each.message, _share(each.data)) for each in reversed(found)]

    async def _file(self, name: str) -> str:
        """The id of the provider's file of that name; empty if there is none that can be used."""
        after = ""
        for _ in range(MOST_PAGES):
            page = decoded(await self._asking.get(f"/files?purpose=fine-tune&limit={PAGE}{after}"), _Files)
            for each in page.data:
                if each.filename == name and each.status not in ("error", "deleted", "deleting"):
                    return each.id
            if not page.has_more or not page.data:
                return ""
            after = f"&after={segment(page.data[-1].id)}"
        return ""


def _job(found: _Job) -> Job:
    error = found.error.message or found.error.code or "" if found.error is not None else ""
    return Job(found.id, found.status, found.fine_tuned_model or "", found.trained_tokens or 0, error)


def _share(data: _Data | None) -> float | None:
    if data is None or not data.step or not data.total_steps:
        return None
    return min(1.0, data.step / data.total_steps)


__all__ = ["KINDS", "Event", "FineTuningApi", "Job", "Refused", "Unsure", "Wish"]
