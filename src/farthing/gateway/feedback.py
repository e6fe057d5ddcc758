"""`POST /v1/farthing/feedback`: what people say of a call's answer. A key speaks of its own calls only, editors of
those of their tenant."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.bodies import read_body
from farthing.gateway.calls import own_call
from farthing.gateway.guard import Guard, Pass
from farthing.model.record import Record
from farthing.store import Ledger, Store


class Listener(Protocol):
    """Who learns from what people say."""

    async def take(self, record: Record, *, good: bool, score: float | None = None) -> int:
        """How many stored answers died of it."""


class Said(msgspec.Struct, forbid_unknown_fields=True):
    """The body. The score is kept with a verdict on a semantic hit; a comment is not: it could hold anything."""

    call_id: str
    verdict: Literal["good", "bad"]
    score: float | None = None
    comment: str = ""


def routes(store: Store, ledger: Ledger, guard: Guard, listeners: Sequence[Listener]) -> list[Route]:
    async def say(request: Request, entered: Pass) -> Response:
        said = await read_body(request, Said)
        record = await own_call(store, ledger, entered, said.call_id, "editor")
        good = said.verdict == "good"
        dropped = sum([await listener.take(record, good=good, score=said.score) for listener in listeners])
        return JSONResponse({"call_id": record.id, "verdict": said.verdict, "answers_dropped": dropped})

    return [guard.page("/v1/farthing/feedback", "POST", say)]
