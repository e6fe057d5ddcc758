"""`farthing cache pin` and `unpin`: answers that people approve, one by one or from a table."""

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.table import Table

from farthing.cli.cache_store import cache_settings, tenant_option, with_encoder, with_entries
from farthing.cli.common import config_option, pairs_option, print_json, print_table, printable
from farthing.embed import Encoder
from farthing.embed.library import library
from farthing.model.principal import Principal
from farthing.settings import CacheSettings, FeatureCacheSettings, Settings
from farthing.steps.cache.pins import WIRES, CannotPin, Pin, Pinned, Vectors, again, pinned
from farthing.steps.cache.policy import Policies, Rules
from farthing.store import StoreError
from farthing.store.entries import Entries, Which

COLUMNS = ("question", "answer", "feature", "team", "model")
"""Of a table that is imported; the first two are needed."""

MOST_ALIKE = 100_000
"""Stored answers with one system prompt that are looked through for older answers to a question."""

Mode = TypeVar("Mode", CacheSettings, FeatureCacheSettings)
Vocabulary = tuple[Vectors, str]
"""Vectors of texts, and the name of their encoder."""


@click.command()
@config_option
@click.option(
    "--question", "questions", multiple=True, metavar="TEXT", help="What is asked; repeat: each gets the answer."
)
@click.option("--answer", default="", metavar="TEXT", help="The approved answer.")
@click.option("--csv", "table", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help=f"A table with the columns {', '.join(COLUMNS)}; the last three may be missing.")  # fmt: skip
@click.option(
    "--like", "entry_id", metavar="ENTRY_ID", help="Approve a stored answer, for all calls like the one that left it."
)
@click.option("--model", default="", help="The model, as callers ask for it.")
@click.option("--wire", type=click.Choice(WIRES), default=WIRES[0], show_default=True, help="The callers' API.")
@click.option("--system", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="The callers' system prompt.")  # fmt: skip
@pairs_option("--with", "more", help="What callers send besides, such as max_tokens=500; repeat.")
@click.option("--feature", default="", help="The feature whose calls get it.")
@click.option("--team", default="", help="The team whose calls get it.")
@click.option("--user", default="", help='The user whose calls get it, where share = "user".')
@click.option("--key", "key_id", default="", metavar="KEY_ID", help="The key whose calls get it, where it has no team.")
@tenant_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def pin(
    config: Path | None, questions: tuple[str, ...], answer: str, table: Path | None, entry_id: str | None, model: str,
    wire: str, system: Path | None, more: Mapping[str, str], feature: str, team: str, user: str, key_id: str,
    tenant: str, as_json: bool,
) -> None:  # fmt: skip
    """Approve an answer to one or several questions. It is given until it is unpinned.

    A call gets it if all that its answer depends on is the same: model, wire, system prompt, no earlier turns, what is
    said by --with, and temperature 0 (or none, where the settings allow 1). For calls of any other form, let one be
    answered and approve that: --like ENTRY_ID.
    """
    settings = cache_settings(config)
    if sum(map(bool, (table, entry_id, not table and not entry_id))) != 1:
        raise click.UsageError("--csv and --like cannot be used together")
    if entry_id:
        made = [_approve(settings, tenant, entry_id, questions, answer)]
    else:
        base = Pin(
            questions=questions, answer=answer, model=model, wire=wire,
            system=system.read_text(encoding="utf-8") if system else "", more=_members(more),
            principal=Principal(tenant=tenant, feature=feature, team=team, user=user, key_id=key_id),
        )  # fmt: skip
        made = _pin_all(settings, _from_table(table, base) if table else [base])
    if as_json:
        print_json([_shown(each) for each in made])
    else:
        _print(made)
    _warn(settings, made)


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@config_option
@tenant_option
def unpin(ids: tuple[str, ...], config: Path | None, tenant: str) -> None:
    """Take back what was pinned, by the ID that was printed then, or by that of one answer or further question."""

    async def drop(entries: Entries) -> list[str]:
        return [each for each in ids if not await _unpinned(entries, tenant, each)]

    unknown = with_entries(cache_settings(config), drop)
    if unknown:
        raise click.ClickException(f"nothing pinned is called {printable(', '.join(unknown))}")
    click.echo("Taken back. The next calls ask the model.")


