"""Calls in, reports out, the same on both engines."""

import uuid
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.model.record import Record, Saving
from farthing.store import Store, reading, writing
from farthing.store.engine import Connection
from farthing.store.errors import Duplicate
from farthing.store.rollups import DAY_US, HOUR_US
from laws import examples
from unit.store.samples import MORNING_US, a_record, morning, records

laws = examples(25)


async def test_a_call_comes_back_as_it_went_in(store: Store) -> None:
    await store.write([a_record()])
    assert await store.call("call-1") == a_record()
    assert await store.call("call-2") is None


@laws
@given(record=records())
def test_any_record_comes_back_as_it_went_in(connection: Connection, record: Record) -> None:
    record.id = str(uuid.uuid4())
    writing.write(connection, [record])
    found = reading.call(connection, record.id)
    assert found is not None
    record.attempts.sort(key=lambda attempt: (attempt.no, attempt.part))
    assert found == record


@laws
@given(batches=st.lists(st.lists(records(st.sampled_from("abcdef")), max_size=6), max_size=4))
def test_rollups_are_the_sum_of_rows_whatever_is_written_twice(
    connection: Connection, batches: list[list[Record]]
) -> None:
    run = str(uuid.uuid4())
    first: dict[str, Record] = {}
    for batch in batches:
        named = [msgspec.structs.replace(record, id=f"{run}-{record.id}") for record in batch]
        new = {record.id for record in named} - first.keys()
        for record in named:
            first.setdefault(record.id, record)
        assert writing.write(connection, named) == len(new)
    assert reading.check(connection) == []
    for record in first.values():
        found = reading.call(connection, record.id)
        assert found is not None and (found.cost, found.error) == (record.cost, record.error)


async def test_reports_sum_what_was_written(store: Store) -> None:
    calls = morning(300)
    await store.write(calls)
    for by, field in (
        ("feature", "feature"),
        ("user", "user"),
        ("team", "team"),
        ("model", "model"),
        ("key", "key_id"),
        ("tier", "tier"),
        ("task", "task"),
    ):
        rows = await store.report(by)
        assert sum(row.calls for row in rows) == 300
        assert {row.key for row in rows} == {getattr(call, field) for call in calls}
        for row in rows:
            mine = [call for call in calls if getattr(call, field) == row.key]
            assert row.cost == sum(call.cost for call in mine)
            assert row.saved == row.baseline - row.cost
            assert row.errors == sum(call.outcome == "error" for call in mine)
            assert row.calls_by_state == Counter(call.cost_state for call in mine)
            assert row.calls_without_cost == sum(call.cost_state in ("unpriced", "unknown") for call in mine)
            assert sum(row.cost_by_state.values()) == row.cost
        assert [row.cost for row in rows] == sorted((row.cost for row in rows), reverse=True)


async def test_reports_by_time_by_two_and_for_one(store: Store) -> None:
    calls = morning(300)
    await store.write(calls)
    (day,) = await store.report("day")
    assert (day.key, day.calls) == ("2025-10-09", 300)
    hours = await store.report("hour,feature", where={"feature": "agent"})
    assert {row.also for row in hours} == {"agent"} and hours[0].key == "2025-10-09T09:00Z"
    pairs = await store.report("feature,model")
    assert ("agent", "claude-sonnet-5") in {(row.key, row.also) for row in pairs}
    (one,) = await store.report("team", where={"model": "gpt-5.4"})
    assert one.key == "growth" and one.calls == sum(call.model == "gpt-5.4" for call in calls)
    days = await store.report("day,user", where={"user": "user-3"})
    assert [row.calls for row in days] == [sum(call.user == "user-3" for call in calls)]


async def test_reports_keep_to_their_span_and_tenant(store: Store) -> None:
    await store.write([
        a_record("today"), a_record("tomorrow", started_us=MORNING_US + DAY_US), a_record("acme", tenant="acme"),
        a_record("later", started_us=MORNING_US + HOUR_US),
    ])  # fmt: skip
    assert [row.calls for row in await store.report("day")] == [3, 1]
    assert [row.calls for row in await store.report("day", tenant="acme")] == [1]
    assert [row.calls for row in await store.report("day", MORNING_US + DAY_US)] == [1]
    assert [row.calls for row in await store.report("day", until_us=MORNING_US + 1)] == [3]
    assert [row.calls for row in await store.report("hour", MORNING_US, MORNING_US + 1)] == [2]
    assert await store.report("day", MORNING_US + 3 * DAY_US) == []


