"""What a run has done so far: each stage's result, in a file of its folder, so that a run that was ended goes on.

Only one run works in a folder. Knows nothing of what the stages are.
"""

import fcntl
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from farthing.model.errors import BadRequest


class _Kept(msgspec.Struct):
    format: str
    key: str
    stages: dict[str, Any]


class State:
    """Use it as a context."""

    def __init__(self, folder: Path, key: str, command: str) -> None:
        """`key`: what the run is of; `command`: whose run it is. Raises BadRequest for a folder that holds another run, or
        something else."""
        name = f"farthing-{command}.json"
        self._file = folder / name
        self._key = key
        self._format = f"farthing {command} 1"
        self._lock: BinaryIO | None = None
        self._stages: dict[str, Any] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if not self._file.exists() and any(each.name != name + ".lock" for each in folder.iterdir()):
            raise BadRequest(f"{folder} is not empty and holds no run of this command; name another folder with --out")

    def __enter__(self) -> "State":
        self._lock = self._file.with_name(self._file.name + ".lock").open("ab")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise BadRequest(f"another run works in {self._file.parent}") from None
        try:
            self._read()
        except BadRequest:
            self._lock.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            self._lock.close()

    def get(self, stage: str) -> Any:
        """Its result; None while it is not done."""
        return self._stages.get(stage)

    def put(self, stage: str, result: Any) -> None:
        self._stages[stage] = msgspec.to_builtins(result)
        self._write()

    def _read(self) -> None:
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except FileNotFoundError:
            self._write()
            return
        except (OSError, msgspec.MsgspecError) as error:
            raise BadRequest(f"{self._file} cannot be read: {error}") from None
        if kept.format != self._format or kept.key != self._key:
            raise BadRequest(
                f"{self._file.parent} holds a run of another model, other data or other choices; name another folder with --out"
            )
        self._stages = kept.stages

    def _write(self) -> None:
        part = self._file.with_name(self._file.name + ".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(_Kept(self._format, self._key, self._stages))))
        os.replace(part, self._file)


def key_of(*parts: object) -> str:
    """The same for the same choices and files."""
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def files_of(folder: Path) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a folder's files, which stand for their contents."""
    found = ((each.name, each.stat()) for each in sorted(folder.iterdir()) if each.is_file())
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in found]
