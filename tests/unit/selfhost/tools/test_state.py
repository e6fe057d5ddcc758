"""What a run keeps in its folder."""

from pathlib import Path

import pytest

from farthing.model.errors import BadRequest
from farthing.selfhost.tools.state import State, files_of, key_of


def test_what_was_done_is_found_again(tmp_path: Path) -> None:
    with State(tmp_path / "out", "k", "quantize") as state:
        assert state.get("before") is None
        state.put("before", {"n": 1})
    with State(tmp_path / "out", "k", "quantize") as state:
        assert state.get("before") == {"n": 1}


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear")
    with pytest.raises(BadRequest, match="is not empty and holds no run of this command"):
        State(tmp_path, "k", "quantize")
    with State(tmp_path / "out", "k", "quantize"):
        pass
    with pytest.raises(BadRequest, match="holds a run of another model"), State(tmp_path / "out", "other", "quantize"):
        pass
    (tmp_path / "out" / "farthing-quantize.json").write_text("{")
    with pytest.raises(BadRequest, match="cannot be read"), State(tmp_path / "out", "k", "quantize"):
        pass


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        State(tmp_path, "k", "quantize"),
        pytest.raises(BadRequest, match="another run works in"),
        State(tmp_path, "k", "quantize"),
    ):
        pass
    with State(tmp_path, "k", "quantize"):
        pass


def test_the_key_tells_files_apart(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    first = key_of(files_of(tmp_path))
    assert first == key_of(files_of(tmp_path))
    (tmp_path / "a").write_text("12")
    assert first != key_of(files_of(tmp_path))
