"""Anthropic's `/v1/messages/batches`: checked when it is worked, counted when it is over, answered as JSON lines."""

import re
from collections import OrderedDict
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.upstream.simulator import batches, http, seeds
from farthing.upstream.simulator.batches import ODD_WORD, Line, Lines, Progress
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.play import Whole
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.rate_limits import moment
from farthing.upstream.simulator.wire import Json, Refusal, Wire

_MOST_LINES = 100_000
_CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KEPT_RESULTS = 29 * 86_400
"""Seconds from the creation of a batch."""


class Batch(msgspec.Struct):
    id: str
    key: str
    progress: Progress
    lines: Lines
    written: bytes | None = None
    """Its results, once they were asked for."""


class AnthropicBatches:
    def __init__(self, provider: Provider, wire: Wire) -> None:
        self._provider = provider
        self._wire = wire
        self._kept: OrderedDict[str, Batch] = OrderedDict()

    async def create(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        raw = await http.raw_body(request, self._provider.settings.max_batch_bytes, "anthropic")
        body = http.decoded(raw, "anthropic")
        plan = http.planned(self._provider, request, body, number, raw, "anthropic")
        batches.check(plan, "anthropic")
        lines = _read(body.get("requests"), b"simulate" in raw)
        settings = self._provider.settings
        id = "msgbatch_01" + self._provider.name(22, "batch", number)
        batch = Batch(
            id,
            key,
            batches.progress(settings, str(lines[0].body.get("model")), number, plan, self._provider.clock()),
            Lines(self._provider, self._wire, key, "/v1/messages/batches", id, lines, plan),
        )
        self._kept[batch.id] = batch
        while len(self._kept) > settings.kept:
            self._kept.popitem(last=False)
        reply = batches.accepted(plan, "anthropic")
        shown = self._shown(batch, batch.progress.created, request)
        return Whole(200, {}, msgspec.json.encode(shown), plan=reply)

    async def show(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "anthropic")
        return http.json_answer(await self._now(self._find(request, key), request))

    async def list(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "anthropic")
        now = self._provider.clock()
        mine = [
            batch
            for batch in reversed(self._kept.values())
            if batch.key == key and batches.listed(self._provider.settings, batch.progress, now)
        ]
        page = http.page([{"id": batch.id} for batch in mine], request, 1000)
        page["data"] = [await self._now(self._kept[one["id"]], request) for one in page["data"]]
        return http.json_answer(page)

    async def advance(self) -> None:
        """Work all batches up to now, whether anyone looks at them or not."""
        for batch in list(self._kept.values()):
            await batch.lines.advance(batch.progress.share(self._provider.clock()))

    async def cancel(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        http.looked(self._provider, request, number, "anthropic")
        batch = self._find(request, key)
        now = self._provider.clock()
        if now < batch.progress.ends and batch.progress.cancelled is None:
            batch.progress.cancelled = now
        return http.json_answer(await self._now(batch, request))

    async def delete(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        batch = self._find(request, key)
        if self._provider.clock() < batch.progress.ends:
            raise Refusal(
                400, "invalid_request_error", "A batch that is in progress cannot be deleted; cancel it first."
            )
        del self._kept[batch.id]
        return http.json_answer({"id": batch.id, "type": "message_batch_deleted"})

    async def results(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        batch = self._find(request, key)
        now = self._provider.clock()
        if now < batch.progress.ends or now >= batch.progress.created + _KEPT_RESULTS:
            raise Refusal(404, "not_found_error", f"The results of batch {batch.id} are not available.")
        await batch.lines.advance(batch.progress.share(now))
        if batch.written is None:
            batch.written = b"".join(_results(batch))
            batch.lines.forget()
        return http.content(
            batch.written, http.looked(self._provider, request, number, "anthropic"), "application/x-jsonl"
        )

    def _find(self, request: Request, key: str) -> Batch:
        batch = self._kept.get(request.path_params["batch"])
        if batch is None or batch.key != key:
            raise Refusal(404, "not_found_error", f"Message batch {request.path_params['batch']} not found.")
        return batch

    async def _now(self, batch: Batch, request: Request) -> Json:
        now = self._provider.clock()
        await batch.lines.advance(batch.progress.share(now))
        return self._shown(batch, now, request)

    def _shown(self, batch: Batch, now: float, request: Request) -> Json:
        progress, lines = batch.progress, batch.lines
        over = now >= progress.ends
        counts = {"processing": lines.count, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
        if over:
            undone = lines.count - lines.done
            counts = {
                "processing": 0,
                "succeeded": lines.good,
                "errored": lines.bad,
                "canceled": undone if progress.cancelled is not None else 0,
                "expired": undone if progress.cancelled is None else 0,
            }
        url = f"{str(request.base_url).rstrip('/')}/v1/messages/batches/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": _word(over, progress),
            "request_counts": counts,
            "created_at": moment(progress.created),
            "expires_at": moment(progress.expires),
            "ended_at": moment(progress.ends) if over else None,
            "cancel_initiated_at": moment(progress.cancelled) if progress.cancelled is not None else None,
            "archived_at": moment(progress.created + _KEPT_RESULTS)
            if now >= progress.created + _KEPT_RESULTS
            else None,
            "results_url": url if over else None,
        }


def _read(requests: Any, marked: bool) -> list[Line]:
    """The lines that were sent. Only their frame is checked now. Raises Refusal."""
    if not isinstance(requests, list) or not requests:
        raise _bad("requests: Field required" if requests is None else "requests: List should have at least 1 item")
    if len(requests) > _MOST_LINES:
        raise _bad(f"requests: List should have at most {_MOST_LINES} items")
    lines, seen = [], set()
    for at, one in enumerate(requests):
        custom_id = one.get("custom_id") if isinstance(one, dict) else None
        if not isinstance(custom_id, str) or not _CUSTOM_ID.fullmatch(custom_id):
            raise _bad(f"requests.{at}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        if custom_id in seen:
            raise _bad(f"requests.{at}.custom_id: '{custom_id}' is not unique")
        if not isinstance(one.get("params"), dict):
            raise _bad(f"requests.{at}.params: Field required")
        seen.add(custom_id)
        lines.append(Line(custom_id, one["params"], marked))
    return lines


def _word(over: bool, progress: Progress) -> str:
    odd = progress.plan.get("batch-odd-state")
    if odd is not None and (odd or not over):
        return ODD_WORD
    if over:
        return "ended"
    if progress.cancelled is None:
        return "in_progress"
    return "cancelling" if progress.plan.has("batch-other-spelling") else "canceling"


def _results(batch: Batch) -> list[bytes]:
    """Its rows, in no order."""
    lines, plan = batch.lines, batch.progress.plan
    undone = {"type": "canceled" if batch.progress.cancelled is not None else "expired"}
    rows = [
        msgspec.json.encode({"custom_id": line.custom_id, "result": _result(line) if at < lines.done else undone})
        + b"\n"
        for at, line in enumerate(lines.all)
        if line.fate != "lost"
    ]
    rows += rows[: int(plan.get("batch-twice") or 0)]
    rows += [b'{"custom_id": \n'] * int(plan.get("batch-bad-lines") or 0)
    seeds.dice(batch.id, "order").shuffle(rows)
    return rows


def _result(line: Line) -> Json:
    if line.fate == "no-status":
        return {"type": "unheard_of"}
    if line.status == 200:
        return {"type": "succeeded", "message": line.answer}
    return {"type": "errored", "error": line.answer}


def _bad(message: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message)
