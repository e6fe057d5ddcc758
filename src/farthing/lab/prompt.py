"""A prompt as the lab takes it apart: a TOML file with messages, examples, and ways of asking for the answer.

    name = "tickets"                    what reports call it
    feature = "support"                 whose volume in the ledger counts; or template = "its fingerprint"
    keep = ["Be kind"]                  parts with these texts stay
    may_go = ["Answer with the label"]  parts with these texts may be tried although they would be protected

    [[messages]]
    role = "system"
    text = "..."                        with slots: {{input}}

    [[examples]]                        optional; turns of user and assistant that stand before the last message
    input = "..."
    output = "..."

    [[arms]]                            optional: another way of asking for the answer
    name = "schema"
    body = { ... }                      members of the request that take the place of the prompt's own
    add = "..."                         a sentence at the end of the first message
    field = "label"                     member of a JSON answer that holds the answer itself; default: its only member

    [body]                              optional: more members of the request

Knows nothing of models, prices and answers.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from farthing.lab.segments import SLOT, Segment, split, without

MOST_PARTS = 400
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_RESERVED = frozenset(("model", "messages", "stream"))


class PromptError(Exception):
    """What is wrong with a prompt's file."""


class Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: Literal["system", "developer", "user", "assistant"]
    text: str


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    input: str
    output: str


class Arm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    body: dict[str, Any] = {}
    add: str = ""
    field: str = ""

    def answer_in(self, text: str) -> str | None:
        """The answer itself where `text` is JSON around it; None where it is not."""
        try:
            found = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return None
        if not isinstance(found, dict) or (not self.field and len(found) != 1):
            return None
        value = found.get(self.field) if self.field else next(iter(found.values()))
        if value is None:
            return None
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()


