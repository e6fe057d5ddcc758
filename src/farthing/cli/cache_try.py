"""`farthing cache try`: would two questions share an answer, and why not; also for files of pairs and of questions."""

import asyncio
import os
import shlex
from collections.abc import Iterator
from typing import Any, TextIO, TypeVar

import click
import msgspec

from farthing.cli.cache_store import with_encoder
from farthing.cli.common import print_json, printable
from farthing.embed import Encoder
from farthing.embed.library import library
from farthing.embed.memo import Memo
from farthing.settings import CacheSettings
from farthing.steps.cache.bound import needed
from farthing.steps.cache.calibration import FAIRLY_TRIED

AT_ONCE = 512
"""Lines that are encoded together."""
REMEMBERED = 50_000
"""Texts whose vectors are kept for their repeats."""
MOST_THREADS = 8
DEFAULTS = CacheSettings()

LineT = TypeVar("LineT")


@click.command("try")
@click.argument("questions", nargs=-1, metavar="[QUESTION_A QUESTION_B]")
@click.option(
    "--pairs", type=click.File(encoding="utf-8"), metavar="FILE", help='JSONL of {"a", "b"}; - is standard input.'
)
@click.option("--stream", type=click.File(encoding="utf-8"), metavar="FILE", help='JSONL of {"id", "query", "group"}.')
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def try_(questions: tuple[str, ...], pairs: TextIO | None, stream: TextIO | None, as_json: bool) -> None:
    """Would the answer to one question be given to another?

    With --pairs, one JSON decision a line: same, rule, why, cosine. With --stream, the questions run in order through a
    fresh cache, whose walls are the groups: id, hit, of (the question that was answered before), cosine, rule. Either way
    it is taken for granted that enough verdicts are there, and no judge is asked.
    """
    if [len(questions) == 2, pairs is not None, stream is not None].count(True) != 1 or len(questions) not in (0, 2):
        raise click.UsageError("give two questions, or --pairs FILE, or --stream FILE")
    asyncio.run(
        with_encoder(_threads(), lambda encoder: _try(Memo(encoder, REMEMBERED), questions, pairs, stream, as_json))
    )


def _threads() -> int:
    return max(1, min(MOST_THREADS, os.cpu_count() or 1))


async def _try(
    encoder: Encoder, questions: tuple[str, ...], pairs: TextIO | None, stream: TextIO | None, as_json: bool
) -> None:  # fmt: skip
    trial = library("farthing.steps.cache.trial")
    if pairs is not None:
        for some in _lines(pairs, trial.Pair):
            _say(await trial.decide(encoder, some))
    elif stream is not None:
        fresh = trial.Stream(encoder)
        for some in _lines(stream, trial.Asked):
            _say(await fresh.ask(some))
    else:
        (decision,) = await trial.decide(encoder, [trial.Pair(*questions)])
        if as_json:
            print_json(decision)
        else:
            _explain(questions, decision, trial.LINKABLE)


def _lines(file: TextIO, kind: type[LineT]) -> Iterator[list[LineT]]:
    """The lines of a file, some at a time. One that is none of this kind ends it with a message."""
    decoder = msgspec.json.Decoder(kind)
    some: list[LineT] = []
    number = 0
    try:
        for line in file:
            number += 1
            if line.strip():
                some.append(decoder.decode(line))
            if len(some) == AT_ONCE:
                yield some
                some = []
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise click.ClickException(f"{file.name}, line {number}: {error}") from None
    if some:
        yield some


def _say(decisions: list[Any]) -> None:
    click.echo("\n".join(msgspec.json.encode(each).decode() for each in decisions))


def _explain(questions: tuple[str, ...], decision: Any, linkable: float) -> None:
    click.echo(f"A       {printable(questions[0])}\nB       {printable(questions[1])}\ncosine  {decision.cosine:.3f}")
    if decision.same:
        percent = DEFAULTS.wrong_hits_percent
        click.echo(
            f"same    yes: {printable(decision.why)}\n\nThe answer to A is given to B once the feature has shown that at most "
            f"{percent:g} % of such hits are wrong: {needed(percent / 100)} verdicts without a wrong one at this similarity or "
            "above, by default, of a judge that let none of "
            f"{FAIRLY_TRIED} answers to other questions pass."
        )
        return
    click.echo(
        f"same    no: {printable(decision.why)} ({decision.rule})\n\nIf one answer serves both, approve it for both:"
    )
    a, b = (shlex.quote(printable(text)) for text in questions)
    click.echo(f"  farthing cache pin --question {a} --question {b} --answer TEXT --model MODEL")
    if decision.cosine >= linkable:
        click.echo(
            "Where settings name a judge, it is asked about near questions like these when they come in, and links those that "
            "the stored answer does answer."
        )
