"""How many tokens a model is expected to write, learned from what it wrote on such work before.

    expected = level of the scope x ratio of the model there

The level says how long answers to such work are, whoever writes them; the ratio how much more a model writes than
others on the same kind of work, so that a model is not thought to be wordy because it gets the long tasks. Both are means that are drawn towards those of the next wider scope, as if these had been seen `STRENGTH` times:

    template -> task -> all of the tenant -> all -> what is assumed of the task and the model

With many answers of a model in a scope this is their mean. Old answers fade, so that a model that changes is followed.
Across tenants nothing but these two means is shared. Knows nothing of prices.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from farthing.catalog.lengths import Lengths
from farthing.model.record import CACHE_HITS, Attempt, Record
from farthing.model.routes import ANY, scopes_of

STRENGTH = 24.0
"""Answers that the wider scope weighs as many as."""
FADE_AT = 2048
"""Answers after which those that were seen weigh half."""
MOST_CELLS = 50_000
"""Scopes with a model that are remembered: callers can make up templates."""
MEMORY = 10_000
"""Expectations that are remembered until something is learned."""
SEEN = 8
"""Answers of a model that make its length a seen one."""
MOST_SHARE = 0.99

TYPICAL = 300.0
"""Tokens of an answer to work of which nothing is known."""
TYPICAL_OF = {
    "classification": 20.0, "extraction": 120.0, "summarisation": 250.0, "qa": 200.0, "reasoning": 500.0,
    "creative": 700.0, "code": 500.0, "rewrite": 300.0, "embedding": 20.0,
}  # fmt: skip
"""The same by kind of work: orders of magnitude, with the weight of `STRENGTH` answers."""
_TYPICAL_AT = {f"task:{task}": tokens for task, tokens in TYPICAL_OF.items()}


class Written(Protocol):
    """Answers that were counted before, as the store sums them up."""

    @property
    def tenant(self) -> str: ...
    @property
    def scope(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def answers(self) -> int: ...
    @property
    def out_tokens(self) -> int: ...


class _Cell:
    """Answers of one model in one scope."""

    __slots__ = ("lengths", "relative", "seen", "tokens")

    def __init__(self) -> None:
        self.seen = 0.0
        self.tokens = 0.0
        self.relative = 0.0
        """The sum of each answer's length as a multiple of what was to be expected, whoever wrote it."""
        self.lengths: Lengths | None = None

    def fade(self) -> None:
        self.seen /= 2
        self.tokens /= 2
        self.relative /= 2
        if self.lengths is not None:
            self.lengths.forget_half()


class _Level:
    """Answers of all models in one scope, each by its model's ratio."""

    __slots__ = ("seen", "tokens")

    def __init__(self) -> None:
        self.seen = 0.0
        self.tokens = 0.0

    def fade(self) -> None:
        self.seen /= 2
        self.tokens /= 2


