"""What holds for every provider's batch API: a batch is made once, found after a crash, and its lines come however they come."""

from typing import Any

import msgspec
import pytest

from farthing.model.errors import UpstreamError, UpstreamUnreachable
from farthing.upstream.batches import batch_api
from farthing.upstream.batches.api import Created, Maybe, Refused, Unsure, call_of, custom_id
from unit.upstream.batches.conftest import KINDS, LAG_S, World, results
from unit.upstream.test_providers import provider

pytestmark = pytest.mark.parametrize("kind", KINDS)
LOST = (
    "batch-lost-reply", "batch-slow-reply=1", "batch-no-json", "batch-late-500", "batch-late-503", "batch-late-504"
)  # fmt: skip


async def found(world: World, kind: str, shard: Any) -> Created:
    """As after a crash: a new process looks until it knows."""
    api = world.api(kind)
    for _ in range(30):
        seen = await api.find(shard)
        if isinstance(seen, Created):
            return seen
        assert isinstance(seen, Maybe) and seen.again_s > 0
        world.pass_seconds(max(seen.again_s, 5))
    raise AssertionError("it was not found")


async def test_a_batch_from_start_to_end(world: World, kind: str) -> None:
    api = world.api(kind)
    shard = await world.create(api, world.shard(kind, 12))
    first = await api.look(shard)
    assert (first.state, first.total) == ("running", 12) and first.word
    assert shard.window_end_us == first.window_end_us == (int(world.now) + 86_400) * 1_000_000
    world.pass_seconds(100)
    look = await api.look(shard)
    assert (look.state, look.done, look.total, look.errors) == ("ended", 12, 12, [])
    got = await results(api, shard, look)
    assert got.keys() == {custom_id(shard.id, f"call-{at}") for at in range(12)}
    for result in got.values():
        assert result.status == 200 and not result.error_code
        assert "usage" in msgspec.json.decode(result.body)
    bill = await world.bill()
    assert sorted(line["custom_id"] for line in bill) == sorted(got)
    assert {line["tier"] for line in bill} == {"batch"} and {line["batch"] for line in bill} == {shard.remote_id}
    told = {msgspec.json.decode(result.body)["id"] for result in got.values()}
    assert told == {line["id"] for line in bill}


@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_reply_is_found_and_never_paid_twice(world: World, kind: str, fault: str) -> None:
    shard = world.shard(kind, 4)
    api = world.api(kind, fault, first_byte_s=0.3)
    with pytest.raises(Unsure):
        await world.create(api, shard)
    world.pass_seconds(1)
    shard.remote_id = (await found(world, kind, shard)).remote_id
    world.pass_seconds(200)
    assert len(await results(world.api(kind), shard)) == len(await world.bill()) == 4


async def test_what_was_never_created_is_said_to_be_missing_only_some_time_later(world: World, kind: str) -> None:
    shard = world.shard(kind)
    with pytest.raises(Unsure):
        await world.create(world.api(kind, "batch-refuse-500"), shard)
    api = world.api(kind)
    first = await api.find(shard)
    assert isinstance(first, Maybe) and 0 < first.again_s <= LAG_S
    world.pass_seconds(LAG_S)
    assert await api.find(shard) is None


async def test_a_list_that_lags(world: World, kind: str) -> None:
    shard = world.shard(kind)
    with pytest.raises(Unsure):
        await world.create(world.api(kind, "batch-lost-reply,batch-list-lag=8"), shard)
    api = world.api(kind)
    assert isinstance(await api.find(shard), Maybe)
    world.pass_seconds(7)
    assert isinstance(await api.find(shard), Maybe)
    world.pass_seconds(100)
    assert isinstance(await api.find(shard), Created)


async def test_among_many_batches_the_right_one_is_found(world: World, kind: str) -> None:
    api = world.api(kind)
    shards = [world.shard(kind, 2, f"shard-{at}") for at in range(3)]
    for shard in shards:
        await world.create(api, shard)
    lost = world.shard(kind, 2, "shard-lost")
    with pytest.raises(Unsure):
        await world.create(world.api(kind, "batch-lost-reply"), lost)
    for at in range(3, 6):
        await world.create(api, world.shard(kind, 2, f"shard-{at}"))
    new = world.api(kind)
    world.pass_seconds(100)
    assert isinstance(seen := await new.find(lost), Created)
    assert seen.remote_id not in {shard.remote_id for shard in shards}
    again = world.api(kind)
    for shard in shards:
        created = await again.find(shard)
        assert isinstance(created, Created) and created.remote_id == shard.remote_id


