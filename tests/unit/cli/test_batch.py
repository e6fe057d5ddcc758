"""`farthing batch` at a store that nobody works: what is handed in, what is refused and where, what results look like."""

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import Result

from farthing.batch.alike import Alike
from farthing.batch.intake import Bounds, Intake
from farthing.cli import batch_results, batch_watch
from farthing.model.batch import Job
from farthing.model.record import Record
from farthing.settings import CacheSettings
from farthing.store import Store, open_store, writing
from farthing.store.batch import files, jobs, lines, schedules
from farthing.store.batch.schedules import Occurrence
from farthing.store.engine import Connection
from farthing.store.sealing import wrapping
from stores import ready
from unit.batch.worked import ANSWER

Farthing = Callable[..., Result]
T = TypeVar("T")
CONFIG = """
[store]
url = "sqlite:///ledger.db"
[providers.openai]
api_key = "env:NOT_AT_HAND"
[batch.schedules.nightly]
file = "in/{date}.csv"
template = "p.txt"
model = "gpt-4o-mini"
cron = "0 2 * * mon-fri"
zone = "Europe/Berlin"
"""


@pytest.fixture
def place(folder: Path) -> Path:
    (folder / "farthing.toml").write_text(CONFIG)
    (folder / "p.txt").write_text("Sum up: {text}")
    table(folder, "a", 'b "and" c')
    in_store(folder, lambda c: None)
    return folder


def table(folder: Path, *texts: str) -> None:
    with (folder / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "text"))
        writer.writerows((number, text) for number, text in enumerate(texts))


def in_store(folder: Path, work: Callable[[Connection], T]) -> T:
    async def opened() -> T:
        store = await open_store(ready(folder, "ledger.db"))
        try:
            return await store.do(work)
        finally:
            await store.close()

    return asyncio.run(opened())


def submitted(farthing: Farthing, *more: str) -> Result:
    return farthing("batch", "submit", "t.csv", "--template", "p.txt", "--model", "gpt-4o-mini", "--yes", *more)


def answered(folder: Path, job_id: str, *, limit: int = 10**6) -> None:
    """As a gateway would: lines are taken in, and the first of them answered."""

    async def work() -> None:
        store = await open_store(ready(folder, "ledger.db"))
        try:
            intake = Intake(
                store, wrapping(""), Alike(CacheSettings()), Bounds(1000, 2**20), "here", lambda: None
            )  # fmt: skip
            await intake.turn()
            await _end(store, job_id, limit)
        finally:
            await store.close()

    asyncio.run(work())


async def _end(store: Store, job_id: str, limit: int) -> None:
    def end(connection: Connection) -> None:
        job = jobs.get(connection, job_id)
        assert job is not None
        ends, records = [], []
        for no in range(min(limit, job.total)):
            records.append(Record(f"call-{no}", 10**15, job.wire, cost=3, baseline=6, cost_state="computed"))
            ends.append(lines.Ended(job_id, no, f"call-{no}", "done", 200, ANSWER, 3, 6))
        writing.write(connection, records)
        lines.settle(connection, ends, 10**15)

    await store.do(end)


def the_job(folder: Path) -> Job:
    (job,) = in_store(folder, lambda c: jobs.page(c, tenant="default"))
    return job


def test_a_table_is_handed_in_and_its_cost_told_before(place: Path, farthing: Farthing) -> None:
    done = submitted(
        farthing, "--deadline", "6h", "--priority", "5", "--max-cost", "0.5", "--feature", "triage", "--tag", "run=7"
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    job = the_job(place)
    assert done.stdout.strip() == job.id
    assert "2 requests to gpt-4o-mini" in done.stderr and "as a batch" in done.stderr and "50% less" in done.stderr
    assert "It may cost $0.5" in done.stderr
    assert (job.origin, job.priority, job.cap, job.name, job.state) == ("file", 5, 500_000_000, "t.csv", "validating")
    assert job.headers == {"x-farthing-feature": "triage", "x-farthing-tag-run": "7"}
    assert job.deadline_us - job.created_us == 6 * 3600 * 10**6
    assert farthing("batch", "status", job.id).stdout.startswith(f"{job.id} t.csv: validating")
    assert json.loads(farthing("batch", "status", "--json").stdout)[0]["id"] == job.id


def test_nothing_is_handed_in_that_was_not_agreed(place: Path, farthing: Farthing) -> None:
    done = farthing("batch", "submit", "t.csv", "--template", "p.txt", "--model", "gpt-4o-mini", stdin=b"n\n")
    assert done.exit_code == 1 and "Start?" in done.stderr
    assert in_store(place, lambda c: (jobs.page(c, tenant="default"), files.page(c, tenant="default"))) == ([], [])
    done = farthing("batch", "submit", "t.csv", "--template", "p.txt", "--model", "gpt-4o-mini", stdin=b"y\n")
    assert done.exit_code == 0 and the_job(place)


def test_costs_that_nobody_knows_are_said_to_be_so(place: Path, farthing: Farthing) -> None:
    done = farthing("batch", "submit", "t.csv", "--template", "p.txt", "--model", "openai/own-7", "--yes")
    assert "No price is known for openai/own-7" in done.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('id,text\n1,"a\n', "t.csv: line 2: "), ("id,text\n1,a\n2\n", "t.csv: line 3, column 2: 1 fields"),
        ("id,title\n1,a\n", "p.txt: the template has {text}, and there is no such column"), ("", "t.csv: line 1"),
        ("id,text\n1,\n", "t.csv: line 2, column 2: the row has nothing in text"), ("id,text\n", "t.csv: there is no request in it"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_by_its_place_and_nothing_starts(
    place: Path, farthing: Farthing, text: str, says: str
) -> None:
    (place / "t.csv").write_text(text)
    done = submitted(farthing)
    assert done.exit_code == 1 and says in done.stderr, done.stderr
    assert in_store(place, lambda c: files.page(c, tenant="default")) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--deadline", "soon"), "A deadline is a time"), (("--deadline", "5s"), "A deadline is a time"), (("--priority", "200"), "priority"),
        (("--feature", "a\nb"), "header"), (("--max-tokens", "0"), "max-tokens"), (("--tag", "x"), "NAME=VALUE"),
    ],
)  # fmt: skip
def test_options_are_checked(place: Path, farthing: Farthing, more: tuple[str, ...], says: str) -> None:
    done = submitted(farthing, *more)
    assert done.exit_code == 2 and says in done.stderr


