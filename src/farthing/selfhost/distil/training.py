"""A training at a provider from its files to its row in the ledger, in steps that are written down before the next begins:

    new -> uploaded -> creating -> running -> trained -> booked         or, at the end of the first five, failed, cancelled

Whoever runs it again goes on where it was broken off. Files are looked for by name before they go up. Before a job is made it
is written down that one is; found in that state, the provider's list is asked first, and as lists lag behind, a job is only
made anew once it would have been there. What it cost is a row of the ledger with an id of its own, so that it is there once.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Protocol

import msgspec

from farthing.model.arms import DISTILLATION
from farthing.model.clock import SYSTEM, Clock
from farthing.model.errors import BadRequest, UpstreamError
from farthing.model.money import Nano
from farthing.model.record import Attempt, Decision, Record, Saving
from farthing.model.usage import Usage
from farthing.prices.book import Priced
from farthing.quality.errand import TASK, TRAINING
from farthing.selfhost.distil.jobs import Event, Job, Refused, Unsure, Wish
from farthing.store.trainings import OVER, State, Training

WIRE = "openai.fine_tuning"
"""How such rows are marked; no client speaks it."""
LAG_S = 60.0
"""Seconds after which a job that is not on the provider's list was never made."""
LOOK_S = 10.0
PATIENCE = 20
"""Looks in a row that may fail."""
LEAST_EXAMPLES = 10
"""What OpenAI wants at least."""


class Api(Protocol):
    """See `FineTuningApi`."""

    async def upload(self, lines: Sequence[bytes], name: str) -> str: ...
    async def create(self, training_id: str, wish: Wish, train_file: str, test_file: str) -> Job: ...
    async def find(self, training_id: str, train_file: str) -> Job | None: ...
    async def look(self, job_id: str) -> Job: ...
    async def events(self, job_id: str) -> list[Event]: ...


class Kept(Protocol):
    """See `Trainings`."""

    async def begin(self, training: Training) -> Training: ...
    async def get(self, training_id: str) -> Training | None: ...
    async def move(self, before: Training, after: Training) -> bool: ...


Price = Callable[[str, int], Priced]
"""What so many training tokens of a base model cost."""


class Writer(Protocol):
    async def __call__(self, records: Sequence[Record]) -> object: ...


Told = Callable[[Training, Event | None], None]
"""Hears of each step, and of what the job tells."""


