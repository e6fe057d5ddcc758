"""OpenAI's `/v1/fine_tuning/jobs`, and Azure's: a file of chats becomes a model of one's own, which the chat endpoints then
serve.

How good such a model is follows from what it was trained on and is told to nobody: for each kind of task in the file it moves
from its base towards the share of right answers there, the more examples the further; on other kinds it loses a little.
"""

from collections import OrderedDict
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.upstream.simulator import http, models, tasks, tokens
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.files import Files
from farthing.upstream.simulator.models import Model
from farthing.upstream.simulator.play import Whole
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.wire import Json, Refusal, Spent

LEAST_EXAMPLES = 10
HALF_WAY = 60
"""Examples of a kind after which a model is half-way to what they show."""
FORGOTTEN = 0.02
"""What it loses on kinds of which there was nothing."""
DEFAULT_EPOCHS = 3
_VALIDATED, _STARTED = 0.1, 0.2
"""Shares of the whole time at which the files are looked at, and at which training begins."""
_STEPS = 10
_PATH = "/v1/fine_tuning/jobs"
_SUFFIX = 64


class Job(msgspec.Struct):
    """One training. Times are Unix seconds."""

    id: str
    key: str
    model: Model
    training_file: str
    validation_file: str | None
    suffix: str
    epochs: int
    given: Json
    """Hyperparameters, seed, method and metadata, as they were sent."""
    created: float
    seconds: float
    tokens: int
    """Of one epoch."""
    problem: Json | None
    learned: dict[str, tuple[int, float]]
    """Kind of task -> examples, and the share of right answers among them."""
    cancelled: float | None = None
    ready: bool = False
    """Its model is served, and its cost on the bill."""

    @property
    def name(self) -> str:
        return f"ft:{self.model.name}:org-simulator:{self.suffix}:{self.id.removeprefix('ftjob-')[:8]}"

    def share(self, now: float) -> float:
        """Of the whole time."""
        return min(1.0, (now - self.created) / self.seconds) if self.seconds > 0 else 1.0

    def status(self, now: float) -> str:
        share = self.share(now if self.cancelled is None else self.cancelled)
        if share < _VALIDATED:
            return "validating_files" if self.cancelled is None else "cancelled"
        if self.problem is not None:
            return "failed"
        if self.cancelled is not None and share < 1:
            return "cancelled"
        return "queued" if share < _STARTED else "running" if share < 1 else "succeeded"


