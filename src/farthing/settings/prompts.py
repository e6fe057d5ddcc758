"""`[prompts]`: what may be done to prompts and to what goes with them. All of it is off until somebody switches it on."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from farthing.settings.values import FilePath

Transform = Literal["compact", "escapes", "schemas", "trailing", "table", "repeats"]
ControlName = Literal["max_output", "effort", "stop", "schema", "shorter", "history"]
"""What can be on trial."""
StopSequence = Annotated[str, Meta(min_length=1, max_length=64)]
Hint = Annotated[str, Meta(max_length=500)]


class HistorySettings(msgspec.Struct, frozen=True):
    """Long conversations of one feature: their oldest turns are left out, whole. The first turn stays, and the latest ones."""

    mode: Annotated[
        Literal["off", "trim", "summarise"],
        Meta(description="`trim`: nothing stands for the turns that go; `summarise`: a summary by `model` does."),
    ] = "off"
    above: Annotated[
        int,
        Meta(
            ge=1_000,
            description="Tokens from which on a conversation is trimmed, to half, where that is worth reading the rest anew.",
        ),
    ] = 24_000
    keep: Annotated[int, Meta(ge=1, le=1_000, description="The latest turns that always stay.")] = 6
    model: Annotated[str, Meta(description="A cheap model that writes summaries, such as `gpt-5-nano`.")] = ""


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
    stop: Annotated[list[StopSequence] | None, Meta(description="As `prompts.stop`.")] = None
    stop_at_label: Annotated[bool | None, Meta(description="As `prompts.stop_at_label`.")] = None
    shorter: Annotated[Hint | None, Meta(description="As `prompts.shorter`. Empty text: no such line.")] = None
    schema: Annotated[
        FilePath,
        Meta(
            description="JSON schema (a file) of this feature's answers. It goes with requests whose words ask for JSON and that "
            "name neither a schema nor tools, to models that can be held to it."
        ),
    ] = FilePath()
    check: Annotated[
        str,
        Meta(
            description="What a good answer of a trial looks like, as `routing.tasks.NAME.check`. Empty: as its kind of work."
        ),
    ] = ""
    trial: Annotated[list[ControlName] | None, Meta(description="As `prompts.trial`.")] = None
    history: Annotated[HistorySettings, Meta(description="Long conversations.")] = HistorySettings()
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
    contexts: Annotated[
        Literal["off", "auto"],
        Meta(
            description="`auto`, besides `provider_caching`: system prompts are put into Gemini's keeping where so many calls read "
            "them that this pays for their storage, which is billed by the hour."
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
    stop: Annotated[
        list[StopSequence],
        Meta(
            description="Where answers shall stop, if the request names no such sequences itself. The first four count."
        ),
    ] = []
    stop_at_label: Annotated[
        bool,
        Meta(
            description="Answers that are one of a few labels stop at the end of their line, once it is learned from the answers to "
            "a prompt that they are that."
        ),
    ] = False
    shorter: Annotated[
        Hint,
        Meta(
            description="A line that is put at the end of system prompts, such as `Answer in three sentences at most.`",
        ),
    ] = ""
    trial: Annotated[
        list[ControlName],
        Meta(
            description="Controls that are on trial where they are set: some sessions get them, and by what is seen of both "
            "they are switched on or off (`farthing prompts controls`). The others are simply on."
        ),
    ] = []
    trial_percent: Annotated[
        float, Meta(ge=1, le=99, description="Sessions in a hundred that get a control that is on trial.")
    ] = 50.0
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