class Typical(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens of a usual call beside the prompt itself."""

    input: int = 200
    output: int = 100


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    messages: list[Message]
    name: str = ""
    feature: str = ""
    template: str = ""
    keep: list[str] = []
    may_go: list[str] = []
    examples: list[Example] = []
    arms: list[Arm] = []
    body: dict[str, Any] = {}
    typical: Typical = Typical()


class Part(msgspec.Struct, frozen=True):
    """What may be left out: a segment of a message, or an example of its own."""

    id: int
    text: str
    kind: str
    protected: str = ""
    released: bool = False
    """It would be protected, and the prompt's owner lets it be tried."""
    message: int = -1
    """Which message it is in; -1 for an example of its own."""
    place: int = -1
    """Among that message's segments, or among the examples."""


class Variant(msgspec.Struct, frozen=True):
    """The prompt with something changed; the default is the prompt itself."""

    removed: frozenset[int] = frozenset()
    """Ids of parts."""
    order: tuple[int, ...] = ()
    """Places of examples in the order in which they stand; empty: as they are."""
    arm: str = ""
    texts: tuple[tuple[int, str], ...] = ()
    """Messages that were written anew: place and text."""

    def less(self, ids: Iterable[int]) -> "Variant":
        """The same with these parts gone, too."""
        return msgspec.structs.replace(self, removed=self.removed | frozenset(ids))


AS_IT_IS = Variant()


class Prompt:
    """See the module."""

    def __init__(self, file: _File, stem: str) -> None:
        self.name = file.name or stem
        self.feature = file.feature
        self.template = file.template
        self.messages = tuple(file.messages)
        self.examples = tuple(file.examples)
        self.arms = {arm.name: arm for arm in file.arms}
        self.body = file.body
        self.keep = tuple(file.keep)
        self.may_go = tuple(file.may_go)
        self.typical = file.typical
        self.segments: list[list[Segment]] = [
            split(message.text, file.keep, loose=file.may_go) for message in self.messages
        ]
        self.parts = tuple(self._parts(file.keep))
        self.slots = frozenset(name for message in self.messages for name in SLOT.findall(message.text))

    def _parts(self, keep: Sequence[str]) -> Iterable[Part]:
        number = 0
        for at, segments in enumerate(self.segments):
            for place, segment in enumerate(segments):
                if not segment.is_frame:
                    released = not segment.protected and bool(split(segment.text)[0].protected)
                    yield Part(number, segment.text, segment.kind, segment.protected, released, at, place)
                    number += 1
        for place, example in enumerate(self.examples):
            text = f"{example.input}\n-> {example.output}"
            yield Part(number, text, "example", "kept" if any(each in text for each in keep) else "", False, -1, place)
            number += 1

    def texts(self, variant: Variant = AS_IT_IS) -> list[str]:
        """The messages' texts, slots unfilled."""
        gone = [set[int]() for _ in self.messages]
        for part in self.parts:
            if part.id in variant.removed and part.message >= 0:
                gone[part.message].add(part.place)
        anew = dict(variant.texts)
        texts = [
            anew[at] if at in anew else without(message.text, self.segments[at], gone[at])
            for at, message in enumerate(self.messages)
        ]
        arm = self.arms.get(variant.arm)
        if arm is not None and arm.add:
            texts[0] = f"{texts[0].rstrip()}\n\n{arm.add}"
        return texts

    def shown(self, variant: Variant = AS_IT_IS) -> list[Example]:
        """The examples that are shown, in their order."""
        gone = {part.place for part in self.parts if part.id in variant.removed and part.message < 0}
        order = variant.order or range(len(self.examples))
        return [self.examples[place] for place in order if place not in gone]

    def request(self, model: str, variant: Variant, inputs: Mapping[str, str]) -> dict[str, Any]:
        """The body of a call of the chat wire, with every slot filled. Messages that are left with nothing are left out."""
        messages = [
            {"role": message.role, "content": SLOT.sub(lambda found: inputs[found[1]], text)}
            for message, text in zip(self.messages, self.texts(variant), strict=True)
            if text.strip()
        ]
        turns = []
        for example in self.shown(variant):
            turns += [{"role": "user", "content": example.input}, {"role": "assistant", "content": example.output}]
        arm = self.arms.get(variant.arm)
        body = {**self.body, **(arm.body if arm is not None else {})}
        return {**body, "model": model, "messages": [*messages[:-1], *turns, *messages[-1:]], "stream": False}

    def fixed(self, variant: Variant = AS_IT_IS) -> str:
        """All the text that is the same in each call."""
        turns = [text for example in self.shown(variant) for text in (example.input, example.output)]
        arm = self.arms.get(variant.arm)
        body = {**self.body, **(arm.body if arm is not None else {})}
        told = [msgspec.json.encode(body[name]).decode() for name in ("tools", "response_format") if name in body]
        return "\n".join([*(SLOT.sub("", text) for text in self.texts(variant)), *turns, *told])

    def toml(self, variant: Variant) -> str:
        """The prompt's file with the variant as the prompt."""
        arm = self.arms.get(variant.arm)
        lines = [f"{key} = {_text(value)}" for key, value in (("name", self.name), ("feature", self.feature),
                 ("template", self.template)) if value]  # fmt: skip
        lines += [
            f"{key} = {_value(list(value))}" for key, value in (("keep", self.keep), ("may_go", self.may_go)) if value
        ]
        lines.append(f"typical = {{ input = {self.typical.input}, output = {self.typical.output} }}")
        for message, text in zip(self.messages, self.texts(variant), strict=True):
            if text.strip():
                lines += ["", "[[messages]]", f"role = {_text(message.role)}", f"text = {_text(text)}"]
        for example in self.shown(variant):
            lines += ["", "[[examples]]", f"input = {_text(example.input)}", f"output = {_text(example.output)}"]
        body = {**self.body, **(arm.body if arm is not None else {})}
        if body:
            lines += ["", "[body]", *(f"{_key(name)} = {_value(value)}" for name, value in body.items())]
        return "\n".join(lines) + "\n"


def read_prompt(text: str, stem: str) -> Prompt:
    """Raises PromptError."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PromptError(str(error)) from None
    if not file.messages or not file.messages[-1].text.strip():
        raise PromptError("there must be a message, and the last one must have text")
    if reserved := _RESERVED & set(file.body) | _RESERVED & {name for arm in file.arms for name in arm.body}:
        raise PromptError(f"{', '.join(sorted(reserved))}: not in a body, the lab sets it")
    if len({arm.name for arm in file.arms}) != len(file.arms) or any(not arm.name for arm in file.arms):
        raise PromptError("arms need names of their own")
    prompt = Prompt(file, stem)
    if not prompt.slots:
        raise PromptError("no message has a slot such as {{input}}: there would be nothing to ask about")
    if len(prompt.parts) > MOST_PARTS:
        raise PromptError(f"{len(prompt.parts)} parts are more than the {MOST_PARTS} that can be tried")
    return prompt


def _text(text: str) -> str:
    """As it stands where TOML can say it so, which people read more easily."""
    if "\n" in text and "'''" not in text and not text.endswith("'") and not _CONTROL.search(text):
        return f"'''\n{text}'''"
    return _quoted(text)


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else _quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(name)} = {_value(each)}" for name, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
