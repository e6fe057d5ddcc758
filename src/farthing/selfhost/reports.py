"""The folder in which commands leave one report of each own model that they made, so that pages need not look for them.

A report is the newest of its name and kind; what else a run left lies where its report says. Knows nothing of what is in one.
"""

import os
import re
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

Kind = Literal["quantized", "tuned"]
T = TypeVar("T")
MOST = 500
"""Reports that are read."""


def keep(folder: Path, kind: Kind, name: str, report: dict[str, Any]) -> Path:
    """The file that it is in now, over an older one of the same name. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('.-') or 'model'}.{kind}.json"
    write(file, report)
    return file


def write(file: Path, report: dict[str, Any]) -> None:
    """All of it or nothing. Raises OSError."""
    part = file.with_name(file.name + ".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    os.replace(part, file)


def read(folder: Path, kind: Kind, type_: type[T]) -> list[T]:
    """The newest first; what cannot be read as such is left out."""
    found: list[tuple[float, T]] = []
    for file in sorted(folder.glob(f"*.{kind}.json"))[:MOST]:
        try:
            found.append((file.stat().st_mtime, msgspec.json.decode(file.read_bytes(), type=type_)))
        except (OSError, msgspec.MsgspecError):
            continue
    return [report for _, report in sorted(found, key=lambda each: -each[0])]
