"""Every case of `cases/`, to the nano-dollar: as a whole answer, and as a stream in every shape and in reads of any size.

A case of a wire that the gateway serves passes meter, relay and format, and ends as the record that the ledger gets. One
of another wire is read as a recorded body and priced by the same code.
"""

import asyncio
import json
import time
from typing import Any

import msgspec
import pytest

from farthing.model.call import Body, Call, Deployment
from farthing.model.errors import UpstreamError
from farthing.model.record import Attempt, Record
from farthing.pipeline import chain
from farthing.prices import Contract, PriceBook, shipped_files
from farthing.prices.card import CardFile
from farthing.settings import ProviderSettings
from farthing.steps import admit, meter
from farthing.upstream.providers import Provider, Providers
from farthing.upstream.relay import Relay, take_reading
from farthing.wire import FORMATS, read_recorded

from .recording import Case, Playback, load_cases, streams_of

ALL = load_cases()
SERVED = [case for case in ALL if case.wire in FORMATS]
RECORDED = [case for case in ALL if case.wire not in FORMATS]
WHOLE = [case for case in SERVED if case.answer is not None]
STREAMS = [pytest.param(case, data, id=f"{case.id}-{name}") for case in SERVED for name, data in streams_of(case)]
SHIPPED = shipped_files()

HOSTS = {"google": "gemini", "x-ai": "xai"}


class Rows:
    """A ledger with room, that keeps what it is given, and a journal that nobody reads."""

    full = False

    def __init__(self) -> None:
        self.records: list[Record] = []

    def put(self, record: Record) -> None:
        self.records.append(record)

    async def room(self, patience_s: float) -> bool:
        return True

    def open(self, record: Record) -> None: ...


def test_there_are_enough_cases_and_each_is_told_apart() -> None:
    assert len(ALL) >= 60
    assert len({case.id for case in ALL}) == len(ALL)
    assert {f"G{n:02}" for n in range(1, 49)} <= {case.id.partition("-")[0] for case in ALL}
    assert {f"P{n:02}" for n in range(1, 25)} <= {case.id.partition("-")[0] for case in ALL}


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.id)
def test_a_case_says_where_its_figure_comes_from(case: Case) -> None:
    assert case.source
    assert case.wrong is None or case.wrong != case.expect.nano, "a peer's mistake that is no mistake proves nothing"


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.id)
async def test_a_whole_answer_costs_what_it_should(case: Case) -> None:
    check(case, await passed(case, json.dumps(case.answer).encode(), stream=False))


@pytest.mark.parametrize("size", [1 << 20, 997, 7])
@pytest.mark.parametrize(("case", "data"), STREAMS)
async def test_a_stream_costs_what_it_should(case: Case, data: bytes, size: int) -> None:
    if size == 7 and len(data) > 50_000:
        size = 101  # the same law, sooner
    check(
        case,
        await passed(case, data, stream=True, size=size),
        "broken" if case.breaks else "left" if case.leaves and case.expect.state == "estimated" else "ok",
    )


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.id)
def test_a_recorded_body_costs_what_it_should(case: Case) -> None:
    call = call_of(case, stream=False)
    for body in case.bodies or [case.answer]:
        attempt = Attempt(no=1, provider="it", model=case.model, status=200, started_us=case.at_us)
        call.trail.attempts.append(attempt)
        take_reading(attempt, call.trail.attempts, read_recorded(case.wire, json.dumps(body).encode()))
        attempt.tier = case.tier or attempt.tier
        attempt.geo = case.geo or attempt.geo
    record = Record(id="it", started_us=case.at_us, wire=case.wire, attempts=call.trail.attempts)
    for attempt in record.attempts:
        admit.price(attempt, book_of(case), call.deployment)
    meter.total(record)
    check(case, record)


async def passed(case: Case, content: bytes, *, stream: bool, size: int = 1 << 20) -> Record:
    """The record of a call whose provider answers with `content`."""
    rows = Rows()
    call = call_of(case, stream=stream)
    client = Playback(content, event_stream=stream, size=size, breaks=case.breaks, silent=case.leaves)
    settings = ProviderSettings(
        kind=case.host or HOSTS.get(case.provider, case.provider), base_url="http://provider.test/v1",
        prices=case.provider, formats=[case.wire],
    )  # fmt: skip
    relay = Relay(Providers({"it": Provider("it", settings, client)}, {}))
    steps = [meter.Meter(rows), admit.Admit(book_of(case), rows, allow_unpriced=True)]
    answer = await chain(steps, relay)(call)
    if answer.stream is not None:
        reader = asyncio.create_task(read_to_the_end(answer.stream))
        if case.leaves:
            await client.answer.through.wait()
            answer.stream.leave()
            client.answer.closed.set()
        assert await reader == (case.breaks or (case.leaves and case.expect.state == "estimated"))
    (record,) = rows.records
    return record


async def read_to_the_end(body: Body) -> bool:
    """Whether the stream broke off."""
    try:
        while await body.next():
            pass
    except UpstreamError:
        return True
    return False


def call_of(case: Case, *, stream: bool) -> Call:
    format = FORMATS.get(case.wire)
    wanted: dict[str, Any] = {"model": case.model, **_ASKED.get(case.wire, {}), **case.request}
    if stream:
        wanted["stream"] = True
    body = json.dumps(wanted).encode()
    call = Call(
        id="it", wire=case.wire, headers={}, peer="127.0.0.1", body=body,
        ask=(format or FORMATS["openai.chat"]).ask(body if format else b'{"model": "m", "messages": []}'),
        started_us=case.at_us, started=time.perf_counter(),
    )  # fmt: skip
    call.deployment = Deployment("it", "it", case.model, case.provider)
    return call


_ASKED: dict[str, dict[str, Any]] = {
    "openai.chat": {"messages": [{"role": "user", "content": "Say ok."}]},
    "openai.responses": {"input": "Say ok."},
    "openai.embeddings": {"input": "Say ok."},
    "anthropic.messages": {"messages": [{"role": "user", "content": "Say ok."}], "max_tokens": 4096},
}


def book_of(case: Case) -> PriceBook:
    own = []
    if case.rates is not None:
        prices = [{"rates": case.rates}]
        own = [
            msgspec.convert(
                {"provider": case.provider, "version": "case", "models": [{"id": case.model, "prices": prices}]},
                CardFile,
                strict=False,
            )
        ]
    contracts = [msgspec.convert({"provider": case.provider, **case.contract}, Contract)] if case.contract else []
    return PriceBook([*own, *SHIPPED], contracts)


def check(case: Case, record: Record, outcome: str = "ok") -> None:
    expect = case.expect
    first = record.attempts[0]
    assert first.usage is not None
    told = f"{case.id}, {case.title}: {first.usage}, {first.lines}"
    assert record.cost == expect.nano, told
    assert record.cost_state == expect.state, told
    assert record.baseline == record.cost
    assert sorted(flag for attempt in record.attempts for flag in attempt.flags) == expect.flags, told
    assert len(record.attempts) == max(expect.parts, len(case.bodies)), told
    assert first.outcome == outcome
    for bucket, count in expect.usage.items():
        assert getattr(first.usage, bucket) == count, f"{bucket} of {told}"
    if expect.list_nano is not None:
        assert sum(attempt.list_cost for attempt in record.attempts) == expect.list_nano
    if expect.tier is not None:
        assert first.tier == expect.tier
    if expect.model is not None:
        assert first.served_model == expect.model
    if expect.tokens is not None:
        assert record.in_tokens + record.out_tokens == expect.tokens
