"""`farthing prices price-this`: what one answer of a provider costs."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec
from rich.console import Console

from farthing.cli.common import When, amounts, config_option, load_settings, print_json
from farthing.cli.rates_text import lines_table
from farthing.finops.makers import maker_of
from farthing.model.call import Ask
from farthing.model.money import exact_dollars
from farthing.model.usage import Reading
from farthing.prices import PriceBook, Priced
from farthing.prices.configured import configured_book
from farthing.wire import FORMATS


@click.command("price-this", short_help="Price one answer of a provider.")
@click.argument("file", type=click.File("rb"), default="-")
@config_option
@click.option("--model", help="The model that ran. Default: the one that the answer names.")
@click.option("--provider", help="Whose price list holds. Default: the model's maker.")
@click.option(
    "--format", "format_name", type=click.Choice(list(FORMATS)), help="Wire format. Default: seen from the answer."
)
@click.option("--dialect", default="", help="Whose habits the usage follows, such as deepseek.")
@click.option("--tier", help="Service tier. Default: the one that the answer names.")
@click.option("--at", type=When(), help="The prices of this day. Default: now.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def price_this(
    file: Any, config: Path | None, model: str | None, provider: str | None, format_name: str | None, dialect: str,
    tier: str | None, at: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Price a provider's answer: the JSON or the event stream in FILE, or on standard input (-)."""
    answer = file.read()
    name = format_name or format_of(answer)
    reading = read_answer(answer, name, dialect)
    book = configured_book(load_settings(config, only={"prices"}).prices)
    at_us = at if at is not None else time.time_ns() // 1000
    parts = [_part(book, part, name, model, provider, tier, at_us) for part in (reading, *reading.parts)]
    if as_json:
        print_json({"format": name, "parts": [part.for_machines() for part in parts]} | _total(parts))
    else:
        _print_parts(parts)
    if any(part.priced.state == "unpriced" for part in parts):
        raise click.exceptions.Exit(1)


class _Part(NamedTuple):
    """A priced reading."""

    provider: str
    model: str
    priced: Priced

    def for_machines(self) -> dict[str, Any]:
        shown: dict[str, Any] = msgspec.to_builtins(self.priced)
        del shown["nano"], shown["list_nano"]
        known = self.priced.state != "unpriced"
        return (
            {"provider": self.provider, "model": self.model}
            | shown
            | {"cost": amounts(self.priced.nano) if known else None}
        )


def _part(
    book: PriceBook, reading: Reading, format_name: str, model: str | None, provider: str | None, tier: str | None, at_us: int
) -> _Part:  # fmt: skip
    name = model or reading.model
    if not name:
        raise click.ClickException("the answer does not name its model; say --model")
    if reading.usage is None:
        raise click.ClickException("the answer reports no usage, so its cost is unknown")
    whose = provider or maker_of(name, format_name)
    served = tier if tier is not None else reading.tier
    return _Part(whose, name, book.price(whose, name, reading.usage, tier=served, geo=reading.geo, at_us=at_us))


def _total(parts: Sequence[_Part]) -> dict[str, Any]:
    known = all(part.priced.state != "unpriced" for part in parts)
    return {"cost": amounts(sum(part.priced.nano for part in parts)) if known else None}


def _print_parts(parts: Sequence[_Part]) -> None:
    console = Console(markup=False, highlight=False)
    for part in parts:
        click.echo(f"{part.model} at the prices of {part.provider} ({part.priced.version or 'none'})")
        console.print(lines_table(part.priced.lines))
        if part.priced.flags:
            click.echo(f"marks: {', '.join(part.priced.flags)}")
        known = part.priced.state != "unpriced"
        click.echo(f"cost: {f'${exact_dollars(part.priced.nano)}' if known else '? (not every unit has a price)'}")


def read_answer(answer: bytes, format_name: str, dialect: str = "") -> Reading:
    """What a whole answer or an event stream reports of its use."""
    wire = FORMATS[format_name]
    if not _is_stream(answer):
        return wire.read(answer, Ask(model=""), dialect)
    reader = wire.stream(Ask(model="", stream=True), dialect)
    reader.feed(answer)
    reader.finish()
    return reader.reading()


def format_of(answer: bytes) -> str:
    """The wire format of an answer, by its own marks. Raises ClickException."""
    first = next(_events(answer), None) if _is_stream(answer) else answer
    try:
        marks = msgspec.json.decode(first or b"", type=_Marks)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise click.ClickException("this is neither a JSON object nor an event stream with one") from None
    if marks.object in ("chat.completion", "chat.completion.chunk"):
        return "openai.chat"
    if marks.object == "response" or marks.type.startswith("response."):
        return "openai.responses"
    if marks.object == "list":
        return "openai.embeddings"
    if marks.type in ("message", "message_start"):
        return "anthropic.messages"
    raise click.ClickException("the answer does not say which format it has; say --format")


class _Marks(msgspec.Struct):
    """What tells the formats apart."""

    object: str = ""
    type: str = ""


def _is_stream(answer: bytes) -> bool:
    return answer.lstrip()[:1] != b"{"


def _events(answer: bytes) -> Iterator[bytes]:
    """The data of each event that holds JSON."""
    for line in answer.splitlines():
        name, _, data = line.partition(b":")
        if name == b"data" and data.strip()[:1] == b"{":
            yield data
