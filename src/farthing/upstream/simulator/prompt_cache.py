"""The providers' prompt caches: what a prompt reads from them and writes to them, in tokens.

- OpenAI before GPT-5.6 and DeepSeek (`blocks`): the longest known prefix in steps of 128 (64) tokens; writes are free.
- OpenAI from GPT-5.6 on (`breakpoints`): prefixes that end at a breakpoint, exact to the token; writes are billed.
- Anthropic (`marks`): prefixes of whole content blocks that end at a `cache_control` mark, which looks back 20 blocks.

An entry is there once the call that wrote it has begun to answer, and its time starts anew when it is read. Knows nothing
of wires: prompts come as tokens or blocks, the scope (key, model, ...) as text. The oldest entries go first.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import accumulate

import msgspec

from farthing.upstream.simulator.tokens import Ids

TTL_SECONDS = {"5m": 300, "1h": 3600, "30m": 1800, "12h": 43_200}
_RETENTION = {"in_memory": 600, "24h": 86_400}
"""Seconds without a read after which an automatic entry goes."""
_LOOK_BACK = 20
"""Blocks before a mark in which Anthropic finds an entry."""
_BREAKPOINTS = 80
"""The latest breakpoints that OpenAI compares a prompt with."""
_ROUTED_BY = 256
"""OpenAI sends prompts with the same first tokens to the same machine."""


class CacheUse(msgspec.Struct, frozen=True):
    """Tokens of one prompt, apart from each other; what is in none of them was neither read nor written."""

    read: int = 0
    w5m: int = 0
    w1h: int = 0
    w30m: int = 0
    w12h: int = 0

    @property
    def written(self) -> int:
        return self.w5m + self.w1h + self.w30m + self.w12h


class Block(msgspec.Struct):
    """A piece of an Anthropic prompt that a mark can stand on: a tool, a system block, a block of a message."""

    content: bytes
    """What must be the same, byte for byte, for a hit."""
    tokens: int
    mark: str = ""
    """The TTL of a mark on it: 5m or 1h."""


class _Entry(msgspec.Struct):
    ready: float
    expires: float


class Names:
    """Names prompts' prefixes: equal ones alike, others differently."""

    def of_tokens(self, scope: str, ids: Ids, lengths: Sequence[int]) -> Sequence[bytes]:
        """Of the prefixes of `lengths`, which rise."""
        digest = blake2b(scope.encode("utf-8", "replace"), digest_size=16)
        names, before = [], 0
        for length in lengths:
            digest.update(ids[before:length].tobytes())
            before = length
            names.append(digest.copy().digest())
        return names

    def of_blocks(self, scope: str, blocks: Sequence[Block]) -> Sequence[bytes]:
        """Of the prefixes that end at each block."""
        digest = blake2b(scope.encode(), digest_size=16)
        names = []
        for block in blocks:
            digest.update(len(block.content).to_bytes(8, "big") + block.content)
            names.append(digest.copy().digest())
        return names


class PromptCaches:
    """`clock` gives seconds; `limit` bounds the number of remembered prefixes."""

    def __init__(self, clock: Callable[[], float], limit: int = 200_000, names: Names | None = None) -> None:
        self._clock = clock
        self._limit = limit
        self._names = names or Names()
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._lengths: OrderedDict[bytes, deque[int]] = OrderedDict()

    def blocks(
        self, scope: str, ids: Ids, *, least: int, step: int = 128, retention: str = "in_memory", delay: float = 0.0
    ) -> CacheUse:
        """OpenAI's and DeepSeek's automatic cache. `delay` is the time in seconds until this call begins to answer."""
        lengths = range(least, len(ids) + 1, step)
        keys = self._names.of_tokens(scope, ids, lengths)
        now, known = self._clock(), 0
        for length, key in zip(lengths, keys, strict=True):
            if not self._has(key, now):
                break
            known = length
        lifetime = _RETENTION.get(retention, 600)
        for key in keys:
            self._keep(key, lifetime, delay, now)
        return CacheUse(read=known)

    def breakpoints(
        self, scope: str, ids: Ids, points: Sequence[tuple[int, str]], *, least: int, delay: float = 0.0
    ) -> CacheUse:
        """OpenAI's cache since GPT-5.6. `points` are (tokens before the breakpoint, its TTL)."""
        scope = f"{scope}\0{ids[:_ROUTED_BY].tobytes().hex()}"
        route = blake2b(scope.encode(), digest_size=16).digest()
        candidates = sorted({length for length in self._lengths.get(route, ()) if length <= len(ids)})
        keys = dict(zip(candidates, self._names.of_tokens(scope, ids, candidates), strict=True))
        now = self._clock()
        read = max((length for length, key in keys.items() if self._has(key, now)), default=0)
        if read:
            self._refresh(keys[read], now)
        wanted = sorted((length, ttl) for length, ttl in points if length >= least)
        written = {"30m": 0, "12h": 0}
        before = read
        names = self._names.of_tokens(scope, ids, [length for length, _ in wanted])
        for (length, ttl), key in zip(wanted, names, strict=True):
            if length > before:
                written[ttl] += length - before
                before = length
                self._keep(key, TTL_SECONDS[ttl], delay, now)
                self._remember(route, length)
        return CacheUse(read=read, w30m=written["30m"], w12h=written["12h"])

    def marks(self, scope: str, blocks: Sequence[Block], *, least: int, delay: float = 0.0) -> CacheUse:
        """Anthropic's cache. The caller has checked that there are at most four marks, the longer TTL first."""
        keys = self._names.of_blocks(scope, blocks)
        ends = list(accumulate(block.tokens for block in blocks))
        now = self._clock()
        marked = [at for at, block in enumerate(blocks) if block.mark and ends[at] >= least]
        hit = max((found for at in marked if (found := self._look_back(keys, at, now)) is not None), default=None)
        read = ends[hit] if hit is not None else 0
        if hit is not None:
            self._refresh(keys[hit], now)
        written = {"5m": 0, "1h": 0}
        before = read
        for at in marked:
            if ends[at] > before:
                written[blocks[at].mark] += ends[at] - before
                before = ends[at]
                self._keep(keys[at], TTL_SECONDS[blocks[at].mark], delay, now)
            elif self._has(keys[at], now):
                self._refresh(keys[at], now)
        return CacheUse(read=read, w5m=written["5m"], w1h=written["1h"])

    def _look_back(self, keys: Sequence[bytes], mark: int, now: float) -> int | None:
        return next((at for at in range(mark, max(-1, mark - _LOOK_BACK), -1) if self._has(keys[at], now)), None)

    def _has(self, key: bytes, now: float) -> bool:
        entry = self._entries.get(key)
        return entry is not None and entry.ready <= now < entry.expires

    def _refresh(self, key: bytes, now: float) -> None:
        """A read starts the entry's time anew."""
        entry = self._entries[key]
        lifetime = entry.expires - entry.ready
        entry.ready = now
        entry.expires = now + lifetime
        self._entries.move_to_end(key)

    def _keep(self, key: bytes, lifetime: float, delay: float, now: float) -> None:
        if self._has(key, now):
            self._refresh(key, now)
            return
        ready = now + delay
        self._entries[key] = _Entry(ready, ready + lifetime)
        self._entries.move_to_end(key)
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)

    def _remember(self, route: bytes, length: int) -> None:
        lengths = self._lengths.setdefault(route, deque(maxlen=_BREAKPOINTS))
        if length not in lengths:
            lengths.append(length)
        self._lengths.move_to_end(route)
        while len(self._lengths) > self._limit // 10:
            self._lengths.popitem(last=False)
