"""The steps that shape requests and control answers: settings -> `lossless` and `output`. Nothing is decided here."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import NamedTuple

from farthing.app.around import REAL, Around
from farthing.app.histories import Make, build_histories
from farthing.app.trials import build_trials, read_schema
from farthing.catalog.catalog import Catalog
from farthing.catalog.expect import Expect
from farthing.catalog.facts import UNKNOWN, facts_of
from farthing.pipeline import Step
from farthing.prices import PriceBook
from farthing.quality.arms import Hear
from farthing.quality.errand import Errands
from farthing.quality.trials import Trials
from farthing.settings import FeaturePromptSettings, PromptSettings, Settings
from farthing.steps.shape.arm import Arm
from farthing.steps.shape.control import Control
from farthing.steps.shape.effort import Effort
from farthing.steps.shape.limit import LearnedLimit
from farthing.steps.shape.lossless import Lossless
from farthing.steps.shape.output import Output, Rules
from farthing.steps.shape.schema import Schema
from farthing.steps.shape.shorter import Shorter
from farthing.steps.shape.stop import Stop, StopAtLabel
from farthing.store import Store
from farthing.upstream.providers import Providers
from farthing.wire.answer_schema import made
from farthing.wire.shaping.shape import Shaping as Shapers
from farthing.wire.shaping.shape import shaping
from farthing.wire.stop import MOST


class Shaping(NamedTuple):
    """What the gateway needs of it."""

    steps: tuple[Step, ...] = ()
    hear: Hear = lambda shares, salt: None
    """Wants to know the shares of hold-outs."""
    listeners: tuple[Trials, ...] = ()
    """Want to know what people say of answers."""


def optimises(settings: PromptSettings) -> bool:
    """Whether any feature's requests are shaped, or its answers controlled."""
    return any(_transforms(settings, each) or _controls(settings, each) for each in _all(settings))


def build_shaping(
    settings: PromptSettings, catalog: Catalog, expect: Expect, trials: Trials | None = None, history: Make | None = None,
    shapers: Shapers = shaping,
) -> Shaping:  # fmt: skip
    """The steps that any feature wants. Without `history` conversations are left alone. `shapers`: who shapes with some
    transforms. Raises SettingsError."""
    arm = Arm()
    steps: list[Step] = []
    if any(_controls(settings, each) for each in _all(settings)):
        parts = _Parts(settings, catalog, expect, history)
        rules = {name: parts.rules(name, each) for name, each in settings.features.items()}
        steps.append(Output(parts.rules("", _NONE), rules, arm, trials))
    if any(_transforms(settings, each) for each in _all(settings)):
        transforms = {name: _transforms(settings, each) for name, each in settings.features.items()}
        steps.append(Lossless(_transforms(settings, _NONE), transforms, arm, shapers))
    if not steps:
        return Shaping()
    if trials is None:
        return Shaping(tuple(steps), arm.hold_out)

    def hear(shares: Mapping[str, float], salt: str) -> None:
        arm.hold_out(shares, salt)
        trials.hold_out(shares, salt)

    return Shaping(tuple(steps), hear, (trials,))


async def open_shaping(
    settings: Settings, catalog: Catalog, expect: Expect, store: Store, providers: Providers, book: PriceBook,
    errands: Callable[[str], Errands], stack: AsyncExitStack, around: Around = REAL,
) -> Shaping:  # fmt: skip
    """The same with what trials have shown, and with long conversations. Raises SettingsError, StoreError."""
    trials = await build_trials(settings, store, stack, around)
    histories = build_histories(settings, catalog, providers, book, errands, stack, around)
    return build_shaping(settings.prompts, catalog, expect, trials, histories, around.readers.shaping)


_NONE = FeaturePromptSettings()


def _all(settings: PromptSettings) -> list[FeaturePromptSettings]:
    return [_NONE, *settings.features.values()]


def _transforms(settings: PromptSettings, own: FeaturePromptSettings) -> frozenset[str]:
    if (own.lossless or settings.lossless) == "off":
        return frozenset()
    return frozenset(settings.transforms if own.transforms is None else own.transforms)


def _controls(settings: PromptSettings, own: FeaturePromptSettings) -> list[str]:
    """The names of those that are set, in the order in which they change a request."""
    wanted = {
        "history": own.history.mode != "off",
        "shorter": bool(settings.shorter if own.shorter is None else own.shorter),
        "schema": bool(own.schema),
        "effort": (own.effort or settings.effort) != "off",
        "stop": bool(_stop(settings, own)) or _at_label(settings, own),
        "max_output": (own.max_output or settings.max_output) == "learned",
    }
    return [name for name, is_set in wanted.items() if is_set]


def _stop(settings: PromptSettings, own: FeaturePromptSettings) -> tuple[str, ...]:
    return tuple((settings.stop if own.stop is None else own.stop)[:MOST])


def _at_label(settings: PromptSettings, own: FeaturePromptSettings) -> bool:
    return settings.stop_at_label if own.stop_at_label is None else own.stop_at_label


class _Parts:
    """Makes the controls; those that learn are shared by all features."""

    def __init__(
        self, settings: PromptSettings, catalog: Catalog, expect: Expect, history: Make | None
    ) -> None:  # fmt: skip
        self._settings = settings
        self._places = catalog.places
        self._limit = LearnedLimit(expect, catalog.places, _thinks)
        self._at_label = StopAtLabel(catalog.places, _thinks)
        self._history = history

    def rules(self, feature: str, own: FeaturePromptSettings) -> Rules:
        settings = self._settings
        found = [self._control(name, feature, own) for name in _controls(settings, own)]
        trial = settings.trial if own.trial is None else own.trial
        return Rules(tuple(each for each in found if each is not None), frozenset(trial))

    def _control(self, name: str, feature: str, own: FeaturePromptSettings) -> Control | None:
        settings = self._settings
        match name:
            case "history":
                return self._history(feature, own.history) if self._history is not None else None
            case "shorter":
                return Shorter(settings.shorter if own.shorter is None else own.shorter)
            case "schema":
                schema = made(_plain_name(feature), read_schema(own.schema, feature))
                return Schema(schema, self._places, _holds)
            case "effort":
                return Effort(own.effort or settings.effort, self._places)
            case "stop":
                sequences = _stop(settings, own)
                return Stop(sequences, self._places, _thinks) if sequences else self._at_label
            case _:
                return self._limit


def _plain_name(feature: str) -> str:
    """The name of a feature as providers take it for a schema."""
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in feature)[:60]
    return plain.strip("_") or "answer"


def _thinks(model: str) -> bool:
    """Whether a model may think before it answers, by its name at a provider. Claude does so only where it is asked to."""
    facts = facts_of(model)
    return facts is UNKNOWN or ("reasoning" in facts.can and "claude" not in model)


def _holds(model: str) -> bool:
    """Whether a model can be held to a schema."""
    return "schema" in facts_of(model).can
