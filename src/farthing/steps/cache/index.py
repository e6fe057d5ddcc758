"""Nearest vectors within a group, in this process: exact search over one byte a dimension, in bounded memory.

The index only proposes. It may hold entries that are gone, and may lack some that are there: whoever asks reads the
entry before serving it, and loads a group again that is `incomplete`. It knows no store and no texts.

50,000 vectors of 384 dimensions in one group take 1.0 to 1.4 ms of one core with simsimd's integer kernels, and 3.4 to
4.1 ms with numpy alone, which turns blocks to floats; an addition takes 7 us. A graph index over the same vectors (usearch
HNSW, one byte a dimension) answers in 0.3 ms and found the nearest in all of 300 tries, but does not promise it, takes
0.46 ms an addition and 11 MB of disk. The encoder takes longer than either search, so exact it is.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

try:
    import simsimd
except ImportError:  # no wheel for this machine
    _SIMSIMD = False
else:
    _SIMSIMD = True

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Codes = NDArray[np.int8]
Kernel = Callable[[Codes, Codes, Floats], Floats]
"""(codes of many vectors, codes of one, that one as floats) -> dot products of the codes, or of the codes and the floats
scaled to codes."""

_STEPS = 127
"""Codes reach from -127 to 127."""
_SCALE = np.dtype("<f4")
_ROWS = 2048
"""Vectors in a full block; small enough that growing or mending one takes a millisecond or two."""
_FIRST_ROWS = 4
_SLACK = 0.01
"""How far an integer kernel's cosine may be off, with room to spare: 0.002 was seen. Candidates that could still be among
the nearest are compared exactly."""
_MOST_SPARE = 64
_NOTHING = 1e-30
"""A vector shorter than this points nowhere."""
_VECTOR_OVERHEAD = 250
"""Bytes of Python objects a vector: its id and the places where it is noted."""
_GROUP_OVERHEAD = 1500
_MOST_INCOMPLETE = 100_000


class Neighbour(NamedTuple):
    entry_id: str
    cosine: float
    link: str
    """The extra question that was nearest; empty if it was the entry's own."""


def pack(vector: Floats) -> bytes:
    """One byte a dimension and the scale in four more. Raises ValueError for a vector with a part that is no number."""
    vector = np.asarray(vector, dtype=np.float32)
    largest = float(np.abs(vector).max(initial=0.0))
    if not np.isfinite(largest):
        raise ValueError("a vector holds a part that is not a finite number")
    scale = largest / _STEPS if largest > _NOTHING else 0.0
    codes = np.rint(vector / scale) if scale else np.zeros(vector.shape)
    return codes.astype(np.int8).tobytes() + np.array(scale, _SCALE).tobytes()


def unpack(packed: bytes) -> Floats:
    """The vector again, to about half a percent of its largest part. Raises ValueError."""
    codes, scale = _parts(packed)
    return codes.astype(np.float32) * scale


def _parts(packed: bytes) -> tuple[Codes, np.float32]:
    if len(packed) <= _SCALE.itemsize:
        raise ValueError("not a packed vector")
    codes = np.frombuffer(packed, np.int8, len(packed) - _SCALE.itemsize)
    return codes, np.frombuffer(packed, _SCALE, 1, len(codes))[0]


def dots_with_numpy(codes: Codes, query_codes: Codes, query: Floats) -> Floats:
    """In blocks that stay in the processor's cache: numpy has no quick product of bytes."""
    found = np.empty(len(codes), np.float32)
    block = np.empty((min(_ROWS, len(codes)), codes.shape[1]), np.float32)
    for start in range(0, len(codes), len(block)):
        some = codes[start : start + len(block)]
        np.copyto(block[: len(some)], some)
        np.dot(block[: len(some)], query, out=found[start : start + len(some)])
    return found


def dots_with_simsimd(codes: Codes, query_codes: Codes, query: Floats) -> Floats:
    """Products of bytes, summed exactly."""
    dots: Floats = np.asarray(simsimd.cdist(query_codes[None], codes, metric="dot"))[0].astype(np.float32)
    return dots


def kernel() -> Kernel:
    """The quickest that works on this machine."""
    return dots_with_simsimd if _SIMSIMD and _is_exact(dots_with_simsimd) else dots_with_numpy


