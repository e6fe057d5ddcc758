"""Another store of Farthing into this one: calls as they stand, with what it keeps of their texts."""

from pathlib import Path

import msgspec
import pytest

from farthing.model.errors import BadRequest
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.planner.imports.farthing import import_store
from farthing.store import Store, open_store, past_calls
from farthing.store.captures import Captured, Captures
from farthing.store.past_texts import texts_for
from unit.cli.conftest import a_call


async def test_calls_are_copied_with_what_was_captured(store: Store, tmp_path: Path) -> None:
    there = f"sqlite:///{tmp_path}/there.db"
    other = await open_store(there)
    tries = a_call("c2")
    tries.attempts = [
        Attempt(no=1, provider="azure", model="gpt-4o", outcome="error", status=500, started_us=tries.started_us),
        msgspec.structs.replace(tries.attempts[0], no=2),
    ]
    await other.write([a_call("c1"), tries])
    await Captures(other).add([Captured("c1", "what?", "that", 1, expires_us=1 << 60, instructions="be brief")])
    outcome = await import_store(store, there, texts="keep")
    assert (outcome.rows, outcome.calls) == (2, 2)
    assert await store.call("c1") == await other.call("c1") and await store.check() == []
    found = await store.do(lambda connection: list(past_calls.past_calls(connection, texts_for(connection))))
    assert [(call.id, call.attempt_of) for call in found] == [("c1", ""), ("c2#1", "c2"), ("c2", "")]
    assert b"be brief" in found[0].prompt and b"that" in found[0].answer
    assert (
        found[0].usage == Usage(uncached_in=1000, out=10, reasoning=4)
        and found[1].usage is None
        and found[1].provider == "azure"
    )
    again = await import_store(store, there, texts="keep")
    assert again.nothing_new and again.known == 2
    await other.close()


async def test_a_store_that_is_not_there_or_the_same_is_refused(store: Store, url: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no store"):
        await import_store(store, f"sqlite:///{tmp_path}/nowhere.db", texts="drop")
    with pytest.raises(BadRequest, match="imported into"):
        await import_store(store, url, texts="drop")
    assert not (tmp_path / "nowhere.db").exists()
