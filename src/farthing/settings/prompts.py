"""`[prompts]`: what may be done to prompts and to what goes with them. All of it is off until somebody switches it on."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Transform = Literal["compact", "escapes", "schemas", "trailing", "table", "repeats"]


class FeaturePromptSettings(msgspec.Struct, frozen=True):
    """The prompts of one feature, where they differ."""

    provider_caching: Annotated[
        Literal["", "off", "auto"], Meta(description="As `prompts.provider_caching`. Empty: the same.")
    ] = ""
    lossless: Annotated[Literal["", "off", "on"], Meta(description="As `prompts.lossless`. Empty: the same.")] = ""
    transforms: Annotated[list[Transform] | None, Meta(description="As `prompts.transforms`.")] = None
    max_output: Annotated[
        Literal["", "off", "learned"], Meta(description="As `prompts.max_output`. Empty: the same.")
    ] = ""
    effort: Annotated[
        Literal["", "off", "minimal", "low", "medium", "high"],
        Meta(description="As `prompts.effort`. Empty: the same."),
    ] = ""
    repair: Annotated[bool | None, Meta(description="As `prompts.repair`.")] = None


class PromptSettings(msgspec.Struct, frozen=True):
    """The same answers from fewer and cheaper tokens."""

    provider_caching: Annotated[
        Literal["off", "auto"],
        Meta(
            description="`auto`: what repeats is marked for the provider's prompt cache where that pays. Requests that say "
            "anything about that cache by themselves are left alone."
        ),
    ] = "off"
    lossless: Annotated[
        Literal["off", "on"],
        Meta(
            description="`on`: what requests say is spelled in fewer tokens, by `transforms`, before it goes to a provider."
        ),
    ] = "off"
    transforms: Annotated[
        list[Transform],
        Meta(
            description="JSON without white space (`compact`), letters instead of escapes in it (`escapes`), tool schemas "
            "without noise (`schemas`), no white space at line ends (`trailing`). Models must understand two more: uniform "
            "records of tools as a `table`, and a word about the first instead of long texts that come again (`repeats`)."
        ),
    ] = msgspec.field(default_factory=lambda: ["compact", "escapes", "schemas", "trailing"])
    max_output: Annotated[
        Literal["off", "learned"],
        Meta(
            description="`learned`: answers of models that do not think are cut off at half as much again as 99 in 100 answers "
            "to such work need. A caller's own lower limit stays."
        ),
    ] = "off"
    effort: Annotated[
        Literal["off", "minimal", "low", "medium", "high"],
        Meta(description="How hard models that take an effort shall think where the request says nothing about it."),
    ] = "off"
    doctor: Annotated[
        bool,
        Meta(
            description="Look for what keeps providers' prompt caches from being read, and what that costs "
            "(`farthing prompts doctor`). Prompts are compared in memory; places and counts are kept, no text."
        ),
    ] = False
    repair: Annotated[
        bool,
        Meta(
            description="Put tools into one order, and their JSON into one spelling, so that equal tools are equal to a "
            "provider's cache. Requests that say anything about that cache by themselves are left alone."
        ),
    ] = False
    features: Annotated[
        dict[str, FeaturePromptSettings], Meta(description="By the name of a feature, where it differs.")
    ] = {}
