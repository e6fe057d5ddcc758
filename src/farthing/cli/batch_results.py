"""`farthing batch results`: what became of each line, as JSON lines or as the table with the answers beside its rows.

They come in pieces and are written as they come. Into a file that was broken off, the next try goes on where it ended: beside
it lies how far that was.
"""

import os
import sys
from pathlib import Path
from typing import IO

import click
import msgspec

from farthing.batch.written import KINDS, Writer, kind_of
from farthing.cli.batch_places import Place, place_options, placed
from farthing.cli.batch_watch import ended
from farthing.model.batch import JOB_ENDS

SOME = 200
"""Lines between two notes of how far it is."""


class _Mark(msgspec.Struct):
    """How far a file is."""

    job: str
    format: str
    bytes: int
    no: int
    columns: list[str]


@click.command("results", short_help="What became of each line.")
@click.argument("job")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="A file. Default: the standard output."
)
@click.option(
    "--format", "kind", type=click.Choice(KINDS),
    help="csv: the columns of the input, then the answer, its status and its cost. Default: by the file's ending, else jsonl.",
)  # fmt: skip
@click.option("--partial", is_flag=True, help="What is there already of a job that has not ended.")
@place_options
def results(
    job: str, output: Path | None, kind: str | None, partial: bool, config: Path | None, url: str, key: str, tenant: str
) -> None:
    """What became of each line of JOB, in the order of the file: how it ended, the answer, what it cost.

    A file is there when it is whole. Where it was broken off, the same command goes on.
    """
    kind = kind or kind_of(output.name if output is not None else "")
    with placed(config, url, key, tenant) as place:
        card = place.card(job)
        if card["state"] not in JOB_ENDS and not partial:
            total = card["lines"]["total"]
            raise click.ClickException(
                f"the job {job} has not ended: {ended(card):,} of {total:,} lines. `farthing batch watch {job}` waits for it; "
                "--partial gives what is there."
            )  # fmt: skip
        if card.get("dropped"):
            raise click.ClickException(f"the results of the job {job} were dropped")
        if output is None:
            _to_stdout(place, job, kind)
        else:
            count = _to_file(place, job, kind, output, keeps=not partial)
            click.echo(f"{count:,} lines are in {output}.", err=True)


def _to_stdout(place: Place, job: str, kind: str) -> None:
    writer = Writer(kind, [])
    try:
        for each in place.outcomes(job, -1):
            sys.stdout.write(writer.line(each))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _to_file(place: Place, job: str, kind: str, output: Path, *, keeps: bool) -> int:
    """How many lines there are now."""
    part, note = output.with_name(output.name + ".part"), output.with_name(output.name + ".part.at")
    mark = _mark_of(note, part, job, kind) if keeps else None
    mark = mark or _Mark(job, kind, 0, -1, [])
    writer = Writer(kind, mark.columns)
    with part.open("r+b" if mark.bytes else "wb") as file:
        file.truncate(mark.bytes)
        file.seek(mark.bytes)
        last = mark.no
        for count, each in enumerate(place.outcomes(job, mark.no), 1):
            file.write(writer.line(each).encode("utf-8", "replace"))
            last = each.no
            if not count % SOME:
                _note(note, file, _Mark(job, kind, 0, last, writer.columns))
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, output)
    note.unlink(missing_ok=True)
    return last + 1


def _note(note: Path, file: IO[bytes], mark: _Mark) -> None:
    file.flush()
    mark.bytes = file.tell()
    fresh = note.with_name(note.name + ".new")
    fresh.write_bytes(msgspec.json.encode(mark))
    os.replace(fresh, note)


def _mark_of(note: Path, part: Path, job: str, kind: str) -> _Mark | None:
    """How far the last try came; None where there was none, or it was of another job."""
    try:
        mark = msgspec.json.decode(note.read_bytes(), type=_Mark)
        whole = part.stat().st_size >= mark.bytes
    except (OSError, msgspec.MsgspecError):
        return None
    return mark if whole and (mark.job, mark.format) == (job, kind) else None
