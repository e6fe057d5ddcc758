"""What is known of each model: its tier, how much it reads and writes, what it can do. Dated data (`models.json`), read
by patterns of names, a family at a time.

What the data leave unsaid is unknown, and unknown is never taken for yes. Knows nothing of prices, providers and
settings.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from farthing.model.routes import TIERS

DATA = Path(__file__).with_name("models.json")

Kind = Literal["small", "mid", "flagship", "embedding"]
KINDS: tuple[Kind, ...] = (*TIERS, "embedding")

CAPABILITIES = ("tools", "schema", "images", "audio", "files", "reasoning")
"""What a request may need, as `Asked.needs` names it."""


class ModelFacts(msgspec.Struct, frozen=True):
    """What is known of one model."""

    tier: Kind | None = None
    context: int | None = None
    """Tokens of input and output together."""
    max_output: int | None = None
    """Tokens of one answer, reasoning included."""
    can: frozenset[str] = frozenset()
    """Of CAPABILITIES, those that it is known to have."""
    verbosity: float = 1.0
    """How much more it writes than a model that does not think by itself, before traffic has shown it."""
    left_out: str = ""
    """Why it serves no ordinary calls, for a model that is known to serve none."""


UNKNOWN = ModelFacts()


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Facts of the models that patterns name; the first of `models` that fits says what differs."""

    match: tuple[str, ...]
    tier: Kind | None = None
    context: int | None = None
    max_output: int | None = None
    can: frozenset[str] | None = None
    verbosity: float | None = None
    out: str = ""
    models: tuple["Rule", ...] = ()


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    as_of: str
    sources: tuple[str, ...]
    families: tuple[Rule, ...]
    ladders: dict[str, dict[Kind, tuple[str, ...]]]
    """Price list -> tier -> models that stand for it, the one to take first."""


@cache
def shipped() -> Data:
    """The data that come with Farthing."""
    return msgspec.json.decode(DATA.read_bytes(), type=Data)


def facts_of(model: str) -> ModelFacts:
    """What is known of a model by its name at a provider; UNKNOWN where no family has it."""
    name = plain_name(model)
    family = next((rule for rule in shipped().families if matches(rule.match, name)), None)
    if family is None:
        return UNKNOWN
    own = next((rule for rule in family.models if matches(rule.match, name)), family)
    return ModelFacts(
        tier=own.tier or family.tier,
        context=own.context or family.context,
        max_output=own.max_output or family.max_output,
        can=own.can if own.can is not None else family.can or frozenset(),
        verbosity=own.verbosity or family.verbosity or 1.0,
        left_out=own.out or family.out,
    )


_CLOUD = re.compile(r"^(?:(?:global|regional|us|eu|apac|jp|au|ca)\.)?(?:[a-z]+\.)?(?=[a-z])")
"""Where Bedrock says in front of a name whose model it is, and in which region it is served."""
_POINT = re.compile(r"(?<=\d)p(?=\d)")
"""Fireworks writes 5p3 for 5.3."""


def plain_name(model: str) -> str:
    """The name that patterns are written for: in lower case, without host, owner and what follows a colon or an @."""
    name = model.lower().rsplit("/", 1)[-1].split("@")[0]
    if name.startswith("ft:"):
        name = name.removeprefix("ft:")
    name = name.split(":")[0]
    if "." in name:
        name = _CLOUD.sub("", name)
    if name.startswith("claude"):
        return name.replace(".", "-")
    return _POINT.sub(".", name)


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the patterns fits a `plain_name`."""
    return any(_pattern(pattern).fullmatch(name) for pattern in patterns)


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """A pattern of the data, where only `*` is special."""
    return re.compile(".*".join(re.escape(part) for part in text.split("*")))
