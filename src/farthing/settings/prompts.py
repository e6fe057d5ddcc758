"""`[prompts]`: what may be done to prompts and to what goes with them. All of it is off until somebody switches it on."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class FeaturePromptSettings(msgspec.Struct, frozen=True):
    """The prompts of one feature, where they differ."""

    provider_caching: Annotated[
        Literal["", "off", "auto"], Meta(description="As `prompts.provider_caching`. Empty: the same.")
    ] = ""


class PromptSettings(msgspec.Struct, frozen=True):
    """The same answers from fewer and cheaper tokens."""

    provider_caching: Annotated[
        Literal["off", "auto"],
        Meta(
            description="`auto`: what repeats is marked for the provider's prompt cache where that pays. Requests that say "
            "anything about that cache by themselves are left alone."
        ),
    ] = "off"
    features: Annotated[
        dict[str, FeaturePromptSettings], Meta(description="By the name of a feature, where it differs.")
    ] = {}
