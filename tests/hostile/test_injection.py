"""Callers' words in headers, logs, rows, tables and files: they stay words, whatever is in them."""

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from farthing.cli.main import cli
from farthing.model.principal import Key
from farthing.model.record import Attempt, Decision, Record
from farthing.store import open_store
from hostile.raw import Said, line, request
from integration.gateways import Gateway

WORDS = [
    "\x1b[2J\x1b]0;owned\x07",
    "a\x00b",
    "\x9b31m",
    '","cost":0,"x":"',
    "'; DROP TABLE calls; --",
    "=cmd|' /C calc'!A1",
    "\u202egnp.exe",
    "[red]x[/red][link=http://evil]y[/link]",
    "\ud800",
    "a\r\nx-injected: 1",
    "a\u2028b",
    "x" * 10_000,
    "🙂" * 3000,
]


def say(gate: Gateway, sent: bytes) -> Said:
    with line(gate.url) as client:
        client.send(sent)
        said = client.answer()
        assert said is not None
        return said


def asked(**more: object) -> bytes:
    return json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]} | more).encode()


def sane_row(record: dict[str, Any]) -> None:
    said = [
        record[name] for name in ("team", "project", "user", "feature", "task", "transaction", "model", "model_asked")
    ]
    for text in [*said, *record["tags"], *record["tags"].values()]:
        assert text.isprintable() and len(text) <= 256, text


def cli_says(config: Path, *arguments: str) -> str:
    return CliRunner().invoke(cli, [*arguments, "--config", str(config)], catch_exceptions=False).output


def sane_text(text: str) -> None:
    """No control character but the line's end."""
    assert all(each.isprintable() for each in text.split("\n")), text


async def written(url: str, word: str) -> None:
    """A store with a key and a call whose every word is this one, as no gateway of today would write them."""
    store = await open_store(url)
    try:
        await store.add_key(Key(id="key-1", name=word, hash=b"x", tenant=word, tags={word: word}, models=(word,)))
        attempt = Attempt(
            1, provider=word, model=word, deployment=word, served_model=word, error=word, flags=[word], tier=word
        )
        record = Record(
            id="call-1", started_us=1, wire=word, model_asked=word, model=word, provider=word, tenant="default", team=word,
            user=word, feature=word, project=word, task=word, tags={word: word}, outcome=word, error=word,
            attempts=[attempt], decisions=[Decision(word, word, word)],
        )  # fmt: skip
        await store.write([record])
    finally:
        await store.close()


@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
def test_words_in_the_body(gate: Gateway, word: str) -> None:
    tool = {"type": "function", "function": {"name": word, "description": word, "parameters": {}}}
    for body in (
        asked(user=word),
        asked(metadata={word: word, "feature": word, "team": word}),
        asked(tools=[tool]),
        asked(model=word),
        asked(**{word: word}),
        asked(service_tier=word, reasoning_effort=word),
        json.dumps(
            {"model": "claude-sonnet-4-5", "max_tokens": 5, "messages": [], "metadata": {"user_id": word}}
        ).encode(),
    ):
        for path in ("/v1/chat/completions", "/v1/messages"):
            said = say(gate, request(body, path=path))
            assert said.status in (200, 400, 404)
            assert not any(name == b"x-injected" for name, _ in said.headers)
            if said.status == 200:
                sane_row(gate.call(said.header(b"x-farthing-call-id").decode()))
    for by in ("user", "feature", "team", "feature,model"):
        sane_text(cli_says(gate.config, "report", "--by", by))


@pytest.mark.parametrize(
    "value", [b"\xff\xfe", b"\x80\x9b31m", b"caf\xc3\xa9", b"=1+1", b'"},{"', b"x" * 30_000, b"\tx\t", b"%00%0d%0a"]
)
@pytest.mark.parametrize(
    "name", [b"x-farthing-team", b"x-farthing-tag-x", b"x-farthing-tag-" + b"n" * 500, b"x-farthing-tag-"]
)
def test_words_in_headers(gate: Gateway, name: bytes, value: bytes) -> None:
    sent = request(asked()).replace(b"host: localhost\r\n", b"host: localhost\r\n" + name + b": " + value + b"\r\n")
    said = say(gate, sent)
    assert said.status == 200
    sane_row(gate.call(said.header(b"x-farthing-call-id").decode()))


def test_hundreds_of_tags_of_a_call(gate: Gateway) -> None:
    tags = {f"x_farthing_tag_{number}": "v" for number in range(500)}
    said = say(gate, request(asked(), **tags))
    assert said.status == 200
    assert len(gate.call(said.header(b"x-farthing-call-id").decode())["tags"]) <= 16


def test_ten_thousand_callers_with_long_names_do_not_fill_the_memory(gate: Gateway) -> None:
    """What a caller says of itself is remembered between calls; that must not be the long words of many."""
    with line(gate.url) as client:
        for number in range(1500):
            client.send(request(asked(), x_farthing_user=f"{number}" + "x" * 60_000))
            said = client.answer()
            assert said is not None and said.status == 200


def test_names_of_models_do_not_fill_the_memory_or_the_metrics(gate: Gateway) -> None:
    with line(gate.url) as client:
        for number in range(300):
            client.send(request(asked(model=f"gpt-4o-mini-{number}")))
            client.answer()
    assert gate.get("/metrics").text.count('model="gpt-4o-mini-') < 10


def test_files_for_spreadsheets(gate: Gateway) -> None:
    for word in ("=1+1", "+1", "-1", "@SUM(1)", "\t=1", "a,b", 'a"b', "a\nb"):
        assert say(gate, request(asked(metadata={"feature": word}))).status == 200
    gate.call(say(gate, request(asked())).header(b"x-farthing-call-id").decode())
    rows = list(csv.reader(io.StringIO(gate.farthing("report", "--csv").stdout)))
    assert all(len(row) == len(rows[0]) for row in rows)
    assert all(not row[0].startswith(("=", "+", "-", "@", "\t")) for row in rows)


@pytest.mark.parametrize("word", WORDS, ids=range(len(WORDS)))
def test_words_of_an_administrator(tmp_path: Path, word: str, gate: Gateway) -> None:
    """The API that makes keys takes only what can be shown; what another version left in the store is shown as well."""
    unfit = not word.isprintable() or len(word) > 256  # a key that was made would close this gateway
    for field in () if not unfit else (
        {"name": word}, {"name": "a", "tags": {word: word}}, {"name": "a", "models": [word]}, {"name": "a", "pinned": [word]}
    ):  # fmt: skip
        response = gate.post("/v1/farthing/keys", field)
        if response.status_code == 201:  # this gateway must stay without keys
            pytest.fail(f"{field} was taken")
        assert response.status_code in (400, 413)
    url = f"sqlite:///{tmp_path}/odd.db"
    config = tmp_path / "farthing.toml"
    config.write_text(f'[store]\nurl = "{url}"\n')
    asyncio.run(written(url, word.encode(errors="replace").decode()))
    for command in (["keys", "list"], ["report"], ["calls"], ["explain", "call-1"]):
        for shape in ([], ["--json"], ["--csv"]):
            sane_text(cli_says(config, *command, *shape))