def test_without_a_ledger_it_is_said_who_makes_it(folder: Path, farthing: Farthing) -> None:
    (folder / "farthing.toml").write_text(CONFIG)
    done = farthing("batch", "status")
    assert done.exit_code == 1 and "`farthing up` makes it" in done.stderr
    done = farthing("batch", "status", "--url", "http://127.0.0.1:1")
    assert done.exit_code == 1 and "no gateway answers" in done.stderr
    assert farthing("batch", "status", "--url", "nowhere").exit_code == 2


def test_a_job_that_there_is_none_of(place: Path, farthing: Farthing) -> None:
    for name in ("status", "watch", "results", "cancel", "promote"):
        done = farthing("batch", name, "job-none")
        assert done.exit_code == 1 and "there is no job job-none" in done.stderr, name


def test_results_are_the_rows_with_their_answers(place: Path, farthing: Farthing) -> None:
    job_id = submitted(farthing).stdout.strip()
    done = farthing("batch", "results", job_id)
    assert done.exit_code == 1 and "has not ended" in done.stderr
    answered(place, job_id, limit=1)
    done = farthing("batch", "results", job_id, "--partial")
    assert [json.loads(each)["row"]["text"] for each in done.stdout.splitlines()] == ["a"]
    answered(place, job_id)
    done = farthing("batch", "results", job_id, "-o", "out.csv")
    assert done.exit_code == 0 and "2 lines are in out.csv" in done.stderr
    with (place / "out.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert found == [
        {"id": "0", "text": "a", "answer": "blue", "status": "200", "cost_dollars": "0.000000003"},
        {"id": "1", "text": 'b "and" c', "answer": "blue", "status": "200", "cost_dollars": "0.000000003"},
    ]
    assert sorted(path.name for path in place.glob("out*")) == ["out.csv"]
    assert farthing("batch", "results", job_id, "--format", "csv").stdout == (place / "out.csv").read_text()
    assert "finished: 2 done of 2" in farthing("batch", "status", job_id).stdout
    assert "has ended" in farthing("batch", "cancel", job_id, "--yes").stdout


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_results_that_were_broken_off_are_gone_on_with(
    place: Path, farthing: Farthing, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table(place, *(f"text\n{number}" for number in range(450)))
    job_id = submitted(farthing).stdout.strip()
    answered(place, job_id)
    farthing("batch", "results", job_id, "-o", f"whole-{name}")
    whole = (place / f"whole-{name}").read_bytes()
    mark = batch_results._Mark(job_id, name.partition(".")[2], 0, -1, [])
    at = whole.index(b"text\n399") if name == "out.csv" else whole.index(b'{"no":399,')
    cut = whole.rindex(b"\n", 0, at) + 1
    mark.bytes, mark.no, mark.columns = cut, 398, ["id", "text"] if name == "out.csv" else []
    (place / f"{name}.part").write_bytes(b"#" + whole[1:cut] + b"half a li")
    (place / f"{name}.part.at").write_bytes(json.dumps({k: getattr(mark, k) for k in mark.__struct_fields__}).encode())
    assert farthing("batch", "results", job_id, "-o", name).exit_code == 0
    assert (place / name).read_bytes() == b"#" + whole[1:], "what was there is kept, the rest is appended"


def test_what_is_left_of_another_job_is_begun_anew(place: Path, farthing: Farthing) -> None:
    job_id = submitted(farthing).stdout.strip()
    answered(place, job_id)
    (place / "o.jsonl.part").write_text("x" * 100)
    (place / "o.jsonl.part.at").write_text('{"job":"job-x","format":"jsonl","bytes":50,"no":3,"columns":[]}')
    farthing("batch", "results", job_id, "-o", "o.jsonl")
    assert len((place / "o.jsonl").read_text().splitlines()) == 2


def test_cancelling_ends_what_waits(place: Path, farthing: Farthing) -> None:
    job_id = submitted(farthing).stdout.strip()
    answered(place, job_id, limit=1)
    done = farthing("batch", "cancel", job_id, "--yes")
    assert done.exit_code == 0 and "is cancelled" in done.stdout
    done = farthing("batch", "watch", job_id)
    assert done.exit_code == 1 and "1 done, 1 cancelled of 2" in done.stderr


def test_promoting_brings_the_deadline_forward(place: Path, farthing: Farthing) -> None:
    job_id = submitted(farthing).stdout.strip()
    answered(place, job_id, limit=0)
    done = farthing("batch", "promote", job_id)
    assert done.exit_code == 1 and "nobody is here to answer: say --yes" in done.stderr
    assert farthing("batch", "promote", job_id, "--yes").stdout == "2 lines are to be done now.\n"
    answered(place, job_id)
    assert farthing("batch", "promote", job_id).stdout == f"{job_id} has ended: finished.\n"


def test_watching_ends_with_the_job_and_not_the_other_way_round(
    place: Path, farthing: Farthing, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submitted(farthing).stdout.strip()
    answered(place, job_id)
    done = farthing("batch", "watch", job_id)
    assert done.exit_code == 0 and "finished: 2 done of 2; cost $0.0000000060, saved $0.0000000060" in done.stderr


def test_when_a_job_is_expected() -> None:
    now = batch_watch.time.time()
    card: dict[str, Any] = {"expected_us": int((now + 600) * 1e6), "expected_by_us": int((now + 7200) * 1e6)}
    assert batch_watch.expected(card) == "done in 10 min to 2.0 h"
    assert batch_watch.expected({"expected_us": None, "expected_by_us": None}) == ""


def test_schedules_are_listed_with_how_they_went(place: Path, farthing: Farthing) -> None:
    done = farthing("batch", "schedules")
    assert done.exit_code == 0 and "0 2 * * mon-fri Europe/Berlin" in done.stdout and "never yet" in done.stdout
    job_id = submitted(farthing).stdout.strip()
    answered(place, job_id)
    due = 1_764_000_000_000_000

    def note(connection: Connection) -> None:
        schedules.claim(connection, "nightly", due, "g", due, due + 1)

    in_store(place, note)
    assert "is being started" in farthing("batch", "schedules").stdout

    def start(connection: Connection) -> None:
        schedules.started(connection, Occurrence("nightly", due), "g", job_id, "", due + 300_000_000)

    in_store(place, start)
    (found,) = json.loads(farthing("batch", "schedules", "--json").stdout)
    assert found["last"]["job"] == job_id and found["last"]["late_s"] == 300 and found["last"]["cost_nano"] == 6
    assert "finished, 5 min late" in farthing("batch", "schedules").stdout


def test_no_schedules_are_an_empty_list_for_machines(folder: Path, farthing: Farthing) -> None:
    (folder / "farthing.toml").write_text('[providers.openai]\napi_key = "k"\n')
    assert json.loads(farthing("batch", "schedules", "--json").stdout) == []
    assert "There are no schedules" in farthing("batch", "schedules").stdout


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('at = "2"', "no time of day"), ('cron = "* *"', "five fields"), ("", "say when"), ('at = "02:00"\ncron = "@daily"', "say when"),
        ('at = "02:00"\nzone = "Mars"', "no time zone"), ('at = "02:00"\ndeadline = "soon"', "deadline"),
    ],
)  # fmt: skip
def test_schedules_that_cannot_be_are_told_by_check(folder: Path, farthing: Farthing, line: str, says: str) -> None:
    text = f'[providers.openai]\napi_key = "k"\n[batch.schedules.nightly]\nfile = "a.csv"\n{line}\n'
    (folder / "farthing.toml").write_text(text)
    done = farthing("check")
    assert done.exit_code == 2 and "batch.schedules.nightly" in done.stderr and says in done.stderr


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('zone = "Mars"', "batch.zone"), ('hours = { openai = "25:00-26:00" }', "batch.hours.openai"),
        ('hours = { nobody = "22:00-06:00" }', "batch.hours.nobody"),
    ],
)  # fmt: skip
def test_a_calendar_that_cannot_be_read_is_told_by_check(folder: Path, farthing: Farthing, line: str, key: str) -> None:
    (folder / "farthing.toml").write_text(f'[providers.openai]\napi_key = "k"\n[batch]\n{line}\n')
    done = farthing("check")
    assert done.exit_code == 2 and key in done.stderr
