"""Which model ids a rate card is for: the match clauses of the card files, and the forms that an id comes in.

A clause is a JSON object with one key: `equals`, `starts_with`, `ends_with`, `contains`, `regex`, `or`, `and`. All but
`regex` ignore case; ids are compared in lower case. Knows nothing of prices.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

_PATHS = ("models/", "publishers/google/models/", "publishers/anthropic/models/")
"""What Gemini's and Vertex's APIs write before the name of a model."""

_COMPACT_DATE = re.compile(r"-(\d{4})(\d{2})(\d{2})$")
_SNAPSHOT = re.compile(r"[-@](\d{8}|\d{4}-\d{2}-\d{2})$")

_compiled = lru_cache(maxsize=None)(re.compile)
"""Compiled when first met: most of the shipped clauses are never asked."""


class Clause(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One condition on a model id in lower case; exactly one field is set."""

    equals: str | None = None
    starts_with: str | None = None
    ends_with: str | None = None
    contains: str | None = None
    regex: str | None = None
    any_of: list["Clause"] | None = msgspec.field(default=None, name="or")
    all_of: list["Clause"] | None = msgspec.field(default=None, name="and")

    def __post_init__(self) -> None:
        if sum(getattr(self, name) is not None for name in self.__struct_fields__) != 1:
            raise ValueError(
                "a match clause has exactly one of equals, starts_with, ends_with, contains, regex, or, and"
            )

    def matches(self, model: str) -> bool:
        """Whether `model`, in lower case, is meant. Raises re.error for a regex that is none."""
        if self.equals is not None:
            return model == self.equals.lower()
        if self.starts_with is not None:
            return model.startswith(self.starts_with.lower())
        if self.ends_with is not None:
            return model.endswith(self.ends_with.lower())
        if self.contains is not None:
            return self.contains.lower() in model
        if self.regex is not None:
            return _compiled(self.regex).search(model) is not None
        if self.any_of is not None:
            return any(clause.matches(model) for clause in self.any_of)
        return all(clause.matches(model) for clause in self.all_of or ())

    def check(self) -> None:
        """Raises ValueError for a regex that is none."""
        if self.regex is not None:
            try:
                _compiled(self.regex)
            except re.error as error:
                raise ValueError(f"regex {self.regex!r}: {error}") from None
        for clause in (*(self.any_of or ()), *(self.all_of or ())):
            clause.check()


def forms_of(model: str) -> Iterator[tuple[str, bool]]:
    """The ids under which a model may be listed, the surest first, and whether a snapshot's date was left out."""
    name = model.lower()
    for path in _PATHS:
        name = name.removeprefix(path)
    yield name, False
    dashed = _COMPACT_DATE.sub(r"-\1-\2-\3", name)
    if dashed != name:
        yield dashed, False
    undated = _SNAPSHOT.sub("", name)
    if undated != name:
        yield undated, True