@pytest.mark.parametrize(
    ("by", "where"),
    [
        ("colour", {}),
        ("user,model", {}),
        ("team", {"key": "k"}),
        ("hour,user", {}),
        ("day,hour", {}),
        ("", {}),
        ("day,day", {}),
    ],
)
async def test_a_report_that_no_rollup_holds_is_refused(store: Store, by: str, where: dict[str, str]) -> None:
    with pytest.raises(BadRequest, match="kept are"):
        await store.report(by, where=where)


async def test_lists_of_calls_are_newest_first_filtered_and_paged(store: Store) -> None:
    calls = [*morning(200), a_record("old", started_us=MORNING_US - 40 * DAY_US, feature="rare", user="rare")]
    await store.write(calls)
    newest = await store.calls(limit=10)
    assert [row.id for row in newest] == [call.id for call in calls[199:189:-1]]
    for name, value, field in (
        ("feature", "triage", "feature"), ("user", "user-3", "user"), ("team", "growth", "team"), ("outcome", "error", "outcome"),
        ("cost_state", "unpriced", "cost_state"), ("provider", "openai", "provider"), ("transaction", "order-7", "transaction"),
        ("feature", "rare", "feature"), ("user", "rare", "user"), ("tenant", "default", "tenant"),
    ):  # fmt: skip
        rows = await store.calls(where={name: value}, limit=500)
        expected = {call.id for call in calls if getattr(call, field) == value}
        assert {row.id for row in rows} == expected and expected
        assert [row.started_us for row in rows] == sorted((row.started_us for row in rows), reverse=True)
    both = await store.calls(where={"team": "growth", "model": "gpt-5.4", "user": ""})
    assert both == []
    seen: list[str] = []
    before = None
    while page := await store.calls(limit=70, before=before, where={"feature": "support"}):
        seen += [row.id for row in page]
        before = (page[-1].started_us, page[-1].id)
    assert seen == [call.id for call in reversed(calls) if call.feature == "support"]
    assert [row.id for row in await store.calls(until_us=MORNING_US)] == ["old"]


async def test_a_row_of_a_list_says_what_the_call_says(store: Store) -> None:
    await store.write([a_record()])
    (row,) = await store.calls()
    record = a_record()
    for name in set(row.__struct_fields__) - {"saved"}:
        assert getattr(row, name) == getattr(record, name)
    assert row.saved == 300


async def test_an_unknown_filter_is_refused(store: Store) -> None:
    with pytest.raises(BadRequest, match="colour"):
        await store.calls(where={"colour": "red"})