def _is_exact(dots: Kernel) -> bool:
    """Try a kernel on products that are known. Another library in the process can break it: with usearch imported before
    simsimd, simsimd takes no bytes any more."""
    codes = (np.arange(5 * 384).reshape(5, 384) * 37 % 255 - _STEPS).astype(np.int8)
    codes[0] = _STEPS
    try:
        found = dots(codes, codes[0], codes[0].astype(np.float32))
    except Exception as error:
        log.warning("vectors are compared with numpy, which takes three times as long: simsimd fails (%s)", error)
        return False
    exact = np.array_equal(found, codes.astype(np.int64) @ codes[0].astype(np.int64))
    if not exact:
        log.warning("vectors are compared with numpy, which takes three times as long: simsimd computes wrong products")
    return exact


class _Block:
    """Rows that are only added to. A row that is taken away loses its id and its length, and is left behind by mending."""

    __slots__ = ("codes", "dead", "ids", "inverse", "links", "serial", "used")

    def __init__(self, serial: int, dims: int, rows: int) -> None:
        self.serial = serial
        self.codes: Codes = np.zeros((rows, dims), np.int8)
        self.inverse: Floats = np.zeros(rows, np.float32)
        self.ids: list[str | None] = []
        self.links: list[str] = []
        self.used = 0
        self.dead = 0

    @property
    def full(self) -> bool:
        return self.used == _ROWS

    @property
    def live(self) -> int:
        return self.used - self.dead

    @property
    def bytes(self) -> int:
        return self.codes.nbytes + self.inverse.nbytes + self.used * _VECTOR_OVERHEAD

    def append(self, codes: Codes, inverse: float, entry_id: str, link: str) -> int:
        if self.used == len(self.codes):
            self._grow()
        row = self.used
        self.codes[row] = codes
        self.inverse[row] = inverse
        self.ids.append(entry_id)
        self.links.append(link)
        self.used = row + 1
        return row

    def _grow(self) -> None:
        """Into new arrays: a search may be reading these."""
        rows = min(2 * len(self.codes), _ROWS)
        codes = np.zeros((rows, self.codes.shape[1]), np.int8)
        inverse = np.zeros(rows, np.float32)
        codes[: self.used], inverse[: self.used] = self.codes[: self.used], self.inverse[: self.used]
        self.codes, self.inverse = codes, inverse

    def kill(self, row: int) -> None:
        self.ids[row] = None
        self.inverse[row] = 0.0
        self.dead += 1


