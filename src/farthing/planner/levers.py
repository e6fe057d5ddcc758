"""What can be switched on, as a plan tries it: the settings that do it, and what that may do to answers.

Each lever is one change of the settings' tree. They are tried alone, all together, and each taken out of all: what a lever is
worth beside the others lies between its first and its last place.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from farthing.model.arms import (
    BATCHING,
    DISTILLATION,
    MODEL_SELECTION,
    PROMPT_OPTIMISATION,
    PROVIDER_CACHING,
    SEMANTIC_CACHE,
)
from farthing.model.past import PastCall
from farthing.settings import Settings

Risk = Literal["lossless", "guarded", "needs proof"]
"""Answers stay as they are; answers change within a stated bound; nobody has compared them yet."""


class Lever(msgspec.Struct, frozen=True):
    """See the module."""

    name: str
    """As savings name it."""
    risk: Risk
    toml: str
    """What switches it on, as it is written in farthing.toml."""
    caution: str
    """What could go wrong, in a sentence."""
    switch: Callable[[Settings], Settings]
    effort: str = "one setting"
    on_top_of: str = ""
    """The lever that it needs: its worth is counted beside that one's, and it goes where that one is left out."""
    may_help: Callable[[Settings, Sequence[PastCall]], bool] = lambda settings, calls: True
    """Whether there is anything to try, by these settings and calls."""


def _cache(settings: Settings) -> Settings:
    cache = msgspec.structs.replace(settings.cache, mode="exact", max_temperature=1.0)
    return msgspec.structs.replace(settings, cache=cache)


def _routing(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, routing=msgspec.structs.replace(settings.routing, substitute=True))


def _caching(settings: Settings) -> Settings:
    prompts = msgspec.structs.replace(settings.prompts, provider_caching="auto")
    return msgspec.structs.replace(settings, prompts=prompts)


def _lossless(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, prompts=msgspec.structs.replace(settings.prompts, lossless="on"))


REPLAYED: Sequence[Lever] = (
    Lever(
        SEMANTIC_CACHE, "guarded", '[cache]\nmode = "exact"\nmax_temperature = 1.0',
        "Who asks the same again gets the same words again, for a day.", _cache,
    ),
    Lever(
        MODEL_SELECTION, "needs proof", "[routing]\nsubstitute = true",
        "Others' outcomes say that cheaper models do this work; your own calls must show it: a hold-out does.", _routing,
        "a judge and a few weeks of evidence",
    ),
    Lever(
        PROMPT_OPTIMISATION, "lossless", '[prompts]\nlossless = "on"',
        "Prompts say the same in fewer tokens; models see other white space and spelling.", _lossless,
    ),
    Lever(
        PROVIDER_CACHING, "lossless", '[prompts]\nprovider_caching = "auto"',
        "A write that nobody reads costs more than none; what may be lost by that is bounded.", _caching,
    ),
)  # fmt: skip
"""In the order of the steps that they are."""

NEAR = "semantic cache, near questions"
FEWEST_TAUGHT = 300
"""Calls of a feature with short answers, below which no student is trained."""
SHORT_ANSWER = 600
"""Bytes of a whole answer that may be one of a closed set."""


def _near(settings: Settings) -> Settings:
    cache = msgspec.structs.replace(settings.cache, mode="semantic", max_temperature=1.0, judge=_judge(settings))
    return msgspec.structs.replace(settings, cache=cache)


def _judge(settings: Settings) -> str:
    """Answers are compared by the best model at hand."""
    rules = settings.routing
    return settings.cache.judge or rules.judge or next(iter([*rules.flagship, *settings.models]), "MODEL")


def _students(settings: Settings) -> Settings:
    student = msgspec.structs.replace(settings.student, mode="on")
    capture = msgspec.structs.replace(settings.capture, features=["*"])
    return msgspec.structs.replace(settings, student=student, capture=capture)


def _balance(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, balance=msgspec.structs.replace(settings.balance, strategy="cost"))


def _have_short_answers(settings: Settings, calls: Sequence[PastCall]) -> bool:
    counts = Counter(past.feature for past in calls if 0 < len(past.answer) <= SHORT_ANSWER)
    return any(count >= FEWEST_TAUGHT for count in counts.values())


def _has_several_places(settings: Settings, calls: Sequence[PastCall]) -> bool:
    return any(len(model.deployments) > 1 for model in settings.models.values())


GUARDED: Sequence[Lever] = (
    Lever(
        NEAR, "guarded", '[cache]\nmode = "semantic"\nmax_temperature = 1.0\njudge = "MODEL"',
        "Other words for the same question get the same answer, as often wrong as `cache.wrong_hits_percent` says at most. In the "
        "replay no model judged: answers counted as alike by their numbers and words.", _near, "a model that judges", SEMANTIC_CACHE,
    ),
    Lever(
        DISTILLATION, "guarded", '[student]\nmode = "on"\n\n[capture]\nfeatures = ["*"]',
        "A small model of your own answers what it is sure of; it agrees with its teacher in at least `student.target_percent`.",
        _students, "questions and answers are kept to learn from", may_help=_have_short_answers,
    ),
    Lever(
        "request routing", "lossless", '[balance]\nstrategy = "cost"',
        "The cheapest place of a model first, as far as its rate limits go; faster ones only when it is full.", _balance,
        may_help=_has_several_places,
    ),
)  # fmt: skip
"""Tried where there is anything to try."""

WAITING = Lever(
    BATCHING, "lossless", "[batch.features.NAME]\ndeadline_s = 21600",
    "Whoever waits for these answers waits longer; only you know who does not.", lambda settings: settings,
    "say which features can wait",
)  # fmt: skip
"""Priced, not replayed: the same answers at the price of batches."""
DEADLINE_S = 21_600.0
MOST_WAITING = 3
"""Features that are proposed where nobody said which can wait."""


def waiting_toml(patience: Mapping[str, float], saved: Mapping[str, int]) -> str:
    """What lets features wait: those with a stated patience in seconds; where there is none, those that save most."""
    dearest = sorted((name for name in saved if name), key=lambda name: -saved[name])[:MOST_WAITING]
    found = sorted(patience.items()) or [(name, DEADLINE_S) for name in dearest]
    return (
        "\n\n".join(f"[batch.features.{_quoted(name)}]\ndeadline_s = {seconds:.0f}" for name, seconds in found)
        or WAITING.toml
    )


def _quoted(name: str) -> str:
    """A TOML key: JSON's strings are TOML's too, but for one character."""
    return msgspec.json.encode(name).decode().replace("\x7f", "\\u007f")


def switched(settings: Settings, levers: Sequence[Lever]) -> Settings:
    for lever in levers:
        settings = lever.switch(settings)
    return settings
