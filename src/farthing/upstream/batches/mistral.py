"""Mistral's batch jobs. Their list is asked for those since a moment, page by page; results are kept for a day only."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from farthing.model.batch import JobError, Shard
from farthing.model.clock import SYSTEM, Clock
from farthing.upstream.batches.account import PAGE, SKEW_S
from farthing.upstream.batches.api import Told
from farthing.upstream.batches.asking import decoded
from farthing.upstream.batches.filed import FiledAccount
from farthing.upstream.batches.looking import LAG_S
from farthing.upstream.providers import Provider

HOURS = 24
ENDPOINTS = {"openai.chat": "/v1/chat/completions", "openai.embeddings": "/v1/embeddings"}


class _Error(msgspec.Struct):
    message: str = ""
    count: int = 1


class _Job(msgspec.Struct):
    """What of a job is read; all may be missing but its id."""

    id: str
    status: str = ""
    input_files: list[str] = []
    metadata: dict[str, Any] | None = None
    output_file: str | None = None
    error_file: str | None = None
    errors: list[_Error] | None = None
    created_at: int = 0
    total_requests: int = 0
    completed_requests: int = 0


class _Page(msgspec.Struct):
    data: list[_Job] | None = None
    total: int = 0


class MistralBatchApi(FiledAccount[_Job]):
    """See `BatchApi`."""

    path = "/batch/jobs"

    def __init__(self, provider: Provider, clock: Clock = SYSTEM, lag_s: float = LAG_S) -> None:
        super().__init__(provider, "mistral", ENDPOINTS, _Job, clock, lag_s)

    def _before_body(self, wire: str) -> bytes:
        return b',"body":'

    def _request(self, shard: Shard, file: str) -> dict[str, Any]:
        return {
            "input_files": [file], "endpoint": ENDPOINTS[shard.wire], "model": shard.model, "timeout_hours": HOURS
        }  # fmt: skip

    def _marks(self, batch: _Job) -> dict[str, Any] | None:
        return batch.metadata

    async def _page(self, shard: Shard, cursor: str) -> tuple[list[_Job], str]:
        number = int(cursor or 0)
        since = datetime.fromtimestamp(shard.created_us // 1_000_000 - SKEW_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        path = f"{self.path}?page={number}&page_size={PAGE}&created_after={since}"
        page = decoded(await self._asking.get(path), _Page)
        jobs = page.data or []
        is_last = not jobs or number * PAGE + len(jobs) >= page.total
        return jobs, "" if is_last else f"{number + 1}"

    def _told(self, batch: _Job) -> Told:
        window_end_us = (batch.created_at + HOURS * 3600) * 1_000_000 if batch.created_at else 0
        return Told(
            batch.status, batch.output_file or "", batch.error_file or "", batch.completed_requests, batch.total_requests,
            [JobError("", each.message) for each in batch.errors or []], window_end_us, next(iter(batch.input_files), ""),
        )  # fmt: skip
