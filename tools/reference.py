"""Writes docs/reference/ from the code; with --check it only tells which pages no longer say what the code does."""

import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import click
import msgspec
from reference_http import api_page, metrics_page, table

from farthing.cli.init import default_of, heading, holds_tables
from farthing.cli.main import COMMANDS, cli
from farthing.cli.toml_text import value
from farthing.model import errors
from farthing.model.errors import FarthingError
from farthing.settings.tree import SECTIONS, bare, describe
from farthing.settings.values import Amount, FilePath, Secret, Url
from farthing.steps.identify import FIELDS, TAG_HEADER, TAGS_LIMIT, VALUE_LIMIT

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
MADE = "<!-- Written by `make docs` from the code; do not edit. -->\n"

TYPE_WORDS: dict[Any, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", Secret: "secret", Amount: "amount",
    Url: "address", FilePath: "file", type(None): "nothing",
}  # fmt: skip

REQUEST_HEADERS = {
    "feature": "The feature of your product that the call serves.",
    "team": "The team that owns it.",
    "project": "The project.",
    "user": "The end user. Without it: the body's `user`, or `metadata.user_id`.",
    "transaction": "The business unit of work, as `TYPE/ID`: `support_resolution/T-1042`.",
    "task": "The kind of work, such as `classify`.",
}

ROUTE_HEADERS = {
    "x-farthing-pin": "The model that is to serve the call, whatever `model` says and policy would choose. The key must allow it.",
    "x-farthing-session": "A name for the conversation that the call belongs to. It stays at its model; without the header it is "
    "known by how it began.",
}

CACHE_HEADERS = {
    "x-farthing-cache": "What the call asks of the cache, as in `Cache-Control`, which is read too: `no-store`, `no-cache`, "
    "`only-if-cached`, `max-age=SECONDS`.",
    "x-farthing-cache-tags": "Names, separated by commas, by which the answer can be dropped from the cache later.",
}

BUDGET_HEADERS = {
    "x-farthing-confirm-cost": "`yes`, or the most dollars that the call may cost: lets through a call that a budget stops for "
    "its price (`max_call`).",
}

WAIT_HEADERS = {
    "x-farthing-deadline": "How long the call may wait: `90s`, `15m`, `6h`, `2d`, or an instant (ISO 8601 with its zone). `0` or `now`: not at "
    "all, whatever settings say. See [Wait for half the price](../howto/wait-for-half-price.md).",
    "x-farthing-wait": "How its client wants the answer: `hold` (the connection is held, the default) or `job` (202 and a job, at once).",
    "x-farthing-webhook": "An address that gets a signed post when it is done; `batch.webhooks` lists those that may be named.",
    "idempotency-key": "A name for a call that can wait: sent again with the same name it is the same job, and is paid once.",
}

ANSWER_HEADERS = {
    "x-farthing-call-id": "The call's id, for `farthing explain` and `GET /v1/farthing/calls/ID`. On every answer, errors included.",
    "x-farthing-model": "The model that ran.",
    "x-farthing-route": "For a call that left the choice to Farthing: the model chosen, its tier, the kind of work.",
    "x-farthing-cache": "How Farthing's own cache answered: `exact`, `semantic`, or `none` if it did not.",
    "x-farthing-cost": "What the call cost, in dollars, nine digits. Not on streams: their cost is known at the end.",
    "x-farthing-saved": "What the call saved, in dollars, nine digits. Not on streams.",
    "x-farthing-job": "The job of a call that waited, for `GET /v1/farthing/jobs/ID`.",
    "x-should-retry": "`false` on refusals that the same call would meet again; the official SDKs obey it.",
    "retry-after": "On 429 and 503: seconds after which another try makes sense.",
}

WEBHOOK_HEADERS = {
    "x-farthing-delivery": "The number of the message; the same for each try, so that a receiver can drop what it has.",
    "x-farthing-signature": "`t=SECONDS,v1=HEX`: when it was sent, and the HMAC-SHA256 of that, a dot and the body.",
}


def settings_page() -> str:
    parts = [
        "# Settings\n",
        MADE,
        "`farthing.toml` in the folder where Farthing starts, or `--config FILE`. `farthing init` writes one with all of this, "
        "`farthing check` tells what is wrong with it. Without a file the keys in the environment are enough "
        "(`OPENAI_API_KEY`, `ANTHROPIC_API_KEY`; addresses from `OPENAI_BASE_URL`, `ANTHROPIC_BASE_URL`).\n",
        "A secret or an address may be `env:NAME`; a secret may be `file:PATH`. Relative paths start from the settings file.\n",
    ]
    for name, kind in SECTIONS.items():
        words = " ".join((kind.__doc__ or "").split())
        parts.append(f"## `{heading(name, kind)}`\n\n{words}\n\n{_fields(kind)}")
    return "\n".join(parts)


def _fields(kind: type[msgspec.Struct]) -> str:
    hints = get_type_hints(kind, include_extras=True)
    rows = [
        (f"`{field.name}`", _type_words(hints[field.name]), _default(field), describe(hints[field.name]))
        for field in msgspec.structs.fields(kind)
        if not holds_tables(hints[field.name])
    ]
    return table(("key", "type", "default", "what it does"), rows)