async def test_what_this_process_made_is_known_without_asking(world: World, kind: str) -> None:
    api = world.api(kind)
    shard = await world.create(api, world.shard(kind))
    assert await api.find(shard) == await api.create(shard, b"")
    assert len(await world.bill()) == 0
    world.pass_seconds(100)
    assert len(await world.bill()) == 3


async def test_a_refusal_creates_nothing(world: World, kind: str) -> None:
    shard = world.shard(kind)
    with pytest.raises(Refused) as busy:
        await world.create(world.api(kind, "batch-refuse-429"), shard)
    assert (busy.value.status, busy.value.retry_after) == (429, 60.0)
    api = world.api(kind, "batch-refuse-413")
    with pytest.raises(Refused) as large:
        await world.create(api, shard)
    assert (large.value.code, large.value.retry_after) == ("request_too_large", None)
    assert api.limits_for(shard.model).bytes < len(world.data(api, shard)) and api.limits.bytes > 1_000_000
    world.pass_seconds(LAG_S + 100)
    assert isinstance(await api.find(shard), Maybe) and await world.bill() == []


async def test_who_cannot_be_reached_got_nothing(world: World, kind: str) -> None:
    api = world.api(kind)
    shard = world.shard(kind)
    api._asking._provider._base = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    with pytest.raises(UpstreamUnreachable):
        await world.create(api, shard)


async def test_lines_fail_alone(world: World, kind: str) -> None:
    api = world.api(kind)
    shard = await world.create(api, world.shard(kind, 4), "[[simulate: 429]]", "[[simulate: 500]]", "[[simulate: 400]]")
    world.pass_seconds(100)
    got = await results(api, shard)
    assert [got[custom_id(shard.id, f"call-{at}")].status for at in range(4)] == [429, 500, 400, 200]
    assert "error" in msgspec.json.decode(got[custom_id(shard.id, "call-0")].body)
    assert len(await world.bill()) == 1


async def test_rows_that_are_no_json_or_come_twice_void_nothing(world: World, kind: str) -> None:
    api = world.api(kind, "batch-bad-lines=3,batch-twice=2")
    shard = await world.create(api, world.shard(kind, 6))
    world.pass_seconds(100)
    look = await api.look(shard)
    rows = [result.custom_id async for result in api.results(shard, look)]
    assert len(rows) == 8 and len(set(rows)) == 6


async def test_lines_without_a_status_and_lines_of_which_nothing_is_said(world: World, kind: str) -> None:
    api = world.api(kind, "batch-no-status=0.4,batch-lost-lines=0.3")
    shard = await world.create(api, world.shard(kind, 40))
    world.pass_seconds(100)
    got = await results(api, shard)
    odd = [result for result in got.values() if result.status != 200]
    assert odd and all((result.status, result.error_code, result.body) == (0, "no_status", b"") for result in odd)
    assert len(odd) < len(got) < 40
    assert len(await world.bill()) == len(got) - len(odd)


@pytest.mark.parametrize("share", [0, 0.5])
async def test_expiry_with_and_without_results(world: World, kind: str, share: float) -> None:
    api = world.api(kind, f"batch-expire={share}")
    shard = await world.create(api, world.shard(kind, 10))
    world.pass_seconds(100)
    look = await api.look(shard)
    assert look.state == "ended"
    got = await results(api, shard, look)
    done = [result for result in got.values() if result.status == 200]
    assert len(done) == 10 * share == len(await world.bill())
    late = {result.error_code for result in got.values() if result.status != 200}
    assert len(got) == 10 and late == {"timeout_exceeded" if kind == "mistral" else "batch_expired"}


async def test_a_stuck_batch_runs_until_its_window_ends(world: World, kind: str) -> None:
    api = world.api(kind, "batch-stuck")
    shard = await world.create(api, world.shard(kind))
    world.pass_seconds(80_000)
    assert (await api.look(shard)).state == "running"
    world.pass_seconds(7000)
    look = await api.look(shard)
    if kind.startswith("azure"):  # its batches never expire: somebody has to cancel them
        assert look.state == "running"
        await api.cancel(shard)
        world.pass_seconds(100)
        look = await api.look(shard)
    assert look.state == "ended" and await world.bill() == []


