import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.call import Answer, Call, Deployment, Ending, Proceed
from farthing.model.errors import NotAuthenticated, RateLimited, Unavailable, UpstreamError
from farthing.model.record import Attempt, Record, Saving
from farthing.model.usage import Usage
from farthing.pipeline import chain
from farthing.prices import Contract, PriceBook
from farthing.steps.admit import Admit
from farthing.steps.meter import Meter, total
from unit.steps.conftest import MakeCall

OPENAI = Deployment("openai/gpt-4o", "openai", "gpt-4o", "openai")


class Rows:
    def __init__(self, *, full: bool = False, room_after: bool = True) -> None:
        self.rows: list[Record] = []
        self.full = full
        self.room_after = room_after

    def put(self, record: Record) -> None:
        self.rows.append(record)

    async def room(self, patience_s: float) -> bool:
        return self.room_after


class Silent:
    async def next(self) -> bytes:
        return b""

    def leave(self) -> None: ...


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook.load()


@pytest.fixture
def rows() -> Rows:
    return Rows()


class Unnoted:
    def open(self, record: Record) -> None: ...


class Metered:
    """The meter around the step that prices attempts."""

    def __init__(self, book: PriceBook, rows: Rows) -> None:
        self.meter = Meter(rows)
        self.admit = Admit(book, Unnoted(), allow_unpriced=True)

    async def __call__(self, call: Call, proceed: Proceed) -> Answer:
        if call.deployment is None:
            return await self.meter(call, proceed)
        return await chain([self.meter, self.admit], proceed)(call)


@pytest.fixture
def meter(book: PriceBook, rows: Rows) -> Metered:
    return Metered(book, rows)


def answering(*attempts: Attempt, status: int = 200) -> "object":
    async def proceed(call: Call) -> Answer:
        call.trail.attempts.extend(attempts)
        return Answer(status, [], b"{}")

    return proceed


async def booked(meter: Metered, rows: Rows, call: Call, *attempts: Attempt, status: int = 200) -> Record:
    await meter(call, answering(*attempts, status=status))  # type: ignore[arg-type]
    (record,) = rows.rows
    return record


def attempt(usage: Usage | None = None, **fields: object) -> Attempt:
    return Attempt(1, usage=usage, started_us=1_790_000_000_000_000, **{"model": "gpt-4o", **fields})  # type: ignore[arg-type]


