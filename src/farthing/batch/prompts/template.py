"""A prompt with places for the columns of a table, and the request that a row becomes with it.

    prompt.txt       the text of one message
    messages.json    a list of messages, or a whole body: `messages` and whatever else a request has

`{column}` is the row's value, as is `{{column}}`, which prompts of the lab have. Braces around anything that is not a name,
such as JSON, stay as they are. Knows nothing of files of rows, models and prices.
"""

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

CHAT, MESSAGES = "openai.chat", "anthropic.messages"
MOST_OUTPUT = 4096
"""Tokens of an answer where the format wants a bound and nobody names one."""
_PLACE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}|\{([\w.-]+)\}")
_FILLED = ("messages", "system")
"""Members of a body that hold what is said."""


class TemplateError(Exception):
    """What is wrong with a template."""


class Template:
    """Made with `read_template`, which checks."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self.names = tuple(dict.fromkeys(_names(body)))
        """Columns that it has places for, in their order."""

    def check(self, columns: Collection[str]) -> None:
        """Raises TemplateError where it has a place that the rows have no column for."""
        for name in self.names:
            if name not in columns:
                near = difflib.get_close_matches(name, columns, 1)
                hint = f" Did you mean {{{near[0]}}}?" if near else f" The columns are {', '.join(sorted(columns))}."
                raise TemplateError(f"the template has {{{name}}}, and there is no such column.{hint}")

    def filled(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a row's request. Raises KeyError with the column that the row does not have."""
        return {name: _fill(value, row) if name in _FILLED else value for name, value in self._body.items()}


def read_template(text: str, name: str, model: str, *, max_tokens: int | None = None) -> tuple[Template, str]:
    """The template of a file, and the format of its requests: Anthropic's for its models and for bodies with `system`,
    OpenAI's chat completions for all others. Raises TemplateError."""
    body = _body(text, name)
    if model:
        body["model"] = model
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise TemplateError("there is no model: say --model, or write `model` into the template")
    wire = MESSAGES if "system" in body or body["model"].rpartition("/")[2].startswith("claude") else CHAT
    if max_tokens is not None:
        body.pop("max_completion_tokens", None)
        body["max_tokens"] = max_tokens
    elif wire == MESSAGES:
        body.setdefault("max_tokens", MOST_OUTPUT)
    if wire == MESSAGES:
        _system_apart(body)
    if body.pop("stream", False):
        raise TemplateError("a batch cannot be streamed: leave `stream` out")
    made = Template(body)
    if not made.names:
        raise TemplateError("it has no place such as {column}: each row would ask the same")
    return made, wire


def _body(text: str, name: str) -> dict[str, Any]:
    if not name.endswith(".json"):
        if not text.strip():
            raise TemplateError("it is empty")
        return {"messages": [{"role": "user", "content": text.strip("\n")}]}
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TemplateError(f"it is no JSON: {error}") from None
    body = {"messages": found} if isinstance(found, list) else found
    messages = body.get("messages") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages or not all(isinstance(each, dict) for each in messages):
        raise TemplateError("it must be a list of messages, or an object with `messages`")
    return dict(body)


def _system_apart(body: dict[str, Any]) -> None:
    """System messages where Anthropic's format has them."""
    told = [each["content"] for each in body["messages"] if each.get("role") == "system"]
    if told and all(isinstance(each, str) for each in told) and "system" not in body:
        body["messages"] = [each for each in body["messages"] if each.get("role") != "system"]
        body["system"] = "\n\n".join(told)
        if not body["messages"]:
            raise TemplateError("there is a system message and nothing that a user says")


def _names(body: Mapping[str, Any]) -> list[str]:
    found: list[str] = []

    def look(value: Any) -> None:
        if isinstance(value, str):
            found.extend(one or other for one, other in _PLACE.findall(value))
        elif isinstance(value, list):
            for each in value:
                look(each)
        elif isinstance(value, dict):
            for each in value.values():
                look(each)

    for name in _FILLED:
        look(body.get(name))
    return found


def _fill(value: Any, row: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return _PLACE.sub(lambda found: _text(row[found[1] or found[2]]), value)
    if isinstance(value, list):
        return [_fill(each, row) for each in value]
    if isinstance(value, dict):
        return {name: _fill(each, row) for name, each in value.items()}
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()