async def test_an_unknown_state_is_waited_out(
    world: World, kind: str, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    api = world.api(kind, "batch-odd-state=1")
    shard = await world.create(api, world.shard(kind))
    for _ in range(3):
        look = await api.look(shard)
        assert (look.state, look.word.lower()) == ("unknown", "reticulating")
    assert len(caplog.records) == 1 and "reticulating" in caplog.text.lower()
    world.pass_seconds(100)
    assert (await api.look(shard)).state == "unknown"
    world.pass_seconds(90_000)
    look = await api.look(shard)
    assert look.state == "ended" and len(await results(api, shard, look)) == 3


async def test_an_unknown_state_that_passes(world: World, kind: str) -> None:
    api = world.api(kind, "batch-odd-state")
    shard = await world.create(api, world.shard(kind))
    assert (await api.look(shard)).state == "unknown"
    world.pass_seconds(100)
    assert (await api.look(shard)).state == "ended"


async def test_a_cancelled_batch_keeps_what_was_done(world: World, kind: str) -> None:
    api = world.api(kind, "batch-other-spelling")
    shard = await world.create(api, world.shard(kind, 10))
    world.pass_seconds(50)
    await api.cancel(shard)
    assert (await api.look(shard)).state == "running"
    world.pass_seconds(5)
    got = await results(api, shard)
    assert sorted(result.status for result in got.values()) == [0] * 5 + [200] * 5
    await api.cancel(shard)  # it is over: nothing to say
    assert len(await world.bill()) == 5


async def test_what_breaks_off_is_an_error_and_what_came_is_good(world: World, kind: str) -> None:
    shard = await world.create(world.api(kind), world.shard(kind, 10))
    world.pass_seconds(100)
    api = world.api(kind, "batch-cut-results")
    got = []
    with pytest.raises(UpstreamError):
        async for result in api.results(shard, await api.look(shard)):
            got.append(result)
    assert 0 < len(got) < 10 and all(result.status == 200 for result in got)


async def test_a_server_that_fails_is_an_error_for_now(world: World, kind: str) -> None:
    shard = await world.create(world.api(kind), world.shard(kind))
    api = world.api(kind, "batch-look-500")
    for ask in (api.look, api.cancel, api.find):
        with pytest.raises(UpstreamError):
            await ask(shard)
    shard.remote_id = "none"
    with pytest.raises(Refused) as refused:
        await world.api(kind).look(shard)
    assert refused.value.status == 404


async def test_what_is_forgotten_is_gone(world: World, kind: str) -> None:
    api = world.api(kind)
    shard = await world.create(api, world.shard(kind))
    world.pass_seconds(100)
    look = await api.look(shard)
    shard.output_file, shard.error_file = look.output_file, look.error_file
    await api.forget(shard)
    await api.forget(shard)
    with pytest.raises(Refused):
        await results(api, shard, look)


async def test_sizes_are_never_above_what_was_said(world: World, kind: str) -> None:
    api, shard = world.api(kind), world.shard(kind, 50)
    name = custom_id("s" * 33, "call-" + "a" * 27)
    bodies = [b'{"model":"m"}', b'{"model":"' + b"x" * 5000 + b'"}', b"{}"]
    said = sum(api.cost_of(name, body) for body in bodies) + 1000
    assert len(api.encode([(name, body) for body in bodies], shard.wire, shard.model, "s" * 33)) <= said
    assert len(api.encode([(name, b"{}")] * 2000, shard.wire, shard.model)) <= 2000 * api.cost_of(name, b"{}") + 1000


async def test_what_cannot_be_in_a_batch(world: World, kind: str) -> None:
    api, wire = world.api(kind), world.shard(kind).wire
    assert api.serves(wire, b'{"model": "m", "stream": false}') == ""
    assert "stream" in api.serves(wire, b'{"stream": true}')
    assert "background" in api.serves(wire, b'{"background": true}')
    assert "JSON" in api.serves(wire, b"[1]") and "JSON" in api.serves(wire, b"\xff")
    assert "anthropic.count_tokens" in api.serves("anthropic.count_tokens", b"{}")
    assert api.limits.lines >= 50_000 and api.limits.bytes >= 100_000_000 and api.limits.window_s == 86_400


def test_names_of_lines(kind: str) -> None:
    name = custom_id("shard-0123456789abcdef0123456789a", "call-0123456789abcdef0123456789a")
    assert len(name) <= 64 and name.replace("-", "").isalnum()
    assert call_of("shard-0123456789abcdef0123456789a", name) == "call-0123456789abcdef0123456789a"
    assert call_of("shard-1", name) == ""
    assert batch_api(provider("vllm", base_url="http://127.0.0.1:1")) is None
