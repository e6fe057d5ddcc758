"""`farthing explain`: one call's cost card, as the ledger has it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from farthing.cli.common import (
    PlainConsole,
    amounts,
    config_option,
    load_settings,
    print_json,
    printable,
    show_time,
    with_store,
)
from farthing.cli.rates_text import lines_table
from farthing.finops.cost_card import how_known, is_known, line_dollars, waterfall, weighed
from farthing.model.money import exact_dollars, show_dollars
from farthing.model.record import Attempt, Record
from farthing.store import Store
from farthing.store.rerates import FirstPrice, Rerates

ROUTING = ("task", "route")
"""Steps whose decisions are shown together, as the way to the model."""


@click.command("explain")
@click.argument("call_id")
@config_option
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def command(call_id: str, config: Path | None, as_json: bool) -> None:
    """Show how the cost of CALL_ID came about: attempts, units, rates, decisions, savings.

    CALL_ID is in the answer's header x-farthing-call-id.
    """

    async def read(store: Store) -> tuple[Record | None, FirstPrice | None]:
        return await store.call(call_id), await Rerates(store).first(call_id)

    record, first = with_store(load_settings(config, only={"store"}), read)
    if record is None:
        raise click.ClickException(
            f"there is no call {call_id!r} in the ledger; a call appears there when its answer has ended"
        )
    if as_json:
        print_json(for_machines(record) | {"first_price": _first_for_machines(first)})
    else:
        PlainConsole().print(card(record, first))


def for_machines(record: Record) -> dict[str, Any]:
    """Everything, with each amount exact in nano-dollars and as text."""
    shown: dict[str, Any] = msgspec.to_builtins(record)
    shown |= {name: amounts(getattr(record, name)) for name in ("cost", "baseline")}
    shown["saved"] = amounts(record.baseline - record.cost)
    shown["route"] = _route_for_machines(record)
    for attempt, each in zip(shown["attempts"], record.attempts, strict=True):
        attempt["cost"] = amounts(each.cost)
        attempt["reported_cost"] = None if each.reported_cost is None else amounts(each.reported_cost)
        attempt["raw_usage"] = each.raw_usage.decode("utf-8", "replace")
        for line, priced in zip(attempt["lines"], each.lines, strict=True):
            line["dollars"] = line_dollars(priced)
    for saving, saved in zip(shown["savings"], record.savings, strict=True):
        saving |= {name: amounts(getattr(saved, name)) for name in ("before", "after", "overhead", "saved")}
    return shown


def _first_for_machines(first: FirstPrice | None) -> dict[str, Any] | None:
    if first is None:
        return None
    states = {"cost_state": first.cost_state, "price_versions": first.versions, "run": first.rerate}
    return {"cost": amounts(first.cost), "baseline": amounts(first.baseline)} | states


def card(record: Record, first: FirstPrice | None = None) -> Group:
    """The cost card for people."""
    parts: list[Any] = [Text(f"call {printable(record.id)}", style="bold"), _facts(record)]
    for attempt in record.attempts:
        parts.append(_attempt(attempt))
    route = list(_route(record))
    if route:
        parts += [Text("route", style="bold"), _grid(route)]
    others = [(each.step, each.what, each.why) for each in record.decisions if each.step not in ROUTING]
    if others:
        parts += [Text("decisions", style="bold"), _grid(others)]
    parts += [Text("money", style="bold"), _money(record, first)]
    return Group(*parts)


def _facts(record: Record) -> Padding:
    asked = record.model_asked
    tags = {"team": record.team, "project": record.project, "user": record.user, "feature": record.feature}
    tags |= {"task": record.task, "transaction": record.transaction} | record.tags
    ended = record.outcome + (f": {record.error}" if record.error else "")
    first = f", first byte after {_ms(record.first_byte_us)}" if record.first_byte_us else ""
    return _grid(
        [
            ("when", f"{show_time(record.started_us)}, took {_ms(record.duration_us)}{first}"),
            ("asked", f"{asked} ({record.wire}{', stream' if record.stream else ''})"),
            ("served", f"{record.model or '-'} at {record.provider or '-'}" if record.attempts else "nothing was sent"),
            ("ended", f"{record.status} {ended}"),
            ("owner", f"{record.tenant} {record.key_id}".strip()),
            ("tags", ", ".join(f"{name}={value}" for name, value in tags.items() if value) or "none"),
        ]
    )


def _route(record: Record) -> Iterator[tuple[str, str]]:
    """How the model was found: the kind of work and who said so, the choice, all that was weighed, what came after."""
    found_by = next((each.why for each in record.decisions if each.step == "task"), "")
    choices = [each for each in record.decisions if each.step == "route"]
    if found_by or record.tier:
        yield "task", f"{record.task or 'unknown'}{f': {found_by}' if found_by else ''}"
    if record.template:
        yield "template", record.template
    if choices and record.session:
        yield "session", record.session
    held_out = [lever for lever, held in record.arms.items() if held]
    if held_out:
        yield "held out", f"it went without {', '.join(held_out)}, to measure that"
    for place, each in enumerate(choices):
        sentence, others = weighed(each)
        yield "chosen" if place == 0 else "then", each.what
        yield "because", sentence
        for label, text in others:
            yield f"  {label}", text


def _route_for_machines(record: Record) -> dict[str, Any] | None:
    choices = [each for each in record.decisions if each.step == "route"]
    if not choices:
        return None
    sentence, *others = choices[0].why.split("\n")
    return {
        "task": record.task, "task_found_by": next((each.why for each in record.decisions if each.step == "task"), ""),
        "template": record.template, "session": record.session, "tier": record.tier, "model": choices[-1].what,
        "why": sentence, "weighed": others, "then": [each.why for each in choices[1:]],
        "held_out_of": [lever for lever, held in record.arms.items() if held],
    }  # fmt: skip


def _attempt(attempt: Attempt) -> Group:
    part = f", part {attempt.part}" if attempt.part else ""
    tier = f", tier {attempt.tier}" if attempt.tier else ""
    place = f" ({attempt.deployment})" if attempt.deployment not in ("", f"{attempt.provider}/{attempt.model}") else ""
    took = f", {_ms(attempt.duration_us)}" if attempt.duration_us else ""
    ended = f"{attempt.status or '-'} {attempt.outcome}{took}"
    head = f"attempt {attempt.no}{part}: {attempt.model} at {attempt.provider}{place}{tier}, {ended}"
    notes = [(name, text) for name, text in _notes(attempt) if text]
    lines = [Padding(lines_table(attempt.lines), (0, 0, 0, 2))] if attempt.lines else []
    return Group(Text(printable(head), style="bold"), *lines, _grid(notes))


def _notes(attempt: Attempt) -> Iterator[tuple[str, str]]:
    cost = f"${exact_dollars(attempt.cost)}" if is_known(attempt.cost_state) else "?"
    yield "cost", f"{cost} ({how_known(attempt.cost_state, [attempt])})"
    if attempt.reported_cost is not None:
        yield "provider says", f"${exact_dollars(attempt.reported_cost)}"
    if attempt.usage is not None and attempt.usage.reasoning:
        yield "reasoning", f"{attempt.usage.reasoning:,} of the output tokens"
    yield "prices", attempt.price_version
    yield "marks", ", ".join(attempt.flags)
    yield "error", attempt.error


def _money(record: Record, first: FirstPrice | None) -> Padding:
    rows = []
    for bar in waterfall(record)[:-1]:
        marks = [f"overhead {show_dollars(bar.overhead)}"] if bar.overhead else []
        marks += ["estimated"] if bar.estimated else []
        label = f"- {bar.label}" if bar.kind == "saving" else bar.label
        rows.append((label, f"${exact_dollars(bar.amount)}", ", ".join(marks)))
    amount = f"${exact_dollars(record.cost)}"
    cost = amount if is_known(record.cost_state) else f"? (known so far: {amount})"
    rows.append(("cost", cost, how_known(record.cost_state, record.attempts)))
    if first is not None:
        by = f" by {', '.join(first.versions)}" if first.versions else ""
        amount = f"${exact_dollars(first.cost)}" if is_known(first.cost_state) else "?"
        rows.append(("at first", amount, f"priced{by}; run {first.rerate} of `farthing rerate` changed it"))
    return _grid(rows)


def _ms(us: int) -> str:
    return f"{us / 1000:,.1f} ms"


def _grid(rows: Any) -> Padding:
    grid = Table.grid(padding=(0, 2))
    for row in rows:
        grid.add_row(*row)
    return Padding(grid, (0, 0, 0, 2))
