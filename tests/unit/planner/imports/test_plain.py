"""Tables of one's own: what is guessed of their columns, and rows by that."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.planner.imports.mapping import guess, unused
from farthing.planner.imports.reading import sample_of
from laws import examples
from unit.planner.imports.reads import lines, read

MONTH = "ts,llm,in_tokens,out_tokens,cached_tokens,app,user_id,latency,cost\n"


def mapped(path: Path, **said: str) -> dict[str, str]:
    return {field: column.column for field, column in guess(sample_of(path), said).fields.items()}


@pytest.mark.parametrize(
    ("columns", "row", "wanted"),
    [
        ("Timestamp,Model,Prompt Tokens,Completion Tokens,Latency (ms)", "2026-10-01T12:00:00Z,gpt-4o,10,2,900",
         {"at": "Timestamp", "model": "Model", "input": "Prompt Tokens", "output": "Completion Tokens", "latency": "Latency (ms)"}),
        ("when,engine,input,output,prompt,answer", "1790856000,gpt-4o,10,2,hi,hello",
         {"at": "when", "model": "engine", "input": "input", "output": "output", "prompt": "prompt", "answer": "answer"}),
        ("date,deployment,input,output", "2026-10-01,gpt-4o,what is this?,a test", {"at": "date", "model": "deployment", "prompt": "input", "answer": "output"}),
        ("x,y,tokens_in,tokens_out", "2026-10-01 10:00,claude-sonnet-4-5,1,2", {"at": "x", "model": "y", "input": "tokens_in", "output": "tokens_out"}),
        ("created_at,model,promptTokens,completionTokens,conversation_id,department,status_code", "1790856000123,gpt-4o,1,2,c,cx,200",
         {"at": "created_at", "model": "model", "input": "promptTokens", "output": "completionTokens", "session": "conversation_id", "team": "department", "status": "status_code"}),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names_and_values(
    tmp_path: Path, columns: str, row: str, wanted: dict[str, str]
) -> None:
    (tmp_path / "a.csv").write_text(f"{columns}\n{row}\n")
    assert mapped(tmp_path / "a.csv") == wanted


def test_a_row_is_a_call(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(MONTH + "1790856000,azure/gpt-4o,100,7,60,chat,ada,2.5,0.0125\n")
    name, calls, bad, _ = read(tmp_path / "a.csv")
    call = calls[0]
    assert name == "plain" and not bad and call.usage is not None
    assert (call.usage.uncached_in, call.usage.cache_read, call.usage.out) == (40, 60, 7)
    assert (call.provider, call.model, call.feature, call.user) == ("azure", "gpt-4o", "chat", "ada")
    assert (call.duration_us, call.reported_cost, call.outcome) == (2_500_000, 12_500_000, "ok")


def test_unknown_stays_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "ts,model,input_tokens,output_tokens,total_tokens\n1790856000,gpt-4o,,,\n1790856000,gpt-4o,5,,\n1790856000,gpt-4o,,,9\n"
        "1790856000,gpt-4o,5,,9\n1790856000,text-embedding-3-small,5,,\n1790856000,gpt-4o,0,0,0\n"
    )
    _, calls, bad, _ = read(tmp_path / "a.csv")
    assert not bad and [call.usage is None for call in calls] == [True, True, True, False, False, False]
    assert [call.flags for call in calls[:3]] == [[], ["output_not_said"], ["only_total_tokens"]]
    assert calls[3].usage is not None and calls[3].usage.out == 4


def test_bad_rows_say_why(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "ts,model,input_tokens,output_tokens\n1790856000,gpt-4o,10,2\n1790856000,gpt-4o,-10,2\nnever,gpt-4o,1,2\n1790856000,,1,2\n"
        "1790856000,gpt-4o,1.5,2\n" + "1790856000,gpt-4o,1,2\n" * 16
    )  # fmt: skip
    _, calls, bad, _ = read(tmp_path / "a.csv")
    assert len(calls) == 17
    assert bad == [
        (3, "input tokens are negative: -10"), (4, "'never' is no time"), (5, "it names no model"), (6, "input tokens are no whole number: '1.5'"),
    ]  # fmt: skip


def test_what_the_cache_served_may_stand_beside_the_input(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "ts,model,input_tokens,output_tokens,cache_read_input_tokens\n1790856000,claude-sonnet-4-5,100,7,60\n"
    )
    _, calls, _, _ = read(tmp_path / "a.csv")
    assert calls[0].usage is not None and calls[0].usage.uncached_in == 100
    (tmp_path / "b.csv").write_text(
        "ts,model,prompt_tokens,output_tokens,cached_tokens\n1790856000,gpt-4o,100,7,60\n1790856000,gpt-4o,10,7,60\n"
    )
    _, calls, _, _ = read(tmp_path / "b.csv")
    assert [call.usage.uncached_in for call in calls if call.usage is not None] == [100, 10]


def test_objects_inside_lines_and_usage_of_a_provider(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(*(
        {"time": 1790856000 + n, "response": {"model": "gpt-4o", "usage": {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 60}}},
         "ctx": {"user_id": "ada", "tenant": "acme"}, "messages": [{"role": "user", "content": "hi"}], "status": "error" if n else "ok"} for n in range(2)
    )))  # fmt: skip
    name, calls, bad, _ = read(tmp_path / "a.jsonl")
    assert name == "plain" and not bad and calls[0].usage is not None
    assert (calls[0].usage.uncached_in, calls[0].usage.cache_read, calls[0].user, calls[0].tenant) == (
        40,
        60,
        "ada",
        "acme",
    )
    assert (
        b'"hi"' in calls[0].prompt
        and [call.outcome for call in calls] == ["ok", "error"]
        and calls[0].id != calls[1].id
    )


@pytest.mark.parametrize(
    ("values", "field"), [(("0", "0", "491"), "cached"), (("0", "1", "1"), "gateway_cache"), (("yes", "no", "no"), "gateway_cache")]
)  # fmt: skip
def test_cached_is_a_count_or_a_yes_by_its_values(tmp_path: Path, values: tuple[str, ...], field: str) -> None:
    rows = "".join(f"{1790856000 + no},gpt-4o,900,7,{value}\n" for no, value in enumerate(values))
    (tmp_path / "a.csv").write_text(f"ts,model,input,output,cached\n{rows}")
    assert {"cached", "gateway_cache"} & set(mapped(tmp_path / "a.csv")) == {field}


def test_people_know_better(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("d,n,m,env,id\n13/10/2026 12:00,10,2,prod,same\n01/10/2026 12:00,10,2,prod,same\n")
    said = {"at": "d", "input": "n", "output": "m", "model": "=gpt-4o", "tags.environment": "env", "provider": "=azure"}
    mapping = guess(sample_of(path), said)
    assert (
        not mapping.lacking
        and mapping.fields["at"].how == "day/month/year"
        and unused(sample_of(path), mapping) == ["id"]
    )
    _, calls, bad, _ = read(path, **said)
    assert (
        not bad
        and calls[0].tags == {"environment": "prod"}
        and calls[0].provider == "azure"
        and calls[0].id != calls[1].id
    )
    assert guess(sample_of(path)).lacking == ["model"]
    for wrong in ({"nothing": "d"}, {"at": "zz"}):
        with pytest.raises(BadRequest):
            guess(sample_of(path), wrong)
    assert "at" not in guess(sample_of(path), {"at": ""}).fields


def test_times_may_be_counted_from_a_start_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("t_s,input_tokens,output_tokens\n0.000,4808,10\n0.052,3180,8\n")
    assert guess(sample_of(tmp_path / "a.csv")).lacking == ["model", "start"]
    _, calls, bad, _ = read(tmp_path / "a.csv", model="=gpt-4o", start="=2026-10-01")
    assert not bad and [call.at_us for call in calls] == [1_790_812_800_000_000, 1_790_812_800_052_000]
    with pytest.raises(BadRequest, match="start"):
        read(tmp_path / "a.csv", model="=gpt-4o", start="=soon")


def test_units_of_durations_and_costs(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "ts,model,duration,cost_cents\n1790856000,gpt-4o,850,12\n1790856000,gpt-4o,1200,12\n"
    )
    _, calls, _, _ = read(tmp_path / "a.csv")
    assert calls[0].duration_us == 850_000 and calls[0].reported_cost == 120_000_000


@examples(60)
@given(
    rows=st.lists(st.tuples(st.integers(1_500_000_000, 3_900_000_000), st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**6)), min_size=1, max_size=20),
    as_json=st.booleans(),
)  # fmt: skip
def test_what_a_table_says_is_what_the_calls_have(
    tmp_path: Path, rows: list[tuple[int, int, int, int]], as_json: bool
) -> None:
    names = ("ts", "prompt_tokens", "completion_tokens", "cached_tokens")
    path = tmp_path / "a"
    if as_json:
        path.write_bytes(lines(*({**dict(zip(names, row, strict=True)), "model": "gpt-4o"} for row in rows)))
    else:
        path.write_text(
            ",".join((*names, "model")) + "\n" + "".join(",".join(map(str, (*row, "gpt-4o"))) + "\n" for row in rows)
        )
    _, calls, bad, _ = read(path)
    assert not bad and [call.at_us for call in calls] == [row[0] * 10**6 for row in rows]
    beside = any(cached > sent for _, sent, _, cached in rows)
    for call, (_, sent, made, cached) in zip(calls, rows, strict=True):
        assert call.usage is not None and (call.usage.out, call.usage.cache_read) == (made, cached)
        assert call.usage.total_in == (sent + cached if beside else sent)