class Expect:
    """Expected lengths. Learns in the ledger's thread while calls are served: readers see each number whole."""

    def __init__(
        self, verbosity: Callable[[str], float] = lambda _: 1.0, name_of: Callable[[str], str] = str,
        most_cells: int = MOST_CELLS,
    ) -> None:  # fmt: skip
        """`verbosity`: what is assumed of a model that was not seen; `name_of`: the name of a model that others ask for,
        as attempts have it."""
        self._verbosity = verbosity
        self._name_of = name_of
        self._most = most_cells
        self._cells: dict[tuple[str, str, str], _Cell] = {}
        self._levels: dict[tuple[str, str], _Level] = {}
        self._told: dict[tuple[str, tuple[str, ...], str], float] = {}
        """What was said since something was last learned."""

    @property
    def size(self) -> int:
        """Scopes with a model that are remembered."""
        return len(self._cells)

    def tokens(self, tenant: str, scopes: tuple[str, ...], model: str) -> float:
        """Output tokens that an answer is expected to have; `scopes` from the narrowest to the widest."""
        told = self._told  # the other thread puts a new one in its place
        key = (tenant, scopes, model)
        found = told.get(key)
        if found is None:
            found = self._tokens(tenant, scopes, model)
            if len(told) >= MEMORY:
                told.clear()
            told[key] = found
        return found

    def _tokens(self, tenant: str, scopes: tuple[str, ...], model: str) -> float:
        ways = self._ways(tenant, scopes, self._name_of(model), self._verbosity(model))
        level, ratio, cell = ways[-1]
        if cell is None:
            return level * ratio
        wider = ways[-2][1] if len(ways) > 1 else ratio
        return (cell.tokens + STRENGTH * level * wider) / (cell.seen + STRENGTH)

    def was_seen(self, tenant: str, scopes: tuple[str, ...], model: str) -> bool:
        """Whether the model wrote enough of such answers for their length to be known."""
        name = self._name_of(model)
        cells = (self._cells.get((tenant, scope, name)) for scope in scopes)
        return any(cell is not None and cell.seen >= SEEN for cell in cells)

    def likely_most(self, tenant: str, scopes: tuple[str, ...], model: str, share: float = MOST_SHARE) -> int | None:
        """Tokens within which an answer stays with a chance of `share`; None where too few were seen. All work together
        says nothing about one kind of it, so it is looked at only where no kind is known."""
        name = self._name_of(model)
        for scope in scopes:
            if scope == ANY and len(scopes) > 1:
                break
            cell = self._cells.get((tenant, scope, name))
            most = cell.lengths.at_most(share) if cell is not None and cell.lengths is not None else None
            if most is not None:
                return most
        return None

    def observe(self, records: Sequence[Record]) -> None:
        """Learn from calls that ended well. An observer of the ledger."""
        for record in records:
            attempt = _answered(record)
            if attempt is not None and attempt.usage is not None:
                self.add(record.tenant, scopes_of(record.template, record.task), attempt.model, attempt.usage.out)

    def add(self, tenant: str, scopes: tuple[str, ...], model: str, tokens: int) -> None:
        """Learn of one answer."""
        if tokens <= 0:
            return
        name = self._name_of(model)
        ways = self._ways(tenant, scopes, name, self._verbosity(model))
        level = ways[-1][0]
        self._put(ANY, ANY, name, 1, tokens, level, ways[0][1])
        for scope, (_, wider, _) in zip(reversed(scopes), ways, strict=False):
            cell = self._put(tenant, scope, name, 1, tokens, level, wider)
            if cell.lengths is None:
                cell.lengths = Lengths()
            cell.lengths.add(tokens)
        self._told = {}

    def load(self, written: Iterable[Written]) -> None:
        """Start from sums that were kept. Each scope has sums of its own."""
        rows = sorted((row for row in written if row.answers > 0 and row.out_tokens > 0), key=_width)
        for row in rows:
            name = self._name_of(row.model)
            scopes = (row.scope,) if row.scope == ANY else (row.scope, ANY)
            level, ratio, _ = self._ways(row.tenant, scopes, name, self._verbosity(row.model))[-1]
            share = min(1.0, FADE_AT / 2 / row.answers)
            seen, tokens = row.answers * share, row.out_tokens * share
            for whose in {row.tenant, ANY} if row.scope == ANY else (row.tenant,):
                self._put(whose, row.scope, name, seen, tokens, level, ratio)
        self._told = {}

    def _ways(
        self, tenant: str, scopes: tuple[str, ...], name: str, ratio: float
    ) -> list[tuple[float, float, _Cell | None]]:  # fmt: skip
        """Level, ratio and answers of each scope, from the widest, which is that of all tenants, to the narrowest."""
        ways: list[tuple[float, float, _Cell | None]] = []
        level = TYPICAL
        for whose, scope in ((ANY, ANY), *[(tenant, scope) for scope in reversed(scopes)]):
            level = _TYPICAL_AT.get(scope, level)
            all_models = self._levels.get((whose, scope))
            cell = None
            if all_models is not None:
                level = (all_models.tokens + STRENGTH * level) / (all_models.seen + STRENGTH)
                cell = self._cells.get((whose, scope, name))
                if cell is not None:
                    ratio = (cell.relative + STRENGTH * ratio) / (cell.seen + STRENGTH)
            ways.append((level, ratio, cell))
        return ways

    def _put(
        self, tenant: str, scope: str, model: str, seen: float, tokens: float, level: float, ratio: float
    ) -> _Cell:  # fmt: skip
        """Add answers of which `level` was expected of anyone, and `ratio` times that of this model, as wider scopes say:
        by its ratio here a scope that one model has to itself could not tell a long task from a wordy model."""
        cell = self._cells.get((tenant, scope, model))
        if cell is None:
            self._make_room()
            cell = self._cells[tenant, scope, model] = _Cell()
        cell.seen += seen
        cell.tokens += tokens
        cell.relative += tokens / level
        if cell.seen >= FADE_AT:
            cell.fade()
        whole = self._levels.get((tenant, scope))
        if whole is None:
            whole = self._levels[tenant, scope] = _Level()
        whole.seen += seen
        whole.tokens += tokens / ratio
        if whole.seen >= FADE_AT:
            whole.fade()
        return cell

    def _make_room(self) -> None:
        """Forget the half that was seen least."""
        if len(self._cells) < self._most:
            return
        kept = sorted(self._cells.items(), key=lambda item: -item[1].seen)[: self._most // 2]
        scopes = {key[:2] for key, _ in kept}
        self._cells = dict(kept)
        self._levels = {key: level for key, level in self._levels.items() if key in scopes}


def _width(row: Written) -> int:
    """0 for all work, then tasks, then templates."""
    return 0 if row.scope == ANY else 1 if row.scope.startswith("task:") else 2


def _answered(record: Record) -> Attempt | None:
    """The attempt whose answer was read to its end and counted by the provider."""
    if record.outcome != "ok" or record.cache in CACHE_HITS:
        return None
    for attempt in reversed(record.attempts):
        if not attempt.part:
            return attempt if attempt.outcome == "ok" and not attempt.estimated else None
    return None
