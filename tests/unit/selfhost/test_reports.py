"""Reports of own models in one folder."""

import os
from pathlib import Path

import msgspec

from farthing.selfhost import reports


class Kept(msgspec.Struct):
    name: str


def test_one_file_a_model_and_kind_the_newest_first(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    for at, name in enumerate(("own/llama 8b", "../../etc", "own/llama 8b")):
        file = reports.keep(folder, "quantized", name, {"name": f"{name} {at}"})
        assert file.parent == folder
        os.utime(file, (at, at))
    reports.keep(folder, "tuned", "own/llama 8b", {"name": "other"})
    assert [each.name for each in reports.read(folder, "quantized", Kept)] == ["own/llama 8b 2", "../../etc 1"]


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    assert reports.read(tmp_path / "none", "tuned", Kept) == []
    reports.keep(tmp_path, "tuned", "good", {"name": "good"})
    (tmp_path / "torn.tuned.json").write_text('{"name')
    (tmp_path / "odd.tuned.json").write_text("[]")
    assert [each.name for each in reports.read(tmp_path, "tuned", Kept)] == ["good"]