class FineTuning:
    """The jobs of one provider, each seen by its own customer alone."""

    def __init__(self, provider: Provider, files: Files) -> None:
        self._provider = provider
        self._files = files
        self._kept: OrderedDict[str, Job] = OrderedDict()

    async def create(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        body, raw = await http.json_body(request, "openai", self._provider.settings.max_body_bytes)
        plan = http.planned(self._provider, request, body, number, raw, "openai")
        job = self._job(body, key, number)
        self._kept[job.id] = job
        while len(self._kept) > self._provider.settings.kept:
            self._kept.popitem(last=False)
        return Whole(200, {}, msgspec.json.encode(self._shown(job)), plan=plan)

    async def list(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        self.advance()
        mine = [self._shown(job) for job in reversed(self._kept.values()) if job.key == key]
        return http.json_answer({"object": "list", **http.page(mine, request, 100)})

    async def show(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        return http.json_answer(self._shown(self._find(request, key)))

    async def cancel(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        job, now = self._find(request, key), self._provider.clock()
        if job.status(now) in ("succeeded", "failed", "cancelled"):
            raise Refusal(400, "invalid_request_error", f"Job has already completed: {job.id}", param=None)
        job.cancelled = now
        return http.json_answer(self._shown(job))

    async def events(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        job = self._find(request, key)
        told = list(reversed(_events(job, self._provider.clock())))
        return http.json_answer({"object": "list", **http.page(told, request, 1000)})

    def advance(self) -> None:
        """Finish what is over by now, whether anyone looks at it or not."""
        for job in self._kept.values():
            self._finish(job)

    def _job(self, body: Json, key: str, number: int) -> Job:
        model = _base(body.get("model"))
        file = self._files.find(str(body.get("training_file")), key)
        suffix, metadata = body.get("suffix") or "", body.get("metadata")
        if not isinstance(suffix, str) or len(suffix) > _SUFFIX:
            raise _bad(f"'suffix' must be a string of at most {_SUFFIX} characters.", "suffix")
        if metadata is not None and (not isinstance(metadata, dict) or len(metadata) > 16):
            raise _bad("Invalid 'metadata': at most 16 pairs of strings.", "metadata")
        if file.purpose != "fine-tune":
            raise _bad(f"Invalid file purpose: '{file.purpose}'. Expected 'fine-tune'.", "training_file")
        validation = body.get("validation_file")
        if validation is not None:
            validation = self._files.find(str(validation), key).id
        given = {
            name: body[name] for name in ("hyperparameters", "method", "metadata", "seed") if body.get(name) is not None
        }
        count, problem, learned = _read(file.data)
        now = self._provider.clock()
        return Job(
            "ftjob-" + self._provider.name(24, "fine-tuning", number), key, model, file.id, validation, suffix, _epochs(body), given,
            now, self._provider.settings.tuning_seconds, count, problem, learned,
        )  # fmt: skip

    def _find(self, request: Request, key: str) -> Job:
        """Raises Refusal for a job that is not there, or is another's."""
        id = request.path_params["job"]
        job = self._kept.get(id)
        if job is None or job.key != key:
            raise Refusal(404, "invalid_request_error", f"Could not find fine tune: {id}", param="fine_tune_id", code="fine_tune_not_found")  # fmt: skip
        self._finish(job)
        return job

    def _finish(self, job: Job) -> None:
        if job.ready or job.status(self._provider.clock()) != "succeeded":
            return
        job.ready = True
        self._provider.skills.tuned[job.name] = _skills(self._provider.skills, job)
        self._provider.bill.add(job.id, _PATH, job.model.id, Spent(prompt=job.tokens * job.epochs), tier="training")

    def _shown(self, job: Job) -> Json:
        self._finish(job)
        now = self._provider.clock()
        status = job.status(now)
        over = status in ("succeeded", "failed", "cancelled")
        done = status == "succeeded"
        hyper = {"n_epochs": job.epochs if job.share(now) >= _VALIDATED else "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}  # fmt: skip
        return {
            "object": "fine_tuning.job", "id": job.id, "model": job.model.name, "created_at": int(job.created),
            "finished_at": int(min(now, job.created + job.seconds)) if over else None,
            "fine_tuned_model": job.name if done else None, "organization_id": "org-simulator", "result_files": [],
            "status": status, "training_file": job.training_file, "validation_file": job.validation_file,
            "hyperparameters": hyper, "trained_tokens": job.tokens * job.epochs if done else None,
            "error": job.problem if status == "failed" else {}, "user_provided_suffix": job.suffix or None,
            "seed": job.given.get("seed", 0), "estimated_finish": None if over else int(job.created + job.seconds),
            "integrations": [], "metadata": job.given.get("metadata"),
            "method": job.given.get("method") or {"type": "supervised", "supervised": {"hyperparameters": hyper}},
        }  # fmt: skip


def _base(name: Any) -> Model:
    """The model that is to be trained further. Raises Refusal."""
    model = models.find(name, "openai") if not str(name).startswith("ft:") else None
    tunable = (
        model is not None
        and not model.embeds
        and model.id.startswith(("gpt-4o", "gpt-4.1"))
        and "audio" not in model.id
    )
    if model is None or not tunable:
        raise Refusal(
            400, "invalid_request_error", f"Model {name} is not available for fine-tuning or does not exist.", param="model",
            code="model_not_available",
        )  # fmt: skip
    return model


def _epochs(body: Json) -> int:
    """Raises Refusal."""
    method = body.get("method") or {}
    inner = method.get("supervised") or {} if isinstance(method, dict) else {}
    given = inner.get("hyperparameters") or body.get("hyperparameters") or {}
    epochs = given.get("n_epochs", "auto") if isinstance(given, dict) else "auto"
    if epochs == "auto":
        return DEFAULT_EPOCHS
    if not isinstance(epochs, int) or not 1 <= epochs <= 50:
        raise _bad("n_epochs must be 'auto' or a whole number from 1 to 50.", "hyperparameters.n_epochs")
    return epochs


def _read(data: bytes) -> tuple[int, Json | None, dict[str, tuple[int, float]]]:
    """Tokens of the file, what is wrong with it, and what can be learned from it."""
    count, lines = 0, [line for line in data.splitlines() if line.strip()]
    seen: dict[str, tuple[int, int]] = {}
    for number, line in enumerate(lines, 1):
        messages = _messages(line)
        if isinstance(messages, str):
            return 0, _problem("invalid_file_format", f"Invalid file format. Line {number}: {messages}"), {}
        count += sum(tokens.count(text) + 3 for _, text in messages) + 3
        prompt, said = messages[-2][1] if len(messages) > 1 else "", messages[-1][1]
        kind = tasks.kind_of(prompt)
        if kind is not None:
            examples, right = seen.get(kind, (0, 0))
            seen[kind] = examples + 1, right + bool(tasks.is_right(prompt, said))
    if len(lines) < LEAST_EXAMPLES:
        message = f"Training file has {len(lines)} example(s), but must have at least {LEAST_EXAMPLES} examples"
        return 0, _problem("invalid_n_examples", message), {}
    return count, None, {kind: (examples, right / examples) for kind, (examples, right) in seen.items()}


def _messages(line: bytes) -> list[tuple[str, str]] | str:
    """Role and text of each message; or what is wrong."""
    try:
        chat = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "it is no valid JSON."
    messages = chat.get("messages") if isinstance(chat, dict) else None
    if not isinstance(messages, list) or not messages:
        return 'it is missing key "messages".'
    found = []
    for message in messages:
        role, content = (message.get("role"), message.get("content")) if isinstance(message, dict) else (None, None)
        if role not in ("system", "developer", "user", "assistant", "tool") or not isinstance(content, str):
            return "a message without a role or a text."
        found.append((role, content))
    return found if found[-1][0] == "assistant" else "the last message must be from the assistant."


def _problem(code: str, message: str) -> Json:
    return {"code": code, "param": "training_file", "message": message}


def _skills(skills: tasks.Skills, job: Job) -> dict[str, float]:
    """What the model can do, by kind of task."""
    learned = {}
    for kind in tasks.KINDS:
        before = skills.of(job.model, kind)
        examples, right = job.learned.get(kind, (0, 0.0))
        if examples:
            learned[kind] = before + (right - before) * examples / (examples + HALF_WAY / job.epochs * DEFAULT_EPOCHS)
        else:
            learned[kind] = before - FORGOTTEN
    return learned


def _events(job: Job, now: float) -> list[Json]:
    """What was told so far, oldest first."""
    told: list[tuple[float, str, Json]] = [(0.0, f"Created fine-tuning job: {job.id}", {}), (0.0, f"Validating training file: {job.training_file}", {})]  # fmt: skip
    if job.problem is not None:
        told.append((_VALIDATED, f"The job failed due to an invalid training file. {job.problem['message']}", {}))
    else:
        told.append((_VALIDATED, "Files validated, moving job to queued state", {}))
        told.append((_STARTED, "Fine-tuning job started", {}))
        for step in range(1, _STEPS + 1):
            loss = round(2.0 / (1 + 0.6 * step), 3)
            at = _STARTED + (1 - _STARTED) * step / _STEPS
            told.append(
                (
                    at,
                    f"Step {step}/{_STEPS}: training loss={loss}",
                    {"step": step, "total_steps": _STEPS, "train_loss": loss},
                )
            )
        told.append((1.0, f"New fine-tuned model created: {job.name}", {}))
        told.append((1.0, "The job has successfully completed", {}))
    until = job.share(now if job.cancelled is None else job.cancelled)
    return [
        {
            "object": "fine_tuning.job.event", "id": f"ftevent-{job.id.removeprefix('ftjob-')}-{at:03d}",
            "created_at": int(job.created + share * job.seconds), "level": "info", "message": message, "data": data,
            "type": "metrics" if data else "message",
        }
        for at, (share, message, data) in enumerate(told) if share <= until
    ]  # fmt: skip


def _bad(message: str, param: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message, param=param)
