"""A gateway of this machine that is gone is known by its journal; of others nothing is known."""

from pathlib import Path

from farthing.batch.leasing import dead, holder_of, place_of


def test_the_dead_are_those_of_this_folder_without_a_journal(tmp_path: Path) -> None:
    mine, other = tmp_path / "a", tmp_path / "b"
    alive, gone = holder_of(mine / "1-aa.journal"), holder_of(mine / "2-bb.journal")
    elsewhere = holder_of(other / "3-cc.journal")
    assert dead([alive, gone, elsewhere, "", "whatever"], mine, ["1-aa"]) == [gone]
    assert place_of(mine) != place_of(other)


def test_a_folder_has_one_name_however_it_is_written(tmp_path: Path) -> None:
    assert place_of(tmp_path / "a" / ".." / "b") == place_of(tmp_path / "b")
