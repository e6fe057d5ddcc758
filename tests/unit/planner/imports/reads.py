"""Reading files in tests, without a store."""

from pathlib import Path
from typing import Any

import msgspec

from farthing.model.past import PastCall
from farthing.planner.imports import formats
from farthing.planner.imports.mapping import Mapping_, guess
from farthing.planner.imports.plain import Plain
from farthing.planner.imports.reading import Row, by_name, layout_of, rows, sample_of
from farthing.planner.imports.stream import Stream
from farthing.planner.imports.values import BadRow, PassedOver


def lines(*rows: Any) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def rows_of(path: Path, place: int = 0, line: int = 0) -> list[Row]:
    layout = layout_of(path)
    stream = Stream(path)
    try:
        return list(rows(stream, layout, place, line))
    finally:
        stream.close()


def read(path: Path, **said: str) -> tuple[str, list[PastCall], list[tuple[int, str]], list[str]]:
    """The format that a file looks like, its calls, its bad rows and what was passed over."""
    sample = sample_of(path)
    name = formats.detect(sample)
    mapping = guess(sample, said) if name == formats.PLAIN else None
    calls, bad, passed = [], [], []
    for row in rows_of(path):
        try:
            if row.value is None:
                raise BadRow(row.why)
            calls += _calls(name, mapping, row, path)
        except BadRow as why:
            bad.append((row.line, str(why)))
        except PassedOver as what:
            passed.append(str(what))
    return name, calls, bad, passed


def _calls(name: str, mapping: Mapping_ | None, row: Row, path: Path) -> list[PastCall]:
    layout = layout_of(path)
    where = f"file-{row.begin}-{row.part}"
    if mapping is not None:
        return [Plain(mapping, layout).read(row.value, where)]
    value = by_name(row.value, layout)
    assert value is not None
    return list(formats.TOOLS[name].read(value, where))
