"""Files of requests: what they are, what they become, and where they are wrong."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from farthing.batch.prompts.requests import InputError, TemplateError, pieces, rows_of, source

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}


def openai(number: int, **more: Any) -> dict[str, Any]:
    return {"custom_id": f"c-{number}", "method": "POST", "url": "/v1/chat/completions", "body": CHAT, **more}


def written(folder: Path, name: str, *lines: Any) -> Path:
    path = folder / name
    path.write_text("".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in lines))
    return path


def template(folder: Path, text: str = "Sum up: {text}") -> Path:
    (folder / "p.txt").write_text(text)
    return folder / "p.txt"


def test_lines_of_an_openai_batch(tmp_path: Path) -> None:
    found = source(written(tmp_path, "a.jsonl", openai(1), "", openai(2)))
    assert (found.kind, found.wire) == ("openai", "openai.chat")
    made = list(found.requests())
    assert [(each.line, each.custom_id) for each in made] == [(1, "c-1"), (3, "c-2")]
    assert json.loads(made[0].data) == openai(1) and made[0].ask.model == "gpt-4o-mini"
    url = "/v1/embeddings"
    vectors = openai(1, url=url, body={"model": "text-embedding-3-small", "input": "x"})
    assert source(written(tmp_path, "e.jsonl", vectors)).wire == "openai.embeddings"


def test_requests_of_an_anthropic_batch(tmp_path: Path) -> None:
    params = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": CHAT["messages"]}
    found = source(written(tmp_path, "a.jsonl", {"custom_id": "one", "params": params}))
    assert (found.kind, found.wire) == ("anthropic", "anthropic.messages")
    assert json.loads(next(found.requests()).data) == openai(1, custom_id="one", url="/v1/messages", body=params)


def test_rows_with_a_template(tmp_path: Path) -> None:
    rows = [{"text": "a", "n": 1}, {"text": "b", "custom_id": "mine", "n": 2}]
    found = source(written(tmp_path, "a.jsonl", *rows), template=template(tmp_path), model="gpt-4o-mini")
    made = list(found.requests())
    assert [each.custom_id for each in made] == ["row-1", "mine"]
    assert json.loads(made[0].body)["messages"][0]["content"] == "Sum up: a"
    data = b"".join(pieces(made))
    assert [json.loads(each) for each in rows_of([data[:50], data[50:]])] == rows
    table = tmp_path / "a.csv"
    table.write_text('text,id\n"x, y",7\n')
    (one,) = source(table, template=template(tmp_path), model="gpt-4o-mini").requests()
    assert json.loads(one.data)["row"] == {"text": "x, y", "id": "7"}


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((), "no request"), (("{",), "line 1, column 2"), (("7",), "JSON object"),
        ((openai(1), openai(1)), "line 2: .*custom_id"), ((openai(1), openai(2, url="/v1/embeddings")), "line 2: The url"),
        ((openai(1, url="/v1/nothing"),), "line 1: the url must be one of"),
        ((openai(1), "{]"), "line 2, column 2"), ((openai(1), openai(2, body={"messages": []})), "line 2: "),
        ((openai(1), openai(2, body={**CHAT, "stream": True})), "line 2: .*streamed"),
        ((openai(1), {"custom_id": "x", "method": "POST", "url": "/v1/chat/completions"}), "line 2: .*body"),
        (({"custom_id": "a", "params": {"model": "claude-x"}}, {"custom_id": "a"}), "line 2: "),
    ],
)  # fmt: skip
def test_a_bad_line_is_told_by_its_place(tmp_path: Path, lines: tuple[Any, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        list(source(written(tmp_path, "a.jsonl", *lines)).requests())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("text\nok\n\" \"\n", "line 3, column 1: the row has nothing in text"), ("text,n\na,1\nb\n", "line 3, column 2"),
        ("title\nx\n", "no such column"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_by_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises((InputError, TemplateError), match=says):
        list(source(tmp_path / "a.csv", template=template(tmp_path), model="m").requests())


def test_rows_need_a_template_and_requests_take_none(tmp_path: Path) -> None:
    rows = written(tmp_path, "a.jsonl", {"text": "a"}, {"n": 1})
    with pytest.raises(InputError, match="--template"):
        source(rows)
    with pytest.raises(InputError, match="line 2: the row has no 'text'"):
        list(source(rows, template=template(tmp_path), model="m").requests())
    with pytest.raises(InputError, match="whole requests"):
        source(written(tmp_path, "b.jsonl", openai(1)), template=template(tmp_path), model="m")
    with pytest.raises(InputError, match="more than 1 requests"):
        list(source(written(tmp_path, "c.jsonl", openai(1), openai(2)), most=1).requests())


def test_a_large_table_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("id,text\n")
        file.writelines(f"{number},{'word ' * 40}\n" for number in range(20_000))
    found = source(path, template=template(tmp_path), model="gpt-4o-mini")
    tracemalloc.start()
    count = sum(piece.count(b"\n") for piece in pieces(found.requests()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000 and peak < 8 * 2**20, peak