class _Group:
    """Places are plain numbers (block's serial * _ROWS + row), not objects: half a million objects more would make each
    round of Python's garbage collector stop the gateway for tens of milliseconds."""

    __slots__ = ("_serials", "blocks", "bytes", "dims", "places")

    def __init__(self, dims: int) -> None:
        self.dims = dims
        self.blocks: dict[int, _Block] = {}
        self.places: dict[str, int | tuple[int, ...]] = {}
        self.bytes = _GROUP_OVERHEAD
        self._serials = 0

    def add(self, codes: Codes, entry_id: str, link: str) -> bool:
        places = self._places(entry_id)
        if any(self._link(place) == link for place in places):
            return False
        block = self._last()
        before = block.bytes
        length = float(np.linalg.norm(codes.astype(np.float32)))
        row = block.append(codes, 1.0 / length if length else 0.0, entry_id, link)
        self._note(entry_id, (*places, block.serial * _ROWS + row))
        self.bytes += block.bytes - before
        return True

    def remove(self, entry_id: str, link: str | None) -> int:
        """Take an entry's vectors away, or the one of a link; how many there were."""
        places = self._places(entry_id)
        going = [place for place in places if link is None or self._link(place) == link]
        self._note(entry_id, tuple(place for place in places if place not in going))
        for place in going:
            self.blocks[place // _ROWS].kill(place % _ROWS)
        for serial in {place // _ROWS for place in going}:
            block = self.blocks[serial]
            if 2 * block.dead > block.used:
                self._mend(block)
        return len(going)

    def forget_oldest(self) -> list[str]:
        """Let go of the oldest block; ids of entries that have no vector left."""
        block = self.blocks.pop(next(iter(self.blocks)))
        self.bytes -= block.bytes
        ids = {id_ for id_ in block.ids if id_ is not None}
        for id_ in ids:
            self._note(id_, tuple(place for place in self._places(id_) if place // _ROWS != block.serial))
        return [id_ for id_ in ids if id_ not in self.places]

    def _places(self, entry_id: str) -> tuple[int, ...]:
        places = self.places.get(entry_id, ())
        return (places,) if isinstance(places, int) else places

    def _note(self, entry_id: str, places: tuple[int, ...]) -> None:
        if places:
            self.places[entry_id] = places[0] if len(places) == 1 else places
        else:
            self.places.pop(entry_id, None)

    def _link(self, place: int) -> str:
        return self.blocks[place // _ROWS].links[place % _ROWS]

    def _last(self) -> _Block:
        """The block that new vectors go to."""
        if self.blocks:
            last = next(reversed(self.blocks.values()))
            if not last.full:
                return last
        return self._new_block(_ROWS if self.blocks else _FIRST_ROWS)

    def _new_block(self, rows: int) -> _Block:
        block = self.blocks[self._serials] = _Block(self._serials, self.dims, rows)
        self._serials += 1
        self.bytes += block.bytes
        return block

    def _mend(self, worn: _Block) -> None:
        """Move what lives in a half dead block, and in others that hold little, to a new block; it becomes the last."""
        joined = [worn]
        room = _ROWS - worn.live
        for block in self.blocks.values():
            if block is not worn and 4 * block.live <= _ROWS and block.live <= room:
                joined.append(block)
                room -= block.live
        joined.sort(key=lambda block: block.serial)
        for block in joined:
            del self.blocks[block.serial]
            self.bytes -= block.bytes
        if room < _ROWS:
            fresh = self._new_block(max(_FIRST_ROWS, _ROWS - room))
            for block in joined:
                self._move(block, fresh)

    def _move(self, block: _Block, fresh: _Block) -> None:
        before = fresh.bytes
        living = [(row, id_) for row, id_ in enumerate(block.ids) if id_ is not None]
        rows = [row for row, _ in living]
        start, end = fresh.used, fresh.used + len(rows)
        fresh.codes[start:end] = block.codes[rows]
        fresh.inverse[start:end] = block.inverse[rows]
        for to, (row, id_) in enumerate(living, start):
            fresh.ids.append(id_)
            fresh.links.append(block.links[row])
            was, now = block.serial * _ROWS + row, fresh.serial * _ROWS + to
            self._note(id_, tuple(now if place == was else place for place in self._places(id_)))
        fresh.used = end
        self.bytes += fresh.bytes - before


class Index:
    """Vectors by group. Safe from any thread: changes take a lock for microseconds, a search holds it for none of its
    arithmetic and lets other threads run meanwhile."""

    def __init__(self, *, memory_bytes: int = 256 * 1024 * 1024, dots: Kernel | None = None) -> None:
        """Where `memory_bytes` are not enough, the groups that were not used for longest go first."""
        self._most = memory_bytes
        self._dots = dots or kernel()
        self._groups: OrderedDict[bytes, _Group] = OrderedDict()
        self._home: dict[str, bytes] = {}
        self._incomplete: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()
        self._bytes = 0

    def __len__(self) -> int:
        """Entries that have a vector here."""
        return len(self._home)

    @property
    def size(self) -> int:
        """Bytes of memory that vectors and their places take, as counted against the bound."""
        return self._bytes

    @property
    def groups(self) -> int:
        return len(self._groups)

    def add(self, group: bytes, entry_id: str, packed: bytes, *, link: str = "") -> bool:
        """Find this vector from now on; False if it is there already, or does not fit the group's dimensions.

        Raises ValueError if it is no packed vector.
        """
        codes, _ = _parts(packed)
        with self._lock:
            home = self._home.get(entry_id, group)
            if home != group:
                self._remove(home, entry_id, None)
            found = self._groups.get(group)
            if found is None:
                found = self._groups[group] = _Group(len(codes))
                self._bytes += found.bytes
            self._groups.move_to_end(group)
            if found.dims != len(codes):
                return False
            before = found.bytes
            if not found.add(codes, entry_id, link):
                return False
            self._home[entry_id] = group
            self._bytes += found.bytes - before
            self._make_room()
            return True

    def remove(self, entry_id: str, *, link: str | None = None) -> bool:
        """No longer find an entry, or only one of its extra questions; whether it was found before."""
        with self._lock:
            group = self._home.get(entry_id)
            return group is not None and self._remove(group, entry_id, link)

    def nearest(self, group: bytes, vector: Floats, k: int = 4, *, at_least: float = 0.0) -> list[Neighbour]:
        """The `k` entries of the group whose vectors are nearest, the nearest first, each once, with a cosine of at
        least `at_least`, and above 0. Blocks for about 20 ns a vector of 384 dimensions."""
        query = np.asarray(vector, dtype=np.float32)
        with self._lock:
            found = self._groups.get(group)
            if found is None or found.dims != len(query) or k < 1:
                return []
            self._groups.move_to_end(group)
            parts = [(block, block.codes, block.inverse, block.used) for block in found.blocks.values()]
        length, largest = float(np.linalg.norm(query)), float(np.abs(query).max(initial=0.0))
        if not (largest > _NOTHING and np.isfinite(length)):
            return []
        unit = query / np.float32(length)
        query_codes = np.rint(query * (_STEPS / largest)).astype(np.int8)
        scores = self._scores(parts, query_codes, unit)
        best: dict[str, Neighbour] = {}
        for candidate in sorted(self._candidates(parts, scores, unit, k, at_least), key=lambda each: -each.cosine):
            best.setdefault(candidate.entry_id, candidate)
        return list(best.values())[:k]

    def _scores(self, parts: "list[_Part]", query_codes: Codes, unit: Floats) -> Floats:
        scores = np.empty(sum(used for *_, used in parts), np.float32)
        coded = np.float32(np.linalg.norm(query_codes.astype(np.float32)))
        in_codes = self._dots is not dots_with_numpy
        start = 0
        for _, codes, inverse, used in parts:
            dots = self._dots(codes[:used], query_codes, unit)
            np.multiply(dots, inverse[:used], out=scores[start : start + used])
            start += used
        if in_codes:
            scores /= coded
        return scores

    @staticmethod
    def _candidates(parts: "list[_Part]", scores: Floats, unit: Floats, k: int, at_least: float) -> Iterator[Neighbour]:
        """Entries by falling score, with the exact cosine of the stored vector, as long as one could be among the `k`."""
        best: dict[str, float] = {}
        floor = max(at_least - _SLACK, 0.0)
        for _ in range(min(len(scores), k + _MOST_SPARE)):
            at = int(scores.argmax())
            if scores[at] <= floor:
                return
            scores[at] = -1.0
            block, codes, inverse, row = _place(parts, at)
            entry_id = block.ids[row]
            cosine = float(np.dot(codes[row].astype(np.float32), unit) * inverse[row])
            if entry_id is None or cosine < at_least:
                continue
            yield Neighbour(entry_id, min(cosine, 1.0), block.links[row])
            best[entry_id] = max(cosine, best.get(entry_id, 0.0))
            if len(best) >= k:
                floor = max(floor, sorted(best.values())[-k] - _SLACK)

    def incomplete(self, group: bytes) -> bool:
        """Whether vectors of this group were let go of for want of memory: load it again with `completed` at the end."""
        return group in self._incomplete

    def completed(self, group: bytes) -> None:
        """All vectors of the group were added again."""
        with self._lock:
            self._incomplete.pop(group, None)

    def clear(self) -> None:
        with self._lock:
            self._groups.clear()
            self._home.clear()
            self._incomplete.clear()
            self._bytes = 0

    def _remove(self, group: bytes, entry_id: str, link: str | None) -> bool:
        found = self._groups[group]
        before = found.bytes
        removed = found.remove(entry_id, link)
        self._bytes += found.bytes - before
        if entry_id not in found.places:
            del self._home[entry_id]
        if not found.places:
            self._bytes -= self._groups.pop(group).bytes
        return removed > 0

    def _make_room(self) -> None:
        while self._bytes > self._most and len(self._groups) > 1:
            group, found = self._groups.popitem(last=False)
            self._bytes -= found.bytes
            for entry_id in found.places:
                del self._home[entry_id]
            self._note_incomplete(group)
        if self._bytes > self._most:
            self._shorten(next(iter(self._groups.values())))

    def _shorten(self, only: _Group) -> None:
        """One group alone is too large: its oldest vectors go, for good."""
        while only.bytes > self._most and len(only.blocks) > 1:
            for entry_id in only.forget_oldest():
                del self._home[entry_id]
        self._bytes = only.bytes

    def _note_incomplete(self, group: bytes) -> None:
        self._incomplete[group] = None
        if len(self._incomplete) > _MOST_INCOMPLETE:
            self._incomplete.popitem(last=False)


_Part = tuple[_Block, Codes, Floats, int]


def _place(parts: list[_Part], at: int) -> tuple[_Block, Codes, Floats, int]:
    for block, codes, inverse, used in parts:
        if at < used:
            return block, codes, inverse, at
        at -= used
    raise IndexError(at)
