"""The steps that shape requests and control answers: settings -> `lossless` and `output`. Nothing is decided here."""

from typing import NamedTuple

from farthing.catalog.catalog import Catalog
from farthing.catalog.expect import Expect
from farthing.catalog.facts import UNKNOWN, facts_of
from farthing.pipeline import Step
from farthing.quality.arms import Hear
from farthing.settings import FeaturePromptSettings, PromptSettings
from farthing.steps.shape.arm import Arm
from farthing.steps.shape.lossless import Lossless
from farthing.steps.shape.output import Output, Rules


class Shaping(NamedTuple):
    """What the gateway needs of it."""

    steps: tuple[Step, ...] = ()
    hear: Hear = lambda shares, salt: None
    """Wants to know the shares of hold-outs."""


def optimises(settings: PromptSettings) -> bool:
    """Whether any feature's requests are shaped, or its answers controlled."""
    return any(_transforms(settings, each) or _rules(settings, each) for each in _all(settings))


def build_shaping(settings: PromptSettings, catalog: Catalog, expect: Expect) -> Shaping:
    """The steps that any feature wants."""
    arm = Arm()
    steps: list[Step] = []
    if any(_rules(settings, each) for each in _all(settings)):
        rules = {name: _rules(settings, each) for name, each in settings.features.items()}
        steps.append(Output(_rules(settings, _NONE), rules, expect, catalog.places, _thinks, arm))
    if any(_transforms(settings, each) for each in _all(settings)):
        transforms = {name: _transforms(settings, each) for name, each in settings.features.items()}
        steps.append(Lossless(_transforms(settings, _NONE), transforms, arm))
    return Shaping(tuple(steps), arm.hold_out) if steps else Shaping()


_NONE = FeaturePromptSettings()


def _all(settings: PromptSettings) -> list[FeaturePromptSettings]:
    return [_NONE, *settings.features.values()]


def _transforms(settings: PromptSettings, own: FeaturePromptSettings) -> frozenset[str]:
    if (own.lossless or settings.lossless) == "off":
        return frozenset()
    return frozenset(settings.transforms if own.transforms is None else own.transforms)


def _rules(settings: PromptSettings, own: FeaturePromptSettings) -> Rules:
    effort = own.effort or settings.effort
    return Rules((own.max_output or settings.max_output) == "learned", "" if effort == "off" else effort)


def _thinks(model: str) -> bool:
    """Whether a model may think before it answers, by its name at a provider. Claude does so only where it is asked to."""
    facts = facts_of(model)
    return facts is UNKNOWN or ("reasoning" in facts.can and "claude" not in model)