class Order(msgspec.Struct, frozen=True):
    """What is to be trained on what, for whom."""

    tenant: str
    provider: str
    wish: Wish
    train: tuple[bytes, ...]
    """Lines of JSON, each with its line end."""
    test: tuple[bytes, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same order."""
        digest = blake2b(digest_size=10)
        for part in (self.tenant, self.provider, msgspec.json.encode(self.wish).decode()):
            digest.update(f"{len(part)}:{part}".encode())
        for lines in (self.train, self.test):
            digest.update(b"%d:" % len(lines))
            digest.update(b"".join(lines))
        return f"train-{digest.hexdigest()}"

    def check(self) -> None:
        """Raises BadRequest for what no provider takes."""
        check_lines(self.train)


class Trainer:
    """See the module. `write` puts records into the ledger that are not there yet."""

    def __init__(
        self, api: Api, kept: Kept, price: Price, write: Writer, *, clock: Clock = SYSTEM, look_s: float = LOOK_S,
        lag_s: float = LAG_S, told: Told = lambda training, event: None,
    ) -> None:  # fmt: skip
        self._api = api
        self._kept = kept
        self._price = price
        self._write = write
        self._clock = clock
        self._look_s = look_s
        self._lag_s = lag_s
        self._told = told
        self._events: set[str] = set()
        self._failures = 0
        self._moved_us = 0

    async def run(self, order: Order, *, waits: bool = True) -> Training:
        """The training when it is over, or (not `waits`) as soon as the provider has it. Raises BadRequest, UpstreamError;
        what has been done by then is kept."""
        order.check()
        now = self._clock.now_us()
        spec = msgspec.json.encode(
            {"wish": order.wish, "examples": len(order.train), "tests": len(order.test)}
        ).decode()
        training = await self._kept.begin(
            Training(order.id, order.tenant, order.provider, order.wish.base, created_us=now, updated_us=now, spec=spec)
        )
        while training.state not in OVER:
            self._told(training, None)
            if training.state == "running" and not waits:
                break
            training = await self._step(training, order)
        self._told(training, None)
        return training

    async def _step(self, training: Training, order: Order) -> Training:
        match training.state:
            case "new":
                return await self._upload(training, order)
            case "uploaded":
                return await self._create(training, order)
            case "creating":
                return await self._find(training)
            case "running":
                return await self._wait(training)
            case _:
                return await self._book(training)

    async def _upload(self, training: Training, order: Order) -> Training:
        try:
            train = await self._api.upload(order.train, f"{training.id}-train")
            test = await self._api.upload(order.test, f"{training.id}-test") if order.test else ""
        except Refused as refused:
            return await self._refused(training, refused)
        return await self._move(training, state="uploaded", train_file=train, test_file=test)

    async def _create(self, training: Training, order: Order) -> Training:
        creating = await self._move(training, state="creating")
        if creating.state != "creating" or creating.updated_us != self._moved_us:
            return creating  # somebody else does it
        try:
            job = await self._api.create(training.id, order.wish, training.train_file, training.test_file)
        except Refused as refused:
            return await self._refused(creating, refused, again="uploaded")
        except Unsure:
            return creating
        return await self._move(creating, state="running", remote_id=job.id)

    async def _refused(self, training: Training, refused: Refused, again: State = "new") -> Training:
        """It has failed, unless the provider said when the same may be granted."""
        if refused.retry_after is None:
            return await self._move(training, state="failed", error=refused.message)
        await self._patiently(refused, refused.retry_after)
        return await self._move(training, state=again)

    async def _patiently(self, error: UpstreamError | Refused, seconds: float) -> None:
        """Wait for the provider; raise UpstreamError once it has failed too often."""
        self._failures += 1
        if self._failures > PATIENCE:
            raise UpstreamError(error.message) from error
        await self._clock.sleep(seconds)

    async def _find(self, training: Training) -> Training:
        """It may be that there is a job, or not."""
        try:
            job = await self._api.find(training.id, training.train_file)
        except Refused as refused:
            await self._patiently(refused, self._look_s)
            return training
        if job is not None:
            return await self._move(training, state="running", remote_id=job.id)
        left_s = self._lag_s - (self._clock.now_us() - training.updated_us) / 1e6
        if left_s > 0:
            await self._clock.sleep(min(left_s, self._look_s))
            return training
        return await self._move(training, state="uploaded")

    async def _wait(self, training: Training) -> Training:
        try:
            job = await self._api.look(training.remote_id)
            events = await self._api.events(training.remote_id)
        except (UpstreamError, Refused) as error:
            await self._patiently(error, self._look_s)
            return training
        self._failures = 0
        for event in events:
            if event.id not in self._events:
                self._events.add(event.id)
                self._told(training, event)
        if not job.over:
            await self._clock.sleep(self._look_s)
            return training
        changes = {"model": job.model, "tokens": job.tokens, "error": job.error}
        if job.status == "succeeded" or job.tokens:  # what was trained before it was cancelled is billed
            return await self._move(training, state="trained", **changes)
        return await self._move(training, state="cancelled" if job.status == "cancelled" else "failed", **changes)

    async def _book(self, training: Training) -> Training:
        priced = self._price(training.base, training.tokens)
        await self._write([record_of(training, priced)])
        known = priced.state != "unpriced"
        state = "booked" if training.model else "cancelled"
        return await self._move(training, state=state, cost=priced.nano if known else None)

    async def _move(self, training: Training, **changes: object) -> Training:
        """The training with these changes; as somebody else left it where he was first."""
        self._moved_us = max(self._clock.now_us(), training.updated_us + 1)
        after = msgspec.structs.replace(training, updated_us=self._moved_us, **changes)
        if await self._kept.move(training, after):
            return after
        found = await self._kept.get(training.id)
        if found is None:
            raise BadRequest(f"the training {training.id} was forgotten while it ran")
        return found


def record_of(training: Training, priced: Priced) -> Record:
    """The row of the ledger: work that no call of a client caused, with baseline 0, as what the lever itself spent."""
    cost: Nano = priced.nano
    attempt = Attempt(
        no=1, provider=training.provider, deployment=f"{training.provider}/{training.base}", model=training.base,
        served_model=training.base, status=200, started_us=training.created_us,
        duration_us=max(0, training.updated_us - training.created_us), usage=Usage(requests={"training": training.tokens}),
        cost_state=priced.state, cost=cost, list_cost=priced.list_nano, lines=list(priced.lines), price_version=priced.version,
        flags=list(priced.flags),
    )  # fmt: skip
    why = f"{training.tokens:,} training tokens on {training.base}"
    return Record(
        id=training.id, started_us=training.created_us, wire=WIRE, model_asked=training.base, model=training.base,
        provider=training.provider, deployment=attempt.deployment, tenant=training.tenant, feature=TRAINING, task=TASK,
        status=200, cost_state=priced.state, cost=cost, baseline=0, duration_us=attempt.duration_us, attempts=[attempt],
        savings=[Saving(DISTILLATION, 0, 0, overhead=cost)] if cost else [],
        decisions=[Decision("training", training.model or "no model", why)],
    )  # fmt: skip


def check_lines(lines: Sequence[bytes]) -> None:
    """Raises BadRequest for what nothing can be trained on."""
    if len(lines) < LEAST_EXAMPLES:
        raise BadRequest(f"a training needs at least {LEAST_EXAMPLES} examples, and there are {len(lines)}")
    for number, line in enumerate(lines, 1):
        problem = wrong_with(line)
        if problem:
            raise BadRequest(f"line {number}: {problem}")


def wrong_with(line: bytes) -> str:
    """Why a line is no example; empty if it is one."""
    try:
        chat = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "it is no JSON"
    messages = chat.get("messages") if isinstance(chat, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        return "it has no `messages` (export it with --format openai)"
    if messages[-1].get("role") != "assistant" or not messages[-1].get("content"):
        return "its last message is not the assistant's"
    return ""