async def test_quantiles_are_within_a_bin(store: Store) -> None:
    calls = morning(500)
    await store.write(calls)
    durations = sorted(call.duration_us for call in calls if call.outcome == "ok")
    (median, p95) = await store.quantiles("duration", [0.5, 0.95])
    assert median == pytest.approx(durations[len(durations) // 2], rel=0.05)
    assert p95 == pytest.approx(durations[int(len(durations) * 0.95)], rel=0.05)
    assert await store.quantiles("cost", [0.5], model="nobody's") == []


async def test_check_says_what_does_not_agree(store: Store, connection: Connection) -> None:
    await store.write(morning(20))
    assert await store.check() == []
    connection.execute("UPDATE calls SET cost = cost + 1 WHERE id = ?", (morning(1)[0].id,))
    connection.execute("DELETE FROM savings WHERE call_id = ?", (morning(2)[1].id,))
    connection.execute("UPDATE histograms SET n = n + 1 WHERE kind = 'duration'")
    connection.execute("UPDATE lever_sums SET overhead = overhead + 1")
    connection.execute("UPDATE hold_outs SET errors = errors + 1")
    connection.execute("UPDATE attempts SET call_id = 'gone' WHERE call_id = ?", (morning(3)[2].id,))
    said = "\n".join(await store.check())
    for part in (
        "rollup",
        "should hold",
        "histogram",
        "lever (",
        "hold-out (",
        "baseline - saved is not cost",
        "sum of the savings",
        "without a call: gone",
    ):
        assert part in said


async def test_rebuilt_rollups_are_those_that_grew(store: Store, connection: Connection) -> None:
    for start in range(0, 200, 50):
        await store.write(morning(200)[start : start + 50])
    kept = ("rollups", "histograms", "lever_sums", "hold_outs")
    before = [sorted(connection.query(f"SELECT * FROM {table}")) for table in kept]
    connection.execute("DELETE FROM rollups WHERE dims = 'user_feature'")
    connection.execute("UPDATE histograms SET n = 5")
    connection.execute("UPDATE lever_sums SET overhead = 5")
    connection.execute("UPDATE hold_outs SET calls = 5")
    await store.rebuild()
    assert before == [sorted(connection.query(f"SELECT * FROM {table}")) for table in kept]
    assert await store.check() == []


async def test_every_field_of_the_model_has_its_place() -> None:
    """A field that is added to the model must be kept, or this says so."""
    record = a_record()
    for struct in (record, record.attempts[0], record.attempts[0].usage):
        assert struct is not None
        kept = {
            "Record": set(CALLS), "Attempt": set(ATTEMPTS), "Usage": set(UNITS)
        }[type(struct).__name__]  # fmt: skip
        assert set(struct.__struct_fields__) - ELSEWHERE == kept


ELSEWHERE = {"charges", "tools"}
"""What budgets and transactions keep."""

CALLS = (
    "id", "started_us", "wire", "model_asked", "model", "provider", "deployment", "tenant", "key_id", "team", "project",
    "user", "feature", "task", "transaction", "tags", "stream", "status", "outcome", "error", "cost_state", "cost",
    "baseline", "in_tokens", "cached_tokens", "out_tokens", "first_byte_us", "duration_us", "trace", "cache", "attempts",
    "savings", "decisions", "tier", "template", "session", "arms", "request_bytes",
)  # fmt: skip
ATTEMPTS = (
    "no", "part", "provider", "deployment", "model", "served_model", "status", "outcome", "started_us", "first_byte_us", "duration_us",
    "usage", "estimated", "raw_usage", "tier", "geo", "cost_state", "cost", "list_cost", "reported_cost", "lines", "price_version", "flags", "error",
)  # fmt: skip
UNITS = (
    "uncached_in", "cache_read", "w5m", "w1h", "w30m", "w12h", "audio_in", "image_in", "cached_audio", "tool_in", "out",
    "reasoning", "audio_out", "image_out", "requests",
)  # fmt: skip


async def test_savings_are_summed_by_lever(store: Store) -> None:
    await store.write([
        a_record("a", savings=[Saving("route", 1000, 650, 50), Saving("cache", 100, 100)]),
        a_record("b", savings=[Saving("route", 1000, 700, estimated=True)]),
        a_record("c", tenant="acme", savings=[Saving("cache", 1000, 800, 300), Saving("rest", 400, 0)]),
        a_record("d", savings=[], baseline=700), a_record("late", started_us=MORNING_US + DAY_US),
    ])  # fmt: skip
    rows = await store.levers(until_us=MORNING_US + 1)
    assert [(row.lever, row.calls, row.saved, row.estimated) for row in rows] == [
        ("route", 2, 600, 300), ("rest", 1, 400, 0), ("cache", 2, -100, 0),
    ]  # fmt: skip
    assert (rows[0].before, rows[0].after, rows[0].overhead) == (2000, 1350, 50)
    assert [row.lever for row in await store.levers(tenant="acme")] == ["rest", "cache"]
    assert [row.saved for row in await store.levers(MORNING_US + DAY_US)] == [300]
    assert sum(row.saved for row in await store.levers()) == sum(row.saved for row in await store.report("day"))
    assert await store.check() == []


async def test_a_transaction_inside_another_is_a_part_of_it(connection: Connection) -> None:
    """What fails inside is undone alone if whoever is around it goes on; what is around it takes all with it."""

    def names() -> list[str]:
        return [row[0] for row in connection.query("SELECT name FROM marks WHERE n = 7 ORDER BY name")]

    def note(name: str) -> None:
        connection.insert("marks", ("name", "n"), [(name, 7)])

    with connection.transaction():
        note("a")
        with pytest.raises(Duplicate), connection.transaction():
            note("b")
            note("a")
        with connection.transaction():
            note("c")
    assert names() == ["a", "c"]
    with pytest.raises(ValueError, match="over"), connection.transaction():
        with connection.transaction():
            note("d")
        raise ValueError("over")
    assert names() == ["a", "c"]
