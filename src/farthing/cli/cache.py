"""`farthing cache`: what is stored, what it saves, and which answers people approve or drop."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from farthing.cli.cache_pin import pin, unpin
from farthing.cli.cache_stats import stats
from farthing.cli.cache_store import cache_settings, filter_options, tenant_option, with_entries
from farthing.cli.cache_try import try_
from farthing.cli.common import When, amounts, config_option, print_json, print_table, printable, show_time
from farthing.model.money import show_dollars
from farthing.store.entries import Entries, Entry, Link, Verdict, Which
from farthing.wire.replay.words import words_of

MOST_LISTED = 10_000


@click.group("cache")
def command() -> None:
    """Look into the cache, drop answers, approve answers, try questions.

    What is stored are questions and answers of your callers: their text is shown only where you say --show-text.
    """


for each in (stats, pin, unpin, try_):
    command.add_command(each)


@command.command()
@click.argument("entry_id", required=False)
@config_option
@tenant_option
@filter_options
@click.option("--pinned", is_flag=True, help="Only approved answers.")
@click.option(
    "--near", is_flag=True, help="Near misses worth a look: wrong hits, and questions that a judge has linked."
)
@click.option("--show-text", is_flag=True, help="Show questions and answers.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=20, show_default=True, help="Lines.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def inspect(
    entry_id: str | None, config: Path | None, tenant: str, pinned: bool, near: bool, show_text: bool, limit: int,
    as_json: bool, **filters: str | None,
) -> None:  # fmt: skip
    """Stored answers, the newest first; or all that is known of the one with ENTRY_ID."""
    which = which_of(filters, (entry_id,) if entry_id else ())

    async def read(entries: Entries) -> tuple[list[Entry], list[Link], list[Verdict]]:
        wanted = MOST_LISTED if pinned or near else limit
        found = [entry for entry in await entries.entries(tenant, which, limit=wanted) if entry.pinned or not pinned]
        links = [link for entry in found if near or entry_id for link in await entries.links(tenant, entry.id)]
        wrong = await entries.verdicts(tenant, filters["feature"], wrong=True, limit=limit) if near else []
        return found, links, wrong

    found, links, wrong = with_entries(cache_settings(config), read)
    if entry_id and not found:
        raise click.ClickException(f"there is no answer {entry_id} of this tenant that these settings can read")
    if near:
        _show_near(found, [link for link in links if link.source == "judge"][:limit], wrong, show_text, as_json)
    elif entry_id:
        _show_entry(found[0], links, show_text, as_json)
    elif as_json:
        print_json([shown(entry, show_text) for entry in found[:limit]])
    else:
        _show_list(found[:limit], show_text)


@command.command()
@config_option
@tenant_option
@filter_options
@click.option("--older-than", type=When(), help="Answers from before this time, or older than so long: 7d, 36h.")
@click.option("--id", "ids", multiple=True, metavar="ID", help="One answer, approved or not; repeat.")
@click.option("--all", "everything", is_flag=True, help="Every answer of the tenant, approved ones too.")
@click.option("--with-pins", is_flag=True, help="Approved answers too. Without it they stay, unless named by --id.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(
    config: Path | None, tenant: str, older_than: int | None, ids: tuple[str, ...], everything: bool, with_pins: bool,
    yes: bool, **filters: str | None,
) -> None:  # fmt: skip
    """Drop answers: those that agree with all that is said. No gateway gives them from then on."""
    narrowed = older_than is not None or bool(ids) or any(filters.values())
    if everything == narrowed:
        raise click.UsageError("say which answers (--feature, --tag, --model, ...), or else --all")
    if everything and not yes:
        click.confirm(f"Drop every answer of the tenant {printable(tenant)!r}, approved ones too?", abort=True)
    which = msgspec.structs.replace(
        which_of(filters, ids), created_before_us=older_than, keep_pinned=not (everything or with_pins or ids)
    )

    async def drop(entries: Entries) -> tuple[int, int]:
        meant = await entries.entries(tenant, msgspec.structs.replace(which, keep_pinned=False), limit=MOST_LISTED)
        return await entries.drop(tenant, which), sum(entry.pinned for entry in meant)

    dropped, kept = with_entries(cache_settings(config), drop)
    stay = " Approved ones stay; --with-pins drops them too." if kept and which.keep_pinned else ""
    click.echo(f"{dropped} answer{'' if dropped == 1 else 's'} dropped.{stay}")


def which_of(filters: dict[str, str | None], ids: Sequence[str] = ()) -> Which:
    """The answers that the options of `filter_options` mean."""
    return Which(
        ids=tuple(ids) or None, scope=filters["feature"], tag=filters["tag"], asked=filters["model"],
        owner=filters["user"], team=filters["team"],
    )  # fmt: skip


def shown(entry: Entry, text: bool) -> dict[str, Any]:
    """An entry for machines; what was asked and answered only with `text`."""
    plain: dict[str, Any] = {
        name: getattr(entry, name)
        for name in (
            "id", "tenant", "scope", "owner", "team", "format", "model", "asked", "in_tokens", "out_tokens",
            "created_us", "expires_us", "source_call", "tags", "pinned", "hits", "encoder",
        )
    }  # fmt: skip
    plain |= {"cost": amounts(entry.cost), "saved": amounts(entry.cost * entry.hits)}
    return plain | ({"question": entry.question, "answer": words_of(entry.format, entry.answer)} if text else {})


def _show_list(found: Sequence[Entry], text: bool) -> None:
    if not found:
        click.echo("No answers.")
        return
    table = Table("id", "feature", "model", "made", "hits", "saved", "", box=None, pad_edge=False)
    if text:
        table.add_column("question")
    for entry in found:
        cells = [
            entry.id, entry.scope or "(none)", entry.asked, show_time(entry.created_us), f"{entry.hits:,}",
            show_dollars(entry.cost * entry.hits), _state(entry),
        ]  # fmt: skip
        table.add_row(*cells, *([entry.question] if text else []))
    print_table(table)


def _state(entry: Entry) -> str:
    if entry.pinned:
        return "approved"
    return "over" if entry.expires_us and entry.expires_us <= time.time_ns() // 1000 else ""


def _show_entry(entry: Entry, links: Sequence[Link], text: bool, as_json: bool) -> None:
    if as_json:
        print_json(shown(entry, text) | {"links": [_shown_link(link, text) for link in links]})
        return
    table = Table("", "", show_header=False, box=None, pad_edge=False)
    until = show_time(entry.expires_us) if entry.expires_us else "never ends"
    lines = {
        "id": entry.id, "state": _state(entry), "feature": entry.scope, "team": entry.team, "user": entry.owner,
        "wire": entry.format, "asked for": entry.asked, "model": entry.model, "made": show_time(entry.created_us),
        "until": until, "by call": entry.source_call, "tags": ", ".join(entry.tags), "hits": f"{entry.hits:,}",
        "cost": show_dollars(entry.cost), "saved": show_dollars(entry.cost * entry.hits),
    }  # fmt: skip
    for name, said in lines.items():
        if said:
            table.add_row(name, said)
    for link in links:
        table.add_row("also answers", f"{link.id} ({link.source})" + (f": {link.question}" if text else ""))
    print_table(table)
    if text:
        click.echo(f"\n{_lines(entry.question)}\n\n{_lines(words_of(entry.format, entry.answer))}")
    else:
        click.echo("\nQuestion and answer: --show-text")


def _show_near(
    found: Sequence[Entry], links: Sequence[Link], wrong: Sequence[Verdict], text: bool, as_json: bool
) -> None:  # fmt: skip
    questions = {entry.id: entry.question for entry in found}
    if as_json:
        said = [_shown_link(link, text) | _question(questions, link.entry_id, text) for link in links]
        print_json(
            {
                "wrong": [msgspec.structs.asdict(each) | _question(questions, each.entry_id, text) for each in wrong],
                "linked": said,
            }
        )
        return
    if wrong:
        table = Table("wrong answer", "to call", "feature", "similarity", "says", "at", box=None, pad_edge=False)
        for each in wrong:
            table.add_row(
                each.entry_id, each.call_id, each.scope or "(none)", f"{each.similarity:.3f}", each.source,
                show_time(each.at_us),
            )  # fmt: skip
        print_table(table)
    if links:
        table = Table("linked answer", "by", "at", box=None, pad_edge=False)
        for title in ("question", "linked question") if text else ():
            table.add_column(title)
        for link in links:
            words = (questions.get(link.entry_id, ""), link.question) if text else ()
            table.add_row(link.entry_id, link.id, show_time(link.created_us), *words)
        print_table(table)
    if not wrong and not links:
        click.echo("No wrong hits and no links.")


def _question(questions: dict[str, str], entry_id: str, text: bool) -> dict[str, str]:
    return {"question": questions.get(entry_id, "")} if text else {}


def _shown_link(link: Link, text: bool) -> dict[str, Any]:
    plain = {name: getattr(link, name) for name in ("id", "entry_id", "source", "created_us")}
    return plain | ({"linked_question": link.question} if text else {})


def _lines(text: str) -> str:
    """Text of callers on a terminal: its lines stay, nothing in it commands."""
    return "\n".join(map(printable, text.splitlines()))