def _type_words(hint: Any) -> str:
    kind = bare(hint)
    inner = get_args(kind)
    if kind in TYPE_WORDS:
        return TYPE_WORDS[kind]
    if get_origin(kind) is dict:
        return f"table of {_type_words(inner[1])}"
    if get_origin(kind) is list:
        return f"list of {_type_words(inner[0])}"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "table"
    if isinstance(kind, type) and issubclass(kind, Secret):
        return "store's address"
    if inner and all(isinstance(each, str) for each in inner):
        return " or ".join(f"`{each}`" for each in inner)
    if inner:
        return " or ".join(_type_words(each) for each in inner if each is not type(None))
    return "date"


def _default(field: msgspec.structs.FieldInfo) -> str:
    default = default_of(field)
    if default is None:
        return "required" if field.required else ""
    return "see below" if isinstance(default, msgspec.Struct) else f"`{value(default)}`"


def cli_page() -> str:
    parts = [
        "# Commands\n",
        MADE,
        "Exit codes: 0 it worked, 1 it did not, 2 the command or the settings cannot be used.\n",
    ]
    context = click.Context(cli, info_name="farthing", terminal_width=100, **cli.context_settings)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        parts += _command_help(command, name, context, depth=2)
    return "\n".join(parts)


def _command_help(command: click.Command, name: str, parent: click.Context, depth: int) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100)
    yield f"{'#' * depth} `{context.command_path}`\n"
    yield f"```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner is not None
            yield from _command_help(inner, each, context, depth + 1)


def errors_page() -> str:
    rows = [
        (f"{kind.status}", f"`{kind.code}`", "yes" if kind.retryable else "no", f"`{kind.__name__}`")
        for kind in _kinds(FarthingError)
    ]
    tree = (errors.__doc__ or "").split("\n\n")[1]
    return "\n".join(
        [
            "# Errors\n",
            MADE,
            "Errors of Farthing itself have the JSON shape that the client's SDK expects, with a code that stays the same and "
            "the call's id. A provider's own error passes with its status and body.\n",
            table(("status", "code", "can a retry help?", "class"), rows),
            "What each means:\n",
            f"```text\n{_dedented(tree)}\n```\n",
        ]
    )


def _kinds(kind: type[FarthingError]) -> Iterator[type[FarthingError]]:
    for each in kind.__subclasses__():
        if each.__module__ == errors.__name__:
            yield each
            yield from _kinds(each)


def _dedented(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.splitlines())


def headers_page() -> str:
    missing = sorted((FIELDS | {"task"}) ^ REQUEST_HEADERS.keys())
    assert not missing, f"REQUEST_HEADERS and steps/identify.py differ: {missing}"
    tag = TAG_HEADER.decode()
    rows = [(f"`x-farthing-{name}`", words) for name, words in REQUEST_HEADERS.items()]
    rows += [
        (f"`{name}`", words) for name, words in (ROUTE_HEADERS | CACHE_HEADERS | BUDGET_HEADERS | WAIT_HEADERS).items()
    ]
    rows.append((f"`{tag}NAME`", f"A tag of any other name; {TAGS_LIMIT} of them at most."))
    used = set(re.findall(r'b"(x-farthing-[a-z-]*[a-z]|x-should-retry|retry-after)"', _source()))
    answers = [(f"`{name}`", words) for name, words in ANSWER_HEADERS.items() if name in used]
    used -= BUDGET_HEADERS.keys() | WAIT_HEADERS.keys()
    unknown = used - ANSWER_HEADERS.keys() - CACHE_HEADERS.keys() - ROUTE_HEADERS.keys() - WEBHOOK_HEADERS.keys()
    assert not unknown, f"describe these headers in tools/reference.py: {sorted(unknown)}"
    return "\n".join(
        [
            "# Headers\n",
            MADE,
            "## What a client may send\n",
            f"Each says whom the call is for. A value is one line of at most {VALUE_LIMIT} characters; longer ones are cut. What the "
            "key pins cannot be changed. The same names work in the body's `metadata`; headers go first.\n",
            table(("header", "what it says"), rows),
            "## What comes back\n",
            table(("header", "what it says"), answers),
            "## What webhooks of alerts carry\n",
            table(("header", "what it says"), [(f"`{name}`", words) for name, words in WEBHOOK_HEADERS.items()]),
        ]
    )


def _source() -> str:
    folder = Path(errors.__file__).parents[1]
    paths = [path for path in sorted(folder.rglob("*.py")) if "simulator" not in path.parts]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


PAGES = {
    "settings.md": settings_page, "cli.md": cli_page, "errors.md": errors_page, "headers.md": headers_page,
    "api.md": partial(api_page, MADE), "metrics.md": partial(metrics_page, MADE),
}  # fmt: skip


def main(check: bool) -> int:
    drifted = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            drifted.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    sys.stdout.write("".join(f"{name} {'is out of date: make docs' if check else 'is written'}\n" for name in drifted))
    return 1 if check and drifted else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
