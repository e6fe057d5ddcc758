"""What the ledger does not have yet, on local disk: the calls under way, and settled calls that the store cannot take.

Each gateway process has a file of its own, mapped into memory: what was written to it survives `kill -9` (not a power
loss) and costs no system call. It holds a lock on the file for as long as it lives, so that others can tell a dead
process's journal, which `recovery.py` takes over, from a live one's, which nobody touches.

A slot is 2 KB: length, checksum and sequence number, then the record as MessagePack. An empty slot has length 0; one whose
checksum is wrong was torn by the kill. Beside it lies the spill, a plain file of settled records that wait for a store
in trouble, and `refused`, where records are kept that no database can hold.
"""

import fcntl
import logging
import mmap
import os
import secrets
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from farthing.model.errors import Unavailable
from farthing.model.record import Attempt, Record
from farthing.store.errors import StoreError
from farthing.store.rows import mended

SLOT = 2048
_SLOTS = 1024
_SEGMENT = SLOT * _SLOTS
_HEADER = struct.Struct("<IIQ")
_ROOM = SLOT - _HEADER.size
_MARK = b"farthing journal 1\n"
_FRAME = struct.Struct("<II")

log = logging.getLogger(__name__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


class Journal:
    """The journal of this process. `open` and `close` may come from different threads, each from one.

    Raises StoreError at the start if the folder cannot be written to.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._segments: list[mmap.mmap] = []
        self._free: list[int] = []
        self._open: dict[str, int] = {}
        self._sequence = 0
        self._spill_size = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path, self._file = _created(self.folder)
            self._grow()
            self._segments[0][: len(_MARK)] = _MARK
        except OSError as error:
            raise StoreError(
                f"the journal in {self.folder} cannot be written: {error.strerror or error}; {_CURE}"
            ) from error

    @property
    def spill_path(self) -> Path:
        return self.path.with_suffix(".spill")

    @property
    def under_way(self) -> int:
        """Calls that are open."""
        return len(self._open)

    def open(self, record: Record) -> None:
        """Note a call as it stands, before an attempt is sent; a later note of the same call takes the place of the
        first. Raises Unavailable if the journal must grow and cannot (the disk is full): then the attempt must not be
        sent, or nobody would know of it after a kill."""
        data = _encoded(record)
        if len(data) > _ROOM:
            data = _shortened(record)
        if not self._free:
            self._extend()
        slot = self._free.pop()
        self._sequence += 1
        segment = self._segments[slot // _SLOTS]
        at = slot % _SLOTS * SLOT
        start = at + _HEADER.size
        segment[start : start + len(data)] = data
        _HEADER.pack_into(segment, at, len(data), _checksum(data, self._sequence), self._sequence)
        before = self._open.get(record.id)
        self._open[record.id] = slot
        if before is not None:
            self._release(before)

    def close(self, call_id: str) -> None:
        """The call is in the ledger, or was never sent. One that is not open is no error."""
        slot = self._open.pop(call_id, None)
        if slot is not None:
            self._release(slot)

    def spill(self, records: Iterable[Record]) -> None:
        """Keep settled calls on disk while the store cannot take them. All or nothing; raises OSError."""
        data = b"".join(map(_framed, records))
        with open(self.spill_path, "ab", opener=_private) as file:
            try:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                with suppress(OSError):
                    os.truncate(self.spill_path, self._spill_size)
                raise
        self._spill_size += len(data)

    def forget_spill(self) -> None:
        """All that was spilled is in the ledger."""
        if self._spill_size:
            with suppress(OSError):
                self.spill_path.unlink()
            self._spill_size = 0

    def end(self) -> None:
        """Let go of the file, and remove it unless calls are open or spilled: the next start takes these over."""
        if not self._open and not self._spill_size:
            with suppress(OSError):
                self.path.unlink()
        for segment in self._segments:
            segment.close()
        os.close(self._file)

    def _release(self, slot: int) -> None:
        at = slot % _SLOTS * SLOT
        self._segments[slot // _SLOTS][at : at + 4] = b"\0\0\0\0"
        self._free.append(slot)

    def _extend(self) -> None:
        try:
            self._grow()
        except OSError as error:
            log.error("the journal %s cannot grow: %s; %s", self.path, error.strerror or error, _CURE)
            raise Unavailable("The gateway cannot note the call before it is sent.", retry_after=5) from error

    def _grow(self) -> None:
        """One segment more. Its blocks are reserved first: a full disk must be an error here, not a fault later."""
        size = len(self._segments) * _SEGMENT
        _reserve(self._file, size, _SEGMENT)
        self._segments.append(mmap.mmap(self._file, _SEGMENT, offset=size))
        first = len(self._segments) == 1
        self._free.extend(range(len(self._segments) * _SLOTS - 1, (len(self._segments) - 1) * _SLOTS - (not first), -1))


_CURE = "free space there, or allow this user to write to it"


def _created(folder: Path) -> tuple[Path, int]:
    """A new file, locked before it has the name by which others know it."""
    path = folder / f"{os.getpid()}-{secrets.token_hex(4)}.journal"
    young = path.with_suffix(".new")
    file = os.open(young, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    young.rename(path)
    return path, file


def _reserve(file: int, start: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, start, size)
    else:
        os.pwrite(file, bytes(size), start)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _checksum(data: bytes, sequence: int) -> int:
    return zlib.crc32(data, sequence & 0xFFFFFFFF)


def _framed(record: Record) -> bytes:
    data = _encoded(record)
    return _FRAME.pack(len(data), zlib.crc32(data)) + data


def _encoded(record: Record) -> bytes:
    try:
        return _encode(record)
    except (ValueError, OverflowError):  # text or numbers that no database holds either
        return _encode(mended(record))


def _shortened(record: Record) -> bytes:
    """What of a long record fits into a slot: who called, what was sent where and what it cost so far."""
    attempts = [msgspec.structs.replace(attempt, raw_usage=b"", lines=[], error="") for attempt in record.attempts]
    data = _encoded(msgspec.structs.replace(record, decisions=[], attempts=attempts))
    if len(data) <= _ROOM:
        return data
    short = _cut(msgspec.structs.replace(record, decisions=[], savings=[], tags={}, attempts=[]))
    short.id = record.id
    if attempts:  # the one under way
        short.attempts = [_cut(msgspec.structs.replace(attempts[-1], usage=None, flags=[]))]
    return _encoded(short)


_Cut = TypeVar("_Cut", Record, Attempt)


def _cut(value: _Cut) -> _Cut:
    """The value with none of its texts longer than 40 bytes, so that the whole fits whatever it was."""
    for name in value.__struct_fields__:
        text = getattr(value, name)
        if isinstance(text, str):
            setattr(value, name, text.encode(errors="replace")[:40].decode(errors="ignore"))
    return value


class Found(NamedTuple):
    """What a journal holds: the calls under way, and how many slots were torn by the kill."""

    calls: list[Record]
    torn: int


def read(data: bytes | mmap.mmap) -> Found:
    """The calls of a dead process's journal; of two notes of one call, the later one."""
    latest: dict[str, tuple[int, Record]] = {}
    torn = 0
    for at in range(SLOT, len(data) - SLOT + 1, SLOT):
        length, checksum, sequence = _HEADER.unpack_from(data, at)
        if length == 0:
            continue
        body = bytes(data[at + _HEADER.size : at + _HEADER.size + min(length, _ROOM)])
        record = _whole(body, sequence) if length <= _ROOM and _checksum(body, sequence) == checksum else None
        if record is None:
            torn += 1
        elif sequence >= latest.get(record.id, (0, record))[0]:
            latest[record.id] = (sequence, record)
    return Found([record for _, record in latest.values()], torn)


def _whole(body: bytes, sequence: int) -> Record | None:
    try:
        return _decode(body)
    except msgspec.MsgspecError:
        return None


def read_spill(path: Path) -> Iterator[Record]:
    """The settled calls of a spill file, up to where a kill tore it."""
    with open(path, "rb") as file:
        while len(head := file.read(_FRAME.size)) == _FRAME.size:
            length, checksum = _FRAME.unpack(head)
            data = file.read(length)
            if len(data) < length or zlib.crc32(data) != checksum:
                return
            yield _decode(data)


def keep_refused(folder: Path, record: Record, why: str) -> None:
    """Keep a record that no database can hold, for a person to look at: one JSON document a line."""
    line = {"why": why, "at": record.started_us, "record": repr(record)}
    with open(folder / "refused.jsonl", "ab", opener=_private) as file:
        file.write(msgspec.json.encode(line, enc_hook=repr) + b"\n")


def dead_journals(folder: Path) -> Iterator[tuple[Path, int]]:
    """Journals in the folder whose process is gone: path and a file descriptor that holds its lock now. The caller closes
    it."""
    for path in sorted(folder.glob("*.journal")):
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            if _lock(file):
                yield path, file
            else:
                os.close(file)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


__all__: Sequence[str] = (
    "Found", "Journal", "dead_journals", "keep_refused", "read", "read_spill",
)  # fmt: skip
