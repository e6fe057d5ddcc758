"""Which model ids a rate card is for: the match clauses of the card files. Knows nothing of prices.

A clause is a JSON object with one key: `equals`, `starts_with`, `ends_with`, `contains`, `regex`, `or`, `and`. All but
`regex` ignore case; ids are compared in lower case.
"""

import re

import msgspec



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
            raise ValueError("a match clause has exactly one of equals, starts_with, ends_with, contains, regex, or, and")
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as error:
                raise ValueError(f"regex {self.regex!r}: {error}") from None

    def matches(self, model: str) -> bool:
        """Whether `model`, in lower case, is meant."""
        if self.equals is not None:
            return model == self.equals.lower()
        if self.starts_with is not None:
            return model.startswith(self.starts_with.lower())
        if self.ends_with is not None:
            return model.endswith(self.ends_with.lower())
        if self.contains is not None:
            return self.contains.lower() in model
        if self.regex is not None:
            return re.search(self.regex, model) is not None
        if self.any_of is not None:
            return any(clause.matches(model) for clause in self.any_of)
        return all(clause.matches(model) for clause in self.all_of or ())
