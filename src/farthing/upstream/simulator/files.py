"""OpenAI's `/v1/files`: uploads and the output of batches, in memory, each seen by its own customer alone."""

from collections import OrderedDict

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from farthing.upstream.simulator import http
from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.provider import Provider
from farthing.upstream.simulator.wire import Json, Refusal

_BATCH_FILE_LIFE = 30 * 86_400
_MOST_BYTES = 512 * 1024 * 1024
"""Of all files together; the oldest go first."""
_PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")


class File(msgspec.Struct, frozen=True):
    id: str
    name: str
    purpose: str
    data: bytes
    created: float
    expires: float | None
    key: str

    def shown(self) -> Json:
        return {
            "object": "file",
            "id": self.id,
            "purpose": self.purpose,
            "filename": self.name,
            "bytes": len(self.data),
            "created_at": int(self.created),
            "expires_at": int(self.expires) if self.expires is not None else None,
            "status": "processed",
            "status_details": None,
        }


class Files:
    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._kept: OrderedDict[str, File] = OrderedDict()
        self._bytes = 0

    def add(self, name: str, purpose: str, data: bytes, key: str) -> File:
        now = self._provider.clock()
        expires = now + _BATCH_FILE_LIFE if purpose.startswith("batch") else None
        id = "file-" + self._provider.name(22, "file", self._provider.number())
        file = self._kept[id] = File(id, name, purpose, data, now, expires, key)
        self._bytes += len(data)
        while len(self._kept) > self._provider.settings.kept or (self._bytes > _MOST_BYTES and len(self._kept) > 1):
            self._forget(next(iter(self._kept)))
        return file

    def find(self, id: str, key: str) -> File:
        """Raises Refusal for a file that is not there, is another's or has expired."""
        file = self._kept.get(id)
        if file is None or file.key != key or (file.expires is not None and self._provider.clock() >= file.expires):
            raise Refusal(404, "invalid_request_error", f"No such File object: {id}", param="id")
        return file

    async def upload(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        raw = await http.raw_body(request, self._provider.settings.max_batch_bytes, "openai")
        fields = http.uploaded(raw, request.headers.get("content-type", ""))
        purpose = fields.get("purpose", ("", b""))[1].decode("utf-8", "replace")
        if purpose not in _PURPOSES:
            raise Refusal(400, "invalid_request_error", f"'{purpose}' is not one of {list(_PURPOSES)} - 'purpose'")
        if "file" not in fields:
            raise Refusal(400, "invalid_request_error", "'file' is a required property")
        name, data = fields["file"]
        if purpose == "batch" and not name.endswith(".jsonl"):
            raise Refusal(
                400, "invalid_request_error", f"Invalid file format for purpose batch: {name}. Must be .jsonl"
            )
        return http.json_answer(self.add(name, purpose, data, key).shown())

    async def list(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        purpose = request.query_params.get("purpose")
        mine = [file for file in self._kept.values() if file.key == key and purpose in (None, file.purpose)]
        if request.query_params.get("order") != "asc":
            mine.reverse()
        return http.json_answer({"object": "list", **http.page([file.shown() for file in mine], request, 10_000)})

    async def show(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        return http.json_answer(self.find(request.path_params["file"], key).shown())

    async def content(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        plan = http.looked(self._provider, request, number, "openai")
        return http.content(self.find(request.path_params["file"], key).data, plan, "application/octet-stream")

    async def delete(self, request: Request, key: str, number: int, plan: Plan) -> Response:
        file = self.find(request.path_params["file"], key)
        self._forget(file.id)
        return http.json_answer({"id": file.id, "object": "file", "deleted": True})

    def _forget(self, id: str) -> None:
        self._bytes -= len(self._kept.pop(id).data)
