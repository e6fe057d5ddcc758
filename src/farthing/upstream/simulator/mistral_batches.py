"""Mistral's `/v1/batch/jobs`: as OpenAI's batches, with a model for the whole, a time-out of its own, words of its own for
the states, and lists that are asked by metadata and time. Results are kept for a day."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.upstream.simulator import batches, http
from farthing.upstream.simulator.batches import ODD_WORD, Line, Lines, Progress
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.files import Files
from farthing.upstream.simulator.openai_batches import output
from farthing.upstream.simulator.play import Whole
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.wire import Json, Refusal, Wire

_PATH = "/v1/batch/jobs"
_LATE = {"code": "timeout_exceeded", "message": "The job ended before this request was worked."}
_WORDS = {
    "validating": "QUEUED", "in_progress": "RUNNING", "finalizing": "RUNNING", "completed": "SUCCESS", "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED", "cancelling": "CANCELLATION_REQUESTED", "cancelled": "CANCELLED",
}  # fmt: skip
_RUNNING = ("QUEUED", "RUNNING", "CANCELLATION_REQUESTED")


class Job(msgspec.Struct):
    id: str
    key: str
    endpoint: str
    model: str
    input_files: list[str]
    progress: Progress
    lines: Lines
    errors: list[Json]
    metadata: Json | None
    output_file: str | None = None
    error_file: str | None = None
    written: bool = False


class MistralBatches:
    def __init__(self, provider: Provider, files: Files, wires: Mapping[str, Wire]) -> None:
        """`wires` by endpoint: /v1/chat/completions, /v1/embeddings."""
        self._provider = provider
        self._files = files
        self._wires = wires
        self._kept: OrderedDict[str, Job] = OrderedDict()

    async def create(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        settings = self._provider.settings
        body, raw = await http.json_body(request, "openai", settings.max_body_bytes)
        plan = http.planned(self._provider, request, body, number, raw, "openai")
        batches.check(plan, "openai")
        endpoint, model, inputs = str(body.get("endpoint")), body.get("model"), body.get("input_files")
        if endpoint not in self._wires or not isinstance(model, str) or not isinstance(inputs, list) or not inputs:
            raise Refusal(422, "invalid_request_error", "endpoint, model and input_files are required.")
        rows = [row for id in inputs for row in self._files.find(str(id), key).data.splitlines() if row.strip()]
        lines, errors = _read(rows, model)
        if any(name.startswith("batch-fail") for name in plan.values):
            errors = [{"message": "The simulator was asked for this error.", "count": 1}]
        id = self._provider.name(32, "job", number).lower()
        progress = batches.progress(settings, model, number, plan, self._provider.clock())
        progress.invalid = bool(errors)
        hours = body.get("timeout_hours")
        if isinstance(hours, int):
            progress.window = min(progress.window, hours * 3600)
        work = Lines(self._provider, self._wires[endpoint], key, _PATH, id, [] if errors else lines, plan)
        job = Job(id, key, endpoint, model, inputs, progress, work, errors, body.get("metadata"))
        self._kept[job.id] = job
        while len(self._kept) > settings.kept:
            self._kept.popitem(last=False)
        reply = batches.accepted(plan, "openai")
        return Whole(200, {}, msgspec.json.encode(self._shown(job, progress.created)), plan=reply)

    async def show(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        return http.json_answer(await self._now(self._find(request, key)))

    async def cancel(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        job, now = self._find(request, key), self._provider.clock()
        if now < job.progress.ends and job.progress.cancelled is None:
            job.progress.cancelled = now
        return http.json_answer(await self._now(job))

    async def list(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "openai")
        query, now = request.query_params, self._provider.clock()
        try:
            page_no, size = int(query.get("page", "0")), int(query.get("page_size", "100"))
            since = datetime.fromisoformat(query["created_after"]).timestamp() if "created_after" in query else 0.0
        except ValueError as error:
            raise Refusal(422, "invalid_request_error", "page, page_size or created_after cannot be read.") from error
        mine = [
            job
            for job in reversed(self._kept.values())
            if job.key == key and job.progress.created >= since and query.get("model", job.model) == job.model
            and batches.listed(self._provider.settings, job.progress, now)
        ]  # fmt: skip
        shown = [await self._now(job) for job in mine[page_no * size : (page_no + 1) * size]]
        return http.json_answer({"object": "list", "data": shown, "total": len(mine)})

    async def advance(self) -> None:
        """Work all jobs up to now, whether anyone looks at them or not."""
        for job in list(self._kept.values()):
            await self._now(job)

    def _find(self, request: Request, key: str) -> Job:
        job = self._kept.get(request.path_params["job"])
        if job is None or job.key != key:
            raise Refusal(404, "invalid_request_error", f"No batch job {request.path_params['job']}.")
        return job

    async def _now(self, job: Job) -> Json:
        now = self._provider.clock()
        await job.lines.advance(job.progress.share(now))
        if now >= job.progress.ends and not job.written:
            job.written = True
            good, bad = output(job.id, job.lines, job.progress.plan, _LATE)
            job.lines.forget()
            job.output_file = self._file(job, "output", good)
            job.error_file = (
                None if job.progress.plan.has("batch-missing-error-file") else self._file(job, "error", bad)
            )
        return self._shown(job, now)

    def _file(self, job: Job, kind: str, rows: Iterable[bytes]) -> str | None:
        data = b"".join(rows)
        return self._files.add(f"{job.id}_{kind}.jsonl", "batch", data, job.key).id if data else None

    def _shown(self, job: Job, now: float) -> Json:
        progress, lines = job.progress, job.lines
        phase = progress.phase(now)
        word = _WORDS[phase]
        odd = progress.plan.get("batch-odd-state")
        over = word not in _RUNNING
        return {
            "id": job.id,
            "object": "batch",
            "input_files": job.input_files,
            "metadata": job.metadata,
            "endpoint": job.endpoint,
            "model": job.model,
            "output_file": job.output_file if over else None,
            "error_file": job.error_file if over else None,
            "errors": job.errors if word == "FAILED" else [],
            "status": ODD_WORD.upper() if odd is not None and (odd or not over) else word,
            "created_at": int(progress.created),
            "total_requests": lines.count,
            "completed_requests": lines.done,
            "succeeded_requests": lines.good,
            "failed_requests": lines.bad,
            "started_at": int(progress.started) if now >= progress.started else None,
            "completed_at": int(progress.ends) if over else None,
        }


def _read(rows: list[bytes], model: str) -> tuple[list[Line], list[Json]]:
    """The lines of the input, and what is wrong with them."""
    lines: list[Line] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        try:
            line: Any = msgspec.json.decode(row)
        except (msgspec.DecodeError, UnicodeDecodeError):
            line = None
        custom_id = line.get("custom_id") if isinstance(line, dict) else None
        body = line.get("body") if isinstance(line, dict) else None
        if not isinstance(custom_id, str) or not isinstance(body, dict) or custom_id in seen:
            return [], [{"message": f"line {number} cannot be used", "count": 1}]
        seen.add(custom_id)
        lines.append(Line(custom_id, {**body, "model": model}, b"simulate" in row))
    return lines, [] if lines else [{"message": "the input is empty", "count": 1}]
