"""The batch API of OpenAI, and of Azure OpenAI and Groq, who have the same. Their list is read from the newest on until it
is older than what is looked for."""

from typing import Any

import msgspec

from farthing.model.batch import JobError, Shard
from farthing.model.clock import SYSTEM, Clock
from farthing.upstream.batches.account import PAGE, SKEW_S
from farthing.upstream.batches.api import Told
from farthing.upstream.batches.asking import code_of, decoded, segment
from farthing.upstream.batches.filed import FiledAccount
from farthing.upstream.batches.looking import LAG_S
from farthing.upstream.providers import Provider

WINDOW = "24h"

ENDPOINTS: dict[str, dict[str, str]] = {
    "openai": {
        "openai.chat": "/v1/chat/completions", "openai.responses": "/v1/responses", "openai.embeddings": "/v1/embeddings"
    },
    "azure": {"openai.chat": "/chat/completions", "openai.responses": "/responses", "openai.embeddings": "/embeddings"},
    "groq": {"openai.chat": "/v1/chat/completions"},
}  # fmt: skip
"""Kind of provider -> wire -> how lines and batches name it there."""


class _Counts(msgspec.Struct):
    total: int = 0
    completed: int = 0
    failed: int = 0


class _Error(msgspec.Struct):
    code: str | None = None
    message: str | None = None
    line: int | None = None
    param: str | None = None


class _Errors(msgspec.Struct):
    data: list[_Error] | None = None


class _Batch(msgspec.Struct):
    """What of a batch is read; all may be missing but its id."""

    id: str
    status: str = ""
    input_file_id: str | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    created_at: int = 0
    expires_at: int | None = None
    request_counts: _Counts | None = None
    errors: _Errors | None = None
    metadata: dict[str, Any] | None = None


class _Page(msgspec.Struct):
    data: list[_Batch] = []
    has_more: bool = False


class OpenAIBatchApi(FiledAccount[_Batch]):
    """See `BatchApi`."""

    path = "/batches"
    around = 80

    def __init__(self, provider: Provider, kind: str, clock: Clock = SYSTEM, lag_s: float = LAG_S) -> None:
        """`kind`: openai, azure or groq."""
        self._endpoints = ENDPOINTS[kind]
        super().__init__(provider, kind, self._endpoints, _Batch, clock, lag_s)
        self.waits = kind == "azure"

    def _before_body(self, wire: str) -> bytes:
        return b',"method":"POST","url":"%b","body":' % self._endpoints[wire].encode()

    def _request(self, shard: Shard, file: str) -> dict[str, Any]:
        return {"input_file_id": file, "endpoint": self._endpoints[shard.wire], "completion_window": WINDOW}

    def _marks(self, batch: _Batch) -> dict[str, Any] | None:
        return batch.metadata

    async def _page(self, shard: Shard, cursor: str) -> tuple[list[_Batch], str]:
        after = f"&after={segment(cursor)}" if cursor else ""
        page = decoded(await self._asking.get(f"{self.path}?limit={PAGE}{after}"), _Page)
        oldest = shard.created_us // 1_000_000 - SKEW_S
        is_last = not page.has_more or not page.data or page.data[-1].created_at < oldest
        return page.data, "" if is_last else page.data[-1].id

    def _told(self, batch: _Batch) -> Told:
        counts = batch.request_counts or _Counts()
        errors = batch.errors.data if batch.errors is not None and batch.errors.data else []
        return Told(
            batch.status, batch.output_file_id or "", batch.error_file_id or "", counts.completed + counts.failed, counts.total,
            [_job_error(each) for each in errors], (batch.expires_at or 0) * 1_000_000, batch.input_file_id or "",
        )  # fmt: skip


def _job_error(error: _Error) -> JobError:
    message = error.message or ""
    return JobError(code_of(error.code or "", message), message, max(0, error.line or 0), error.param or "")
