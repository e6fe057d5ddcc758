"""OpenAI's `/v1/batches`: accepted at once, validated later, worked by the clock, answered in files. Azure OpenAI has the
same under other names, and without an end of the window."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.upstream.simulator import batches, http, seeds
from farthing.upstream.simulator.batches import ODD_WORD, Line, Lines, Phase, Progress
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.files import Files
from farthing.upstream.simulator.play import Whole
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.wire import Json, Refusal, Wire

Errors = list[Json]

_MOST_LINES = 50_000
_MOST_NAMED_ERRORS = 100
_BYTES_PER_TOKEN = 4
_OVER = ("completed", "expired", "cancelled")
_TOO_LATE = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}
_TOO_LATE_CANCELLED = {
    "code": "batch_cancelled",
    "message": "This request was not executed before the batch was cancelled.",
}


class Batch(msgspec.Struct):
    id: str
    key: str
    endpoint: str
    input_file: str
    model: str | None
    """The only one; None where its lines name several, or none could be read."""
    tokens: int
    """Of its input."""
    progress: Progress
    lines: Lines
    errors: Errors
    metadata: Json | None
    output_file: str | None = None
    error_file: str | None = None
    written: bool = False


class OpenAIBatches:
    def __init__(
        self, provider: Provider, files: Files, wires: Mapping[str, Wire], *, path: str = "/v1/batches", expires: bool = True
    ) -> None:  # fmt: skip
        """`wires` by endpoint, as batches name it: /v1/chat/completions, ..."""
        self._provider = provider
        self._files = files
        self._wires = wires
        self._path = path
        self._expires = expires
        self._kept: OrderedDict[str, Batch] = OrderedDict()

    async def create(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        body, raw = await http.json_body(request, "openai", self._provider.settings.max_body_bytes)
        plan = http.planned(self._provider, request, body, number, raw, "openai")
        batches.check(plan, "openai")
        endpoint = str(body.get("endpoint"))
        if endpoint not in self._wires:
            raise _bad(f"Invalid value: '{endpoint}'. Supported values are: {', '.join(self._wires)}.", "endpoint")
        if body.get("completion_window") != "24h":
            raise _bad("Invalid value for 'completion_window'. Supported values are: '24h'.", "completion_window")
        file = self._files.find(str(body.get("input_file_id")), key)
        if file.purpose != "batch":
            raise _bad(f"Invalid file purpose: '{file.purpose}'. Expected 'batch'.", "input_file_id")
        batch = self._batch(key, number, plan, endpoint, file.id, file.data, body.get("metadata"))
        self._kept[batch.id] = batch
        while len(self._kept) > self._provider.settings.kept:
            self._kept.popitem(last=False)
        reply = batches.accepted(plan, "openai")
        return Whole(200, {}, msgspec.json.encode(self._shown(batch, batch.progress.created)), plan=reply)

    async def show(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        return http.json_answer(await self._now(self._find(request, key)))

    async def cancel(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        batch = self._find(request, key)
        now = self._provider.clock()
        if now >= batch.progress.ends:
            raise Refusal(
                409, "invalid_request_error", f"Cannot cancel a batch with status '{batch.progress.phase(now)}'."
            )
        if batch.progress.cancelled is None:
            batch.progress.cancelled = now
        return http.json_answer(await self._now(batch))

    async def list(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        now = self._provider.clock()
        mine = [
            batch
            for batch in reversed(self._kept.values())
            if batch.key == key and batches.listed(self._provider.settings, batch.progress, now)
        ]
        page = http.page([{"id": batch.id} for batch in mine], request, 100)
        page["data"] = [await self._now(self._kept[one["id"]]) for one in page["data"]]
        return http.json_answer({"object": "list", **page})

    async def advance(self) -> None:
        """Work all batches up to now, whether anyone looks at them or not."""
        for batch in list(self._kept.values()):
            await self._now(batch)

    def _batch(
        self, key: str, number: int, plan: Plan, endpoint: str, input_file: str, data: bytes, metadata: Json | None
    ) -> Batch:  # fmt: skip
        provider = self._provider
        now = provider.clock()
        lines, errors = _read(data, endpoint)
        names = {str(line.body.get("model")) for line in lines}
        model = names.pop() if len(names) == 1 else None
        tokens = len(data) // _BYTES_PER_TOKEN
        errors = _wanted_error(plan) or errors or self._too_many_tokens(key, model, tokens, now)
        id = "batch_" + provider.name(32, "batch", number)
        progress = batches.progress(provider.settings, model or "", number, plan, now, expires=self._expires)
        progress.invalid = bool(errors)
        kept = [] if errors else lines
        wire = self._wires[endpoint]
        work = Lines(provider, wire, key, self._path, id, kept, plan)
        return Batch(id, key, endpoint, input_file, model, tokens, progress, work, errors, metadata)

    def _too_many_tokens(self, key: str, model: str | None, tokens: int, now: float) -> Errors:
        limits = self._provider.settings.batch_enqueued_tokens
        limit = limits.get(model or "", limits.get("", 0))
        if not limit:
            return []
        queued = sum(
            batch.tokens
            for batch in self._kept.values()
            if batch.key == key and batch.model == model and not batch.errors and now < batch.progress.ends
        )
        if queued + tokens <= limit:
            return []
        return [
            _wrong(
                "token_limit_exceeded",
                f"Enqueued token limit reached for {model} in organization org-simulator. Limit: {limit:,} enqueued tokens. "
                "Please try again once some in_progress batches have been completed.",
            )
        ]

    def _find(self, request: Request, key: str) -> Batch:
        batch = self._kept.get(request.path_params["batch"])
        if batch is None or batch.key != key:
            raise Refusal(404, "invalid_request_error", f"No batch found with id '{request.path_params['batch']}'.")
        return batch

    async def _now(self, batch: Batch) -> Json:
        """The batch as it stands; its lines are worked up to now, its files written once it is over."""
        now = self._provider.clock()
        await batch.lines.advance(batch.progress.share(now))
        if now >= batch.progress.ends and not batch.written:
            batch.written = True
            self._write_files(batch, batch.progress.phase(now) == "cancelled")
        return self._shown(batch, now)

    def _write_files(self, batch: Batch, cancelled: bool) -> None:
        late = _TOO_LATE_CANCELLED if cancelled else _TOO_LATE
        good, bad = output(batch.id, batch.lines, batch.progress.plan, late)
        batch.lines.forget()
        plan = batch.progress.plan
        batch.output_file = self._file(batch, "output", good)
        batch.error_file = None if plan.has("batch-missing-error-file") else self._file(batch, "error", bad)
        if batch.error_file is None and plan.has("batch-empty-error-file"):
            batch.error_file = ""

    def _file(self, batch: Batch, kind: str, rows: Iterable[bytes]) -> str | None:
        data = b"".join(rows)
        return self._files.add(f"{batch.id}_{kind}.jsonl", "batch_output", data, batch.key).id if data else None

    def _shown(self, batch: Batch, now: float) -> Json:
        progress, lines = batch.progress, batch.lines
        phase = progress.phase(now)

        def when(moment: float, *phases: str) -> int | None:
            return int(moment) if phase in phases else None

        over = phase in _OVER
        expires = progress.expires if self._expires else progress.created + 86_400
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.endpoint,
            "model": batch.model,
            "errors": {"object": "list", "data": batch.errors} if phase == "failed" else None,
            "input_file_id": batch.input_file,
            "completion_window": "24h",
            "status": _word(phase, progress.plan),
            "output_file_id": batch.output_file if over else None,
            "error_file_id": batch.error_file if over else None,
            "created_at": int(progress.created),
            "in_progress_at": when(progress.started, "in_progress", "finalizing", "cancelling", *_OVER),
            "expires_at": int(expires),
            "finalizing_at": when(progress.worked, "finalizing", "completed"),
            "completed_at": when(progress.ends, "completed"),
            "failed_at": when(progress.ends, "failed"),
            "expired_at": when(progress.ends, "expired"),
            "cancelling_at": int(progress.cancelled) if progress.cancelled is not None else None,
            "cancelled_at": when(progress.ends, "cancelled"),
            "request_counts": {
                "total": lines.count,
                "completed": lines.good,
                "failed": lines.bad + (phase == "expired") * (lines.count - lines.done),
            },
            "metadata": batch.metadata,
            "usage": _usage(lines) if over else None,
        }


def output(id: str, lines: Lines, plan: Plan, late: Json) -> tuple[list[bytes], list[bytes]]:
    """The rows of the output file and of the error file, as OpenAI and Mistral write them. `late` is said of lines that were
    not done."""
    good: list[bytes] = []
    bad: list[bytes] = []
    for at, line in enumerate(lines.all):
        row: Json = {
            "id": f"batch_req_{id[-12:]}{at:08x}",
            "custom_id": line.custom_id,
            "response": None,
            "error": None,
        }
        if at >= lines.done:
            bad.append(_row({**row, "error": late}))
        elif line.fate == "":
            row["response"] = {
                "status_code": line.status, "request_id": f"req_{id[-12:]}{at:08x}", "body": line.answer
            }  # fmt: skip
            (good if line.status == 200 else bad).append(_row(row))
        elif line.fate == "no-status":
            good.append(_row({**row, "response": {"status_code": 0, "request_id": None, "body": None}}))
    good += good[: int(plan.get("batch-twice") or 0)]
    good += [b'{"id": "batch_req_broken", "custom_id": \n'] * int(plan.get("batch-bad-lines") or 0)
    seeds.dice(id, "order").shuffle(good)
    return good, bad


def _row(row: Json) -> bytes:
    return msgspec.json.encode(row) + b"\n"


def _word(phase: Phase, plan: Plan) -> str:
    odd = plan.get("batch-odd-state")
    if odd is not None and (odd or phase not in (*_OVER, "failed")):
        return ODD_WORD
    if plan.has("batch-other-spelling"):
        return {"cancelling": "canceling", "cancelled": "canceled"}.get(phase, phase)
    return phase


def _wanted_error(plan: Plan) -> Errors:
    """The error of a validation that shall fail."""
    wanted = next((name for name in plan.values if name.startswith("batch-fail")), "")
    if wanted == "batch-fail":
        message = "Enqueued token limit reached for the model. Please try again once some in_progress batches have "
        return [_wrong("token_limit_exceeded", f"{message}completed.")]
    code = wanted.removeprefix("batch-fail-").replace("-", "_")
    return [_wrong(code, "The simulator was asked for this error.")] if code else []


def _read(data: bytes, endpoint: str) -> tuple[list[Line], list[Json]]:
    """The lines of an input file, and what is wrong with them."""
    rows = data.splitlines()
    if not data.strip():
        return [], [_wrong("empty_file", "The input file is empty.")]
    if len(rows) > _MOST_LINES:
        return [], [
            _wrong("too_many_tasks", f"The input file has {len(rows)} lines; at most {_MOST_LINES} are allowed.")
        ]
    lines: list[Line] = []
    errors: list[Json] = []
    seen: set[str] = set()
    models: set[Any] = set()
    for number, row in enumerate(rows, 1):
        if not row.strip():
            continue
        wrong = _add(row, endpoint, seen, models, lines)
        if wrong is not None:
            errors.append({**wrong, "line": number})
    return lines, errors[:_MOST_NAMED_ERRORS]


def _add(row: bytes, endpoint: str, seen: set[str], models: set[Any], lines: list[Line]) -> Json | None:
    """Add a line; returns what is wrong with it."""
    try:
        line = msgspec.json.decode(row)
    except (msgspec.DecodeError, UnicodeDecodeError):
        line = None
    if not isinstance(line, dict):
        return _wrong("invalid_json_line", "This line is not parseable as valid JSON.")
    custom_id, body = line.get("custom_id"), line.get("body")
    if not isinstance(custom_id, str) or line.get("method") != "POST" or not isinstance(body, dict):
        missing = (
            "custom_id" if not isinstance(custom_id, str) else "method" if line.get("method") != "POST" else "body"
        )
        return _wrong("missing_required_parameter", f"Missing required parameter: '{missing}'.", missing)
    if line.get("url") != endpoint:
        return _wrong(
            "url_mismatch", f"The URL provided for this request does not match the batch endpoint {endpoint}.", "url"
        )
    if custom_id in seen:
        return _wrong("duplicate_custom_id", f"The custom_id '{custom_id}' was already used.", "custom_id")
    seen.add(custom_id)
    models.add(str(body.get("model")))
    if len(models) > 1:
        models.discard(str(body.get("model")))
        return _wrong("model_mismatch", "All requests of a batch must be for the same model.", "body.model")
    lines.append(Line(custom_id, body, b"simulate" in row))
    return None


def _wrong(code: str, message: str, param: str | None = None) -> Json:
    return {"code": code, "line": None, "message": message, "param": param}


def _usage(lines: Lines) -> Json:
    spent = lines.spent
    return {
        "input_tokens": spent["prompt"],
        "input_tokens_details": {"cached_tokens": spent["cache_read"]},
        "output_tokens": spent["output"],
        "output_tokens_details": {"reasoning_tokens": spent["reasoning"]},
        "total_tokens": spent["prompt"] + spent["output"],
    }


def _bad(message: str, param: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message, param=param, code="invalid_value")