async def _unpinned(entries: Entries, tenant: str, id: str) -> bool:
    if id.startswith("lnk-"):
        return await entries.unlink(tenant, id)
    which = Which(tag=id) if id.startswith("pin-") else Which(ids=(id,))
    found = [entry.id for entry in await entries.entries(tenant, which, limit=1_000) if entry.pinned]
    return bool(found) and await entries.drop(tenant, Which(ids=tuple(found))) > 0


def _members(said: Mapping[str, str]) -> dict[str, Any]:
    """Values as JSON where they are, else as text."""
    found: dict[str, Any] = {}
    for name, value in said.items():
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name] = value
    return found


def _from_table(path: Path, base: Pin) -> list[Pin]:
    """One pin for each answer (of a feature, team and model); the questions of its rows are its questions."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = {"question", "answer"} - set(reader.fieldnames or ())
            unknown = set(reader.fieldnames or ()) - set(COLUMNS)
            if missing or unknown:
                raise click.ClickException(
                    f"{path}: the columns are {', '.join(COLUMNS)}; the last three may be missing"
                )
            rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(f"{path} is not a table in UTF-8: {error}") from None
    pins: dict[tuple[str, ...], Pin] = {}
    for row in rows:
        told = {name: (row.get(name) or "").strip() for name in COLUMNS}
        made = _row_pin(told, base)
        kind = (made.answer, made.principal.feature, made.principal.team, made.model)
        known = pins.get(kind)
        pins[kind] = (
            made if known is None else msgspec.structs.replace(known, questions=known.questions + made.questions)
        )
    if not pins:
        raise click.ClickException(f"{path} has no rows")
    return list(pins.values())


def _row_pin(told: Mapping[str, str], base: Pin) -> Pin:
    who = base.principal
    return msgspec.structs.replace(
        base, questions=(told["question"],), answer=told["answer"], model=told["model"] or base.model,
        principal=msgspec.structs.replace(
            who, feature=told["feature"] or who.feature, team=told["team"] or who.team
        ),
    )  # fmt: skip


def _pin_all(settings: Settings, pins: Sequence[Pin]) -> list[Pinned]:
    if not all(each.model and each.questions and each.answer for each in pins):
        raise click.UsageError("each pin needs a question, an answer and a model")
    if any(each.wire == "anthropic.messages" and "max_tokens" not in each.more for each in pins):
        raise click.UsageError("callers of anthropic.messages always send max_tokens: say it, --with max_tokens=500")
    policies = _policies(settings)
    now_us = time.time_ns() // 1000

    async def write(entries: Entries) -> list[Pinned]:
        texts = [
            text.strip() for each in pins if policies.rules(each.principal.feature).semantic for text in each.questions
        ]
        vectors, encoder = await _vectors(settings, texts)
        made = [
            _checked(pinned, each, policies.rules(each.principal.feature), vectors, encoder, now_us=now_us)
            for each in pins
        ]
        await _write(entries, made)
        return made

    return with_entries(settings, write, make=True)


def _approve(
    settings: Settings, tenant: str, entry_id: str, questions: tuple[str, ...], answer: str
) -> Pinned:  # fmt: skip
    async def write(entries: Entries) -> Pinned:
        found = await entries.entries(tenant, Which(ids=(entry_id,)))
        if not found:
            raise click.ClickException(f"there is no answer {printable(entry_id)} of this tenant")
        known = [link.question for link in await entries.links(tenant, entry_id)]
        every = (*known, *(text.strip() for text in questions))
        texts = [found[0].question, *every]
        semantic = _policies(settings).rules(found[0].scope).semantic
        vectors, encoder = await _vectors(settings, texts if semantic else [])
        made = _checked(again, found[0], every, answer, vectors, encoder, now_us=time.time_ns() // 1000)
        await _write(entries, [made])
        return made

    return with_entries(settings, write)


def _checked(make: Any, *arguments: Any, **more: Any) -> Pinned:
    try:
        made: Pinned = make(*arguments, **more)
    except CannotPin as error:
        raise click.ClickException(str(error)) from None
    return made


async def _vectors(settings: Settings, texts: Sequence[str]) -> Vocabulary:
    wanted = list(dict.fromkeys(texts))
    if not wanted:
        return {}, ""

    async def encode(encoder: Encoder) -> Vocabulary:
        rows = await encoder.encode(wanted)
        pack = library("farthing.steps.cache.index").pack
        return {text: pack(row) for text, row in zip(wanted, rows, strict=True)}, encoder.name

    return await with_encoder(settings.cache.threads, encode)


async def _write(entries: Entries, made: Sequence[Pinned]) -> None:
    """Raises StoreError if not all of it was stored."""
    for each in made:
        if not all(map(entries.put, each.entries)) or not all(map(entries.link, each.links)):
            raise click.ClickException("a name or tag holds what no store can hold")
    await entries.flush()
    await _supersede(entries, made)
    if entries.forgotten:
        raise StoreError(f"{entries.forgotten} of the answers could not be stored")


async def _supersede(entries: Entries, made: Sequence[Pinned]) -> None:
    """Drop what the model had answered to the same questions: an exact hit would come before the approved answer."""
    for each in made:
        questions = set(_questions(each))
        for entry in each.entries:
            alike = await entries.entries(entry.tenant, Which(context=entry.context), limit=MOST_ALIKE)
            old = tuple(stored.id for stored in alike if not stored.pinned and stored.question.strip() in questions)
            if old:
                await entries.drop(entry.tenant, Which(ids=old))


def _print(made: Sequence[Pinned]) -> None:
    table = Table("pinned", "feature", "for", "model", "wire", "questions", box=None, pad_edge=False)
    for each in made:
        entry = each.entries[0]
        table.add_row(
            each.id, entry.scope or "(none)", _whom(each), entry.asked, entry.format, f"{len(_questions(each))}"
        )  # fmt: skip
    print_table(table)


def _policies(settings: Settings) -> Policies:
    """Where a provider's model makes the vectors, this command has none: the answer is pinned to each question, word by
    word."""
    cache = settings.cache
    if cache.encoder:
        features = {name: _exact(feature) for name, feature in cache.features.items()}
        cache = msgspec.structs.replace(_exact(cache), features=features)
    return Policies(cache)


def _exact(rules: Mode) -> Mode:
    return msgspec.structs.replace(rules, mode="exact") if rules.mode == "semantic" else rules


def _warn(settings: Settings, made: Sequence[Pinned]) -> None:
    policies = _policies(settings)
    for feature in sorted({each.entries[0].scope for each in made}):
        warning = _warning(policies.rules(feature))
        if warning:
            click.echo(f"warning: feature {printable(feature) or '(none)'}: {warning}", err=True)


def _warning(rules: Rules) -> str:
    if not rules.exact:
        return "its cache is off, so the answer is not given until you switch it on, and pin it again then"
    if not rules.semantic:
        return "its cache is exact, so the answer is given to these questions only, word by word"
    return ""


def _whom(made: Pinned) -> str:
    if made.share == "key ":
        return "calls without team and key"
    return made.share or "the same calls as before"


def _questions(made: Pinned) -> list[str]:
    """Each once: a pin has an entry for each way of sending a question."""
    return list(dict.fromkeys([entry.question for entry in made.entries] + [link.question for link in made.links]))


def _shown(made: Pinned) -> dict[str, Any]:
    entry = made.entries[0]
    return {
        "id": made.id, "tenant": entry.tenant, "feature": entry.scope, "for": _whom(made), "model": entry.asked,
        "wire": entry.format, "entries": [each.id for each in made.entries], "questions": _questions(made),
    }  # fmt: skip
