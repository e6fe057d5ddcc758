"""OpenAI's `/v1/batches`: accepted at once, validated later, worked by the clock, answered in files."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.upstream.simulator import http, seeds
from farthing.upstream.simulator.batches import Line, Lines, Progress
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.files import Files
from farthing.upstream.simulator.play import Whole
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.wire import Json, Refusal, Wire

_MOST_LINES = 50_000
_MOST_NAMED_ERRORS = 100
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
    progress: Progress
    lines: Lines
    errors: list[Json]
    metadata: Json | None
    output_file: str | None = None
    error_file: str | None = None
    written: bool = False


class OpenAIBatches:
    def __init__(self, provider: Provider, files: Files, wires: Mapping[str, Wire]) -> None:
        """`wires` by endpoint, as batches name it: /v1/chat/completions, ..."""
        self._provider = provider
        self._files = files
        self._wires = wires
        self._kept: OrderedDict[str, Batch] = OrderedDict()

    async def create(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        body, raw = await http.json_body(request, "openai", self._provider.settings.max_body_bytes)
        plan = http.planned(self._provider, request, body, number, raw, "openai")
        wire = self._wires.get(str(body.get("endpoint")))
        if wire is None:
            raise _bad(
                f"Invalid value: '{body.get('endpoint')}'. Supported values are: {', '.join(self._wires)}.", "endpoint"
            )
        if body.get("completion_window") != "24h":
            raise _bad("Invalid value for 'completion_window'. Supported values are: '24h'.", "completion_window")
        file = self._files.find(str(body.get("input_file_id")), key)
        if file.purpose != "batch":
            raise _bad(f"Invalid file purpose: '{file.purpose}'. Expected 'batch'.", "input_file_id")
        endpoint = str(body["endpoint"])
        lines, errors = _read(file.data, endpoint)
        if plan.has("batch-fail"):
            message = "Enqueued token limit reached for the model. Please try again once some in_progress batches have "
            errors = [{"code": "token_limit_exceeded", "line": None, "param": None, "message": f"{message}completed."}]
        settings = self._provider.settings
        batch = Batch(
            id="batch_" + self._provider.name(32, "batch", number),
            key=key,
            endpoint=endpoint,
            input_file=file.id,
            progress=Progress(self._provider.clock(), settings.batch_seconds, plan, invalid=bool(errors)),
            lines=Lines(self._provider, wire, key, "/v1/batches", [] if errors else lines),
            errors=errors,
            metadata=body.get("metadata"),
        )
        self._kept[batch.id] = batch
        while len(self._kept) > settings.kept:
            self._kept.popitem(last=False)
        return Whole(200, {}, msgspec.json.encode(self._shown(batch, batch.progress.created)), plan=plan)

    async def show(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        return http.json_answer(await self._now(self._find(request, key)))

    async def cancel(self, request: Request, key: str, number: int, plan: Plan) -> Response:
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
        mine = [await self._now(batch) for batch in reversed(list(self._kept.values())) if batch.key == key]
        return http.json_answer({"object": "list", **http.page(mine, request, 100)})

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
        done = batch.lines.all[: batch.lines.done]
        undone = batch.lines.all[batch.lines.done :]
        good = [_output(batch, line) for line in done if line.status == 200]
        bad = [_output(batch, line) for line in done if line.status != 200]
        late = _TOO_LATE_CANCELLED if cancelled else _TOO_LATE
        bad += [{**_output(batch, line), "response": None, "error": late} for line in undone]
        seeds.dice(batch.id, "order").shuffle(good)
        batch.output_file = self._file(batch, "output", good)
        batch.error_file = self._file(batch, "error", bad)
        if batch.error_file is None and batch.progress.plan.has("batch-empty-error-file"):
            batch.error_file = ""

    def _file(self, batch: Batch, kind: str, lines: Iterable[Json]) -> str | None:
        data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        return self._files.add(f"{batch.id}_{kind}.jsonl", "batch_output", data, batch.key).id if data else None

    def _shown(self, batch: Batch, now: float) -> Json:
        progress, lines = batch.progress, batch.lines
        phase = progress.phase(now)

        def when(moment: float, *phases: str) -> int | None:
            return int(moment) if phase in phases else None

        over = ("completed", "expired", "cancelled")
        models = {str(line.body.get("model")) for line in lines.all}
        return {
            "id": batch.id,
            "object": "batch",
            "endpoint": batch.endpoint,
            "model": models.pop() if len(models) == 1 else None,
            "errors": {"object": "list", "data": batch.errors} if phase == "failed" else None,
            "input_file_id": batch.input_file,
            "completion_window": "24h",
            "status": phase,
            "output_file_id": batch.output_file if phase in over else None,
            "error_file_id": batch.error_file if phase in over else None,
            "created_at": int(progress.created),
            "in_progress_at": when(progress.started, "in_progress", "finalizing", "cancelling", *over),
            "expires_at": int(progress.expires),
            "finalizing_at": when(progress.worked, "finalizing", "completed"),
            "completed_at": when(progress.ends, "completed"),
            "failed_at": when(progress.ends, "failed"),
            "expired_at": when(progress.ends, "expired"),
            "cancelling_at": int(progress.cancelled) if progress.cancelled is not None else None,
            "cancelled_at": when(progress.ends, "cancelled"),
            "request_counts": {
                "total": len(lines.all),
                "completed": lines.count(lambda line: line.status == 200),
                "failed": lines.count(lambda line: line.status != 200)
                + (phase == "expired") * (len(lines.all) - lines.done),
            },
            "metadata": batch.metadata,
            "usage": _usage(lines) if phase in over else None,
        }


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
    lines.append(Line(custom_id, body))
    return None


def _wrong(code: str, message: str, param: str | None = None) -> Json:
    return {"code": code, "line": None, "message": message, "param": param}


def _output(batch: Batch, line: Line) -> Json:
    request = "req_" + seeds.name(24, batch.id, line.custom_id)
    return {
        "id": "batch_req_" + seeds.name(24, batch.id, line.custom_id, "line"),
        "custom_id": line.custom_id,
        "response": {"status_code": line.status, "request_id": request, "body": line.answer},
        "error": None,
    }


def _usage(lines: Lines) -> Json:
    def total(unit: str) -> int:
        return sum(line.spent.get(unit, 0) for line in lines.all)

    return {
        "input_tokens": total("prompt"),
        "input_tokens_details": {"cached_tokens": total("cache_read")},
        "output_tokens": total("output"),
        "output_tokens_details": {"reasoning_tokens": total("reasoning")},
        "total_tokens": total("prompt") + total("output"),
    }


def _bad(message: str, param: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message, param=param, code="invalid_value")
