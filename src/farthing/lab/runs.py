"""A run outlives its process: each answer is a line of a file the moment it comes, found again by what was asked.

The file holds answers, so it is its owner's alone to read; what was asked is in it as a hash only. A line that a crash
tore is left out. Knows nothing of prompts and models.
"""

import os
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import msgspec

from farthing.model.money import Nano

FORMAT = "farthing lab 1"


class RunError(Exception):
    """The file cannot be used."""


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer."""

    key: str
    body: str
    """As the provider sent it."""
    in_tokens: int = 0
    out_tokens: int = 0
    cost: Nano | None = None
    run: str = ""
    """The run that paid for it."""


class Started(msgspec.Struct, frozen=True):
    """A run whose cost somebody confirmed."""

    run: str
    bound: Nano | None


class Placed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A job that some of a run's answers are to come from, written before it is handed in and again when they were taken."""

    job: str
    run: str
    taken: bool = False


class _Head(msgspec.Struct, frozen=True):
    format: str


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    kept: Kept | None = None
    started: Started | None = None
    placed: Placed | None = None


class Answers:
    """See the module. Use it as a context."""

    def __init__(self, path: Path) -> None:
        """Raises RunError for a file that is none of the lab's."""
        self._path = path
        self._kept: dict[str, Kept] = {}
        self._started: dict[str, Started] = {}
        self._placed: dict[str, Placed] = {}
        self._file: BinaryIO | None = None
        self.run = ""
        self.spent: Nano = 0
        """By the run that goes on, in all its sittings; what has no known price is not in it."""
        self._read()

    def __len__(self) -> int:
        return len(self._kept)

    def __enter__(self) -> "Answers":
        try:
            self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "ab")
            if not self._file.tell():
                self._write(msgspec.json.encode(_Head(FORMAT)))
            elif not self._path.read_bytes().endswith(b"\n"):
                self._file.write(b"\n")
        except OSError as error:
            raise RunError(f"{self._path}: {error.strerror}") from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def started(self, run: str) -> Started | None:
        """The run of that name, if it was begun."""
        return self._started.get(run)

    def start(self, run: str, bound: Nano | None) -> None:
        """Begin or go on with a run."""
        self.run = run
        self.spent = sum(kept.cost or 0 for kept in self._kept.values() if kept.run == run)
        if self._started.get(run) != Started(run, bound):
            self._started[run] = Started(run, bound)
            self._write(msgspec.json.encode(_Line(started=self._started[run])))

    @property
    def cost(self) -> Nano | None:
        """Of the run that goes on, in all its sittings; None where an answer of it has no known price."""
        mine = [kept.cost for kept in self._kept.values() if kept.run == self.run]
        return None if None in mine else self.spent

    def get(self, key: str) -> Kept | None:
        return self._kept.get(key)

    def put(self, key: str, body: bytes, in_tokens: int, out_tokens: int, cost: Nano | None) -> Kept:
        """What is there already stays."""
        if key in self._kept:
            return self._kept[key]
        kept = Kept(key, body.decode("utf-8", "replace"), in_tokens, out_tokens, cost, self.run)
        self._kept[key] = kept
        self.spent += cost or 0
        self._write(msgspec.json.encode(_Line(kept=kept)))
        return kept

    def open_jobs(self) -> list[str]:
        """Of this run: jobs whose answers nobody has taken yet."""
        return [each.job for each in self._placed.values() if each.run == self.run and not each.taken]

    def open_job(self, job: str) -> None:
        self._place(Placed(job, self.run))

    def close_job(self, job: str) -> None:
        self._place(Placed(job, self.run, taken=True))

    def _place(self, placed: Placed) -> None:
        self._placed[placed.job] = placed
        self._write(msgspec.json.encode(_Line(placed=placed)))

    def _write(self, line: bytes) -> None:
        if self._file is not None:
            self._file.write(line + b"\n")
            self._file.flush()

    def _read(self) -> None:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunError(f"{self._path}: {error.strerror}") from None
        if any(lines):
            try:
                is_ours = msgspec.json.decode(lines[0], type=_Head).format == FORMAT
            except msgspec.MsgspecError:
                is_ours = False
            if not is_ours:
                raise RunError(f"{self._path} is no file of the lab's; it is left alone")
        for line in lines[1:]:
            try:
                found = msgspec.json.decode(line, type=_Line)
            except msgspec.MsgspecError:
                continue
            if found.kept is not None:
                self._kept[found.kept.key] = found.kept
            if found.started is not None:
                self._started[found.started.run] = found.started
            if found.placed is not None:
                self._placed[found.placed.job] = found.placed


def name_of(*parts: bytes) -> str:
    """What stands for these bytes, the same on every machine."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()