async def test_a_call_is_priced_once_from_its_usage(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    call = make_call("gpt-4o", deployment=OPENAI)
    answer = await meter(call, answering(attempt(Usage(uncached_in=4_000, cache_read=6_000, out=1_000))))  # type: ignore[arg-type]
    (record,) = rows.rows
    # 4,000 at 2.50, 6,000 at 1.25 and 1,000 at 10 dollars a million
    assert (record.cost, record.baseline, record.cost_state) == (27_500_000, 27_500_000, "computed")
    assert (record.in_tokens, record.cached_tokens, record.out_tokens) == (10_000, 6_000, 1_000)
    assert dict(answer.headers) == {
        b"x-farthing-call-id": b"call-1", b"x-farthing-model": b"gpt-4o", b"x-farthing-cost": b"0.027500000",
        b"x-farthing-saved": b"0.000000000", b"x-farthing-cache": b"none",
    }  # fmt: skip


async def test_a_stream_is_booked_when_it_ends(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    call = make_call("gpt-4o", deployment=OPENAI)
    answer = Answer(200, [], stream=Silent())

    async def proceed(call: Call) -> Answer:
        call.trail.attempts.append(attempt())
        return answer

    await meter(call, proceed)
    assert rows.rows == [] and b"x-farthing-cost" not in dict(answer.headers)
    call.trail.attempts[0].usage = Usage(out=100)
    answer.end(Ending("left"))
    (record,) = rows.rows
    assert (record.outcome, record.cost) == ("left", 1_000_000)


async def test_errors_are_rows_too(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    async def refusing(call: Call) -> Answer:
        raise RateLimited("no")

    with pytest.raises(RateLimited):
        await meter(make_call(), refusing)
    (record,) = rows.rows
    assert (record.status, record.outcome, record.error) == (429, "error", "rate_limit_exceeded")
    assert (record.cost, record.cost_state) == (0, "computed")


async def test_a_mistake_of_ours_is_not_the_clients(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    async def mistaken(call: Call) -> Answer:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        await meter(make_call(), mistaken)
    (record,) = rows.rows
    assert (record.status, record.outcome, record.error) == (500, "error", "internal_error")


async def test_strangers_cannot_fill_the_ledger(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    async def refusing(call: Call) -> Answer:
        raise NotAuthenticated("no")

    with pytest.raises(NotAuthenticated):
        await meter(make_call(), refusing)
    assert rows.rows == []


async def test_a_cancelled_call_is_a_row(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    async def cancelled(call: Call) -> Answer:
        call.trail.attempts.append(attempt(outcome="left"))
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await meter(make_call("gpt-4o", deployment=OPENAI), cancelled)
    (record,) = rows.rows
    assert (record.outcome, record.cost_state) == ("left", "unknown")


@pytest.mark.parametrize(
    ("tried", "state", "cost"),
    [
        (attempt(outcome="error", status=500), "computed", 0),
        (attempt(outcome="unreachable"), "computed", 0),
        (attempt(outcome="timeout"), "unknown", 0),
        (attempt(outcome="broken"), "unknown", 0),
        (attempt(Usage(out=100), outcome="broken", estimated=True), "unknown", 0),
        (attempt(Usage(out=100), outcome="timeout", estimated=True), "unknown", 0),
        (attempt(Usage(out=100), outcome="left", estimated=True), "estimated", 1_000_000),
        (attempt(Usage(), outcome="left"), "computed", 0),
        (attempt(Usage(out=100), model="no-such-model"), "unpriced", 0),
        (attempt(Usage(out=100), model="no-such-model", reported_cost=77), "reported", 77),
        (attempt(Usage(out=100), reported_cost=1_100_000), "reported", 1_100_000),
        (attempt(Usage(out=100), reported_cost=90_000_000), "computed", 1_000_000),
    ],
)
async def test_how_a_cost_is_known(
    tried: Attempt, state: str, cost: int, meter: Metered, rows: Rows, make_call: MakeCall
) -> None:
    record = await booked(meter, rows, make_call("gpt-4o", deployment=OPENAI), tried)
    assert (record.cost_state, record.cost) == (state, cost)


async def test_a_reported_cost_in_other_units_is_marked(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    tried = attempt(Usage(out=100), reported_cost=90_000_000)
    record = await booked(meter, rows, make_call("gpt-4o", deployment=OPENAI), tried)
    assert record.attempts[0].flags == ["reported_cost_differs"]


async def test_the_model_that_ran_is_priced(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    tried = attempt(Usage(out=1_000_000), served_model="gpt-4o-mini-2024-07-18")
    record = await booked(meter, rows, make_call("gpt-4o", deployment=OPENAI), tried)
    assert (record.cost, record.model) == (600_000_000, "gpt-4o-mini-2024-07-18")


async def test_a_snapshot_of_the_model_is_the_model(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    tried = attempt(Usage(out=1), served_model="gpt-4o-2024-08-06")
    assert (await booked(meter, rows, make_call("gpt-4o", deployment=OPENAI), tried)).model == "gpt-4o"


async def test_a_part_billed_at_another_model_does_not_name_the_call(
    meter: Metered, rows: Rows, make_call: MakeCall
) -> None:
    call = make_call("gpt-4o", deployment=OPENAI)
    whole = attempt(Usage(out=100), served_model="gpt-4o", first_byte_us=7)
    part = attempt(Usage(out=100), part=1, served_model="gpt-4o-mini")
    record = await booked(meter, rows, call, whole, part)
    assert (record.model, record.first_byte_us, record.cost) == ("gpt-4o", 7, 1_060_000)


async def test_a_call_is_known_as_well_as_its_least_known_attempt(
    meter: Metered, rows: Rows, make_call: MakeCall
) -> None:
    call = make_call("gpt-4o", deployment=OPENAI)
    tried = [attempt(outcome="timeout"), attempt(Usage(out=100)), attempt(Usage(out=200), estimated=True)]
    record = await booked(meter, rows, call, *tried)
    assert (record.cost_state, record.cost) == ("unknown", 3_000_000)


async def test_full_ledger_refuses_by_policy(make_call: MakeCall) -> None:
    rows = Rows(full=True, room_after=False)
    with pytest.raises(Unavailable, match="cannot keep its ledger"):
        await Meter(rows)(make_call(), answering())  # type: ignore[arg-type]
    await Meter(rows, serve_without_ledger=True)(make_call(), answering())  # type: ignore[arg-type]
    assert len(rows.rows) == 1


async def test_waits_for_room(make_call: MakeCall) -> None:
    rows = Rows(full=True, room_after=True)
    await Meter(rows)(make_call(), answering())  # type: ignore[arg-type]
    assert len(rows.rows) == 1


@pytest.mark.parametrize("model", ["gpt-4\r\nset-cookie: x", "gpt-4\x00", "gpt-ä"])
async def test_a_model_s_name_cannot_become_a_header(model: str, meter: Metered, make_call: MakeCall) -> None:
    call = make_call(model, deployment=Deployment("x", "openai", model, "openai"))
    value = dict((await meter(call, answering())).headers)[b"x-farthing-model"]  # type: ignore[arg-type]
    assert b"\r" not in value and b"\n" not in value and b"\0" not in value


NANO = st.integers(0, 10**12)


@given(
    st.lists(st.tuples(NANO, st.sampled_from(["computed", "estimated", "reported"])), max_size=5),
    st.lists(st.builds(Saving, st.just("lever"), NANO, NANO, NANO), max_size=5),
)
def test_the_ledgers_law(costs: list[tuple[int, str]], savings: list[Saving]) -> None:
    attempts = [Attempt(number, cost=cost, cost_state=state) for number, (cost, state) in enumerate(costs)]  # type: ignore[arg-type]
    record = Record("1", 0, "openai.chat", attempts=attempts, savings=savings)
    total(record)
    assert record.baseline - sum(saving.saved for saving in savings) == record.cost == sum(cost for cost, _ in costs)


async def test_upstream_errors_name_their_code(meter: Metered, rows: Rows, make_call: MakeCall) -> None:
    async def failing(call: Call) -> Answer:
        raise UpstreamError("broke off")

    with pytest.raises(UpstreamError):
        await meter(make_call(), failing)
    assert (rows.rows[0].error, rows.rows[0].status) == ("upstream_error", 502)


async def test_a_contract_counts_before_the_provider_s_own_price(rows: Rows, make_call: MakeCall) -> None:
    """What providers report is their list price."""
    book = PriceBook.load(contracts=[Contract("openai", ("gpt-4o",), percent_off="20")])
    tried = attempt(Usage(out=100), reported_cost=1_000_000)
    record = await booked(Metered(book, rows), rows, make_call("gpt-4o", deployment=OPENAI), tried)
    assert (record.cost_state, record.cost, record.attempts[0].flags) == ("computed", 800_000, [])


@pytest.mark.parametrize("fails", [None, RateLimited("no"), ValueError("ours"), asyncio.CancelledError()])
async def test_what_was_handed_over_is_booked_by_somebody_else(
    rows: Rows, make_call: MakeCall, fails: BaseException | None
) -> None:
    async def hand_over(call: Call) -> Answer:
        call.handed_over = True
        if fails is not None:
            raise fails
        return Answer(202, [], b"{}")

    call = make_call()
    if fails is None:
        answer = await Meter(rows)(call, hand_over)
        assert answer.headers == [(b"x-farthing-call-id", b"call-1")]
    else:
        with pytest.raises(type(fails)):
            await Meter(rows)(call, hand_over)
    assert rows.rows == []
