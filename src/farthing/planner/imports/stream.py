"""A file as one stream of UTF-8 bytes: unpacked where it is gzip, recoded where it is UTF-16, from any place in it.

Places are counted in the unpacked, recoded stream, so that a reader can go on from one. A file that ends in the middle of
its compression, or is damaged, gives what is before that, and `trouble` says so. Knows no format.
"""

import codecs
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from farthing.model.errors import BadRequest

CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_OTHERS = {b"PK\x03\x04": "a zip archive", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PAR1": "Parquet", _ZSTD: "zstd"}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Stream:
    """See the module. Raises BadRequest for a file of a kind that it cannot unpack, OSError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = path.stat().st_size
        """Bytes on the disk."""
        self.consumed = 0
        """Of these, how many were read: for progress."""
        self.place = 0
        """Bytes of the stream that were handed out."""
        self.trouble = ""
        self._file = path.open("rb")
        head = self._file.read(8)
        self._file.seek(0)
        kind = next((name for mark, name in _OTHERS.items() if head.startswith(mark)), "")
        if kind:
            self._file.close()
            raise BadRequest(
                f"{path.name} is {kind}, which is not unpacked here; unpack it first (gzip is read as it is)"
            )
        self._unpack: zlib._Decompress | None = zlib.decompressobj(31) if head.startswith(_GZIP) else None
        self._packed = b""
        self._mark = 0
        """Bytes of the mark that UTF-8 may begin with; they are no part of the stream."""
        self._ready = b""
        self._rest = self._raw(CHUNK)
        self._recode = self._recoder()

    def _recoder(self) -> Callable[[bytes, bool], bytes] | None:
        if self._rest.startswith(_UTF16):
            decoder = codecs.getincrementaldecoder("utf-16")("replace")
            return lambda data, final: decoder.decode(data, final).encode("utf-8", "replace")
        if self._rest.startswith(codecs.BOM_UTF8):
            self._rest = self._rest[len(codecs.BOM_UTF8) :]
            self._mark = len(codecs.BOM_UTF8)
        return None

    @property
    def packed(self) -> bool:
        """Whether places in the middle are reached only through all that is before them."""
        return self._unpack is not None or self._recode is not None

    def read(self) -> bytes:
        """The next bytes, about a megabyte; b"" at the end."""
        data, self._ready = self._ready, b""
        while not data:
            data, self._rest = self._rest or self._raw(CHUNK), b""
            ended = not data
            if self._recode is not None:
                data = self._recode(data, ended)
            if ended:
                break
        self.place += len(data)
        return data

    def skip_to(self, place: int) -> None:
        """Go on from that place, which lies ahead: at once in a plain file, by unpacking in a packed one."""
        if not self.packed:
            self._file.seek(place + self._mark)
            self.consumed = self.place = place
            self._rest = b""
            return
        while self.place < place and (data := self.read()):
            if self.place > place:
                self._ready = data[place - self.place :]
                self.place = place

    def _raw(self, size: int) -> bytes:
        """Bytes as they are before recoding."""
        if self._unpack is None:
            data = self._file.read(size)
            self.consumed += len(data)
            return data
        while not self.trouble:
            packed = self._packed or self._file.read(CHUNK // 4)
            if not packed:
                if not self._unpack.eof:
                    self.trouble = "the file ends in the middle of its compression; what came before is read"
                return b""
            self.consumed = self._file.tell()
            if self._unpack.eof:  # the next of several packed files in one
                self._unpack = zlib.decompressobj(31)
            before = self._unpack.copy()
            try:
                data = self._unpack.decompress(packed, size)
            except zlib.error as error:
                self.trouble = f"its compression is damaged ({error}); what came before is read"
                return _sound_part(before, packed)
            self._packed = self._unpack.unconsumed_tail or self._unpack.unused_data
            if data:
                return data
        return b""

    def close(self) -> None:
        self._file.close()


def _sound_part(unpack: "zlib._Decompress", packed: bytes) -> bytes:
    """What can be unpacked of a damaged piece."""
    parts = []
    with suppress(zlib.error):
        for start in range(0, len(packed), 64):
            parts.append(unpack.decompress(packed[start : start + 64]))
    return b"".join(parts)
