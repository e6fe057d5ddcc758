"""The journal of calls under way, as bytes on disk."""

from pathlib import Path

import msgspec
import pytest

from farthing.model.record import Decision, Record
from farthing.store import Journal, StoreError
from farthing.store.journal import SLOT, dead_journals, read, read_spill
from unit.store.samples import a_record, morning


def _held(journal: Journal) -> dict[str, Record]:
    calls, torn = read(journal.path.read_bytes())
    assert torn == 0
    return {call.id: call for call in calls}


def test_what_is_open_is_on_disk_as_it_stood(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journals")
    for record in (a_record("a"), a_record("b")):
        journal.open(record)
    assert _held(journal) == {"a": a_record("a"), "b": a_record("b")}
    journal.close("a")
    journal.close("never opened")
    assert set(_held(journal)) == {"b"} and journal.under_way == 1
    journal.open(a_record("b", status=529))
    assert _held(journal) == {"b": a_record("b", status=529)} and journal.under_way == 1
    journal.close("b")
    assert _held(journal) == {}
    journal.end()
    assert list((tmp_path / "journals").iterdir()) == []


def test_it_grows_with_the_calls_and_uses_slots_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    calls = morning(3000)
    for _ in range(3):
        for call in calls:
            journal.open(call)
        assert len(_held(journal)) == 3000
        for call in calls:
            journal.close(call.id)
    assert journal.path.stat().st_size <= 4096 * SLOT
    journal.end()


def test_a_long_record_keeps_who_and_what(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    record = a_record(decisions=[Decision("route", "x" * 500, "y" * 500)] * 9)
    record.attempts = [msgspec.structs.replace(record.attempts[0], no=no, raw_usage=b"u" * 900) for no in range(1, 4)]
    journal.open(record)
    (held,) = _held(journal).values()
    assert (held.user, held.feature, held.model, len(held.attempts)) == ("ana", "support", "gpt-5.4-mini", 3)
    journal.open(a_record("huge", tags={"t": "x" * 5000}, user="ü" * 5000, model_asked="m" * 5000))
    assert _held(journal)["huge"].key_id == "key-1"
    journal.close("call-1")
    journal.close("huge")
    journal.end()


def test_a_record_whose_every_name_is_long_still_fits(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    texts = {
        name: "😀" * 3000 for name in Record.__struct_fields__ if isinstance(getattr(a_record(), name), str) and name != "id"
    }  # fmt: skip
    texts["cost_state"] = "unknown"
    record = a_record(**texts)
    for name in ("provider", "deployment", "model", "served_model", "outcome", "tier", "geo", "price_version", "error"):
        setattr(record.attempts[0], name, "😀" * 3000)
    journal.open(record)
    assert set(_held(journal)) == {"call-1"}
    journal.close("call-1")
    journal.end()


def test_text_that_cannot_be_encoded_is_mended(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.open(a_record(user="a\ud800", tags={"b": "\udfff"}))
    assert _held(journal)["call-1"].user == "a\ufffd"
    journal.spill([a_record(user="a\ud800", cost=2**70)])
    assert [call.user for call in read_spill(journal.spill_path)] == ["a\ufffd"]
    journal.forget_spill()
    journal.close("call-1")
    journal.end()


def test_torn_slots_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for call in morning(5):
        journal.open(call)
    data = bytearray(journal.path.read_bytes())
    full = [at for at in range(SLOT, len(data), SLOT) if any(data[at : at + 4])]
    data[full[0] + 100] ^= 0xFF
    data[full[1] : full[1] + 4] = b"\xff\xff\xff\xff"
    found = read(bytes(data))
    assert (len(found.calls), found.torn) == (3, 2)
    assert read(b"") == ([], 0) and read(bytes(data[: SLOT + 7])) == ([], 0)
    journal.end()


def test_of_two_notes_of_a_call_the_later_one_counts(tmp_path: Path) -> None:
    """A kill between writing the new note and freeing the old one's slot leaves both."""
    journal = Journal(tmp_path)
    journal.open(a_record(status=1))
    old = journal.path.read_bytes()
    journal.open(a_record(status=2))
    new = journal.path.read_bytes()
    both = bytearray(new)
    for at in range(SLOT, len(old), SLOT):
        if any(old[at : at + 4]):
            both[at : at + SLOT] = old[at : at + SLOT]
    assert [call.status for call in read(bytes(both)).calls] == [2]
    journal.end()


def test_a_spill_is_read_up_to_where_it_was_torn(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    calls = morning(10)
    journal.spill(calls[:4])
    journal.spill(calls[4:])
    assert list(read_spill(journal.spill_path)) == calls
    whole = journal.spill_path.read_bytes()
    for cut in (len(whole) - 1, len(whole) // 2, 3):
        journal.spill_path.write_bytes(whole[:cut])
        found = list(read_spill(journal.spill_path))
        assert found == calls[: len(found)] and len(found) < 10
    journal.forget_spill()
    assert not journal.spill_path.exists()
    journal.end()


def test_a_journal_is_dead_when_its_owner_let_go(tmp_path: Path) -> None:
    alive, dead = Journal(tmp_path), Journal(tmp_path)
    dead.open(a_record())
    dead.end()
    found = [path for path, _file in dead_journals(tmp_path)]
    assert found == [dead.path]
    alive.end()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"journal in .*file.* cannot be written"):
        Journal(tmp_path / "file")
