"""Routing as callers and operators meet it: the real gateway before the simulator, both SDKs, a table made of evidence."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from farthing.model.routes import Cell, Table
from farthing.quality.evidence import Evidence
from farthing.store import Routes, Store, open_store
from farthing.store.evidence import Evidence as Kept
from integration.callers import Caller
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Recorder, Simulator, recorder, simulator, whole

NANO, SMALL, MID, FLAGSHIP = "gpt-4.1-nano", "gpt-4o-mini", "gpt-4.1", "claude-opus-4-6"
"""The recorder serves the first."""
SHOWN = 900
"""Comparisons in which the small model was as good."""
QA = {"x-farthing-task": "qa"}
ERROR = {"error": {"message": "no", "type": "server_error", "code": None}}


def settings(simulated: str, recorded: str, routing: str = "hold_out_percent = 0", more: str = "") -> str:
    providers = f"""
[providers.openai]
base_url = "{simulated}/v1"
api_key = "k"
[providers.anthropic]
base_url = "{simulated}/v1"
api_key = "k"
[providers.recorder]
kind = "openai"
base_url = "{recorded}/v1"
api_key = "k"
models = ["{NANO}"]
[routing]
small = ["{NANO}", "{SMALL}"]
mid = ["{MID}"]
flagship = ["{FLAGSHIP}", "gpt-5.2"]
changes = "apply"
shadow_percent = 0
watch_percent = 0
{routing}
[routing.tasks.creative]
lock = "mid"
{more}
"""
    return settings_text(providers=providers)


def in_store(folder: Path, work: Callable[[Store], Any]) -> Any:
    """What `work` gives, done in the ledger of a gateway that does not run."""

    async def do() -> Any:
        store = await open_store(f"sqlite:///{folder}/ledger.db")
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(do())


async def show_small_to_be_good(store: Store) -> None:
    """Evidence of earlier days, as the gateway itself would have left it."""
    evidence, now = Evidence(Kept(store)), time.time_ns() // 1000
    await evidence.refresh()
    evidence.ran(SMALL, "gpt-4o-mini-2024-07-18", now)
    for _ in range(SHOWN):
        evidence.add("default", ("task:qa", "*"), SMALL, "shadow", now, difference=0, against=FLAGSHIP)
    await evidence.refresh()


async def demote_small(store: Store) -> None:
    evidence = Evidence(Kept(store))
    await evidence.refresh()
    evidence.reopen("default", "task:qa", SMALL, time.time_ns() // 1000)
    await evidence.refresh()
    table = Table(cells={("default", "task:qa"): {SMALL: Cell(SMALL, 0.9, 0.0, 100, "demoted")}})
    routes = Routes(store)
    held = await routes.active_version()
    assert await routes.apply(await routes.propose(table, "it became worse", "a test", base=held), "a test")


@pytest.fixture(scope="module")
def provider() -> Iterator[Simulator]:
    with simulator() as made:
        yield made


@pytest.fixture(scope="module")
def tape() -> Iterator[Recorder]:
    with recorder() as made:
        made.answers(whole(ERROR, "500 Internal Server Error"))
        yield made


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, provider: Simulator, tape: Recorder) -> Iterator[Gateway]:
    """A gateway whose evidence has shown that the small model is good enough for questions. It wants keys."""

    def before(made: Gateway) -> None:
        in_store(made.folder, show_small_to_be_good)
        made.farthing("keys", "create", "root", "--admin")

    with gateway(tmp_path_factory.mktemp("routed"), settings(provider.url, tape.url), before=before) as made:
        yield made


def new_key(gate: Gateway, name: str, *more: str) -> str:
    secret: str = gate.farthing_json("keys", "create", name, *more)["secret"]
    return secret


@pytest.fixture(scope="module")
def secret(gate: Gateway) -> str:
    return new_key(gate, "anyone")


@pytest.fixture(scope="module")
def caller(gate: Gateway, secret: str) -> Iterator[Caller]:
    made = Caller(gate.url, secret)

    def promoted() -> bool:
        ask(made, "Which river flows through Rome?", **QA)
        return served_by(made) == SMALL

    eventually(promoted, "the small model is promoted")
    yield made
    made.close()


@contextmanager
def calling(gate: Gateway, key: str = "any") -> Iterator[Caller]:
    made = Caller(gate.url, key)
    try:
        yield made
    finally:
        made.close()


def asked(text: str) -> Any:
    return [{"role": "user", "content": text}]


def ask(caller: Caller, text: str, model: str = "auto", **headers: str) -> str:
    answer = caller.openai.chat.completions.create(model=model, messages=asked(text), extra_headers=headers)
    assert answer.choices[0].finish_reason == "stop"
    return answer.choices[0].message.content or ""


def ask_claude(caller: Caller, text: str, model: str = "auto", **headers: str) -> str:
    answer = caller.anthropic.messages.create(
        model=model, max_tokens=300, messages=asked(text), extra_headers=headers
    )  # fmt: skip
    assert answer.stop_reason == "end_turn"
    return "".join(block.text for block in answer.content if block.type == "text")


WAYS = {"openai": ask, "anthropic": ask_claude}


def route_of(caller: Caller) -> str:
    return caller.last.headers["x-farthing-route"]


def served_by(caller: Caller) -> str:
    return route_of(caller).partition(";")[0]


def served(caller: Caller, text: str, **headers: str) -> str:
    ask(caller, text, **headers)
    return served_by(caller)


def cached(caller: Caller) -> str:
    return caller.last.headers["x-farthing-cache"]


def lawful(record: dict[str, Any]) -> bool:
    took = sum(each["before"] - each["after"] - each["overhead"] for each in record["savings"])
    return bool(record["baseline"] - took == record["cost"])


@pytest.mark.parametrize("way", WAYS)
def test_auto_is_the_flagship_where_the_work_is_not_known(caller: Caller, way: str) -> None:
    assert WAYS[way](caller, "Hmm.")
    assert route_of(caller) == f"{FLAGSHIP}; tier=flagship; task=unknown"
    assert caller.last.headers["x-farthing-model"].startswith(FLAGSHIP)


@pytest.mark.parametrize("way", WAYS)
def test_auto_is_the_cheapest_that_is_shown_to_be_good_enough(
    gate: Gateway, secret: str, caller: Caller, way: str
) -> None:
    assert WAYS[way](caller, "Which sea lies east of Italy?", **QA)
    assert route_of(caller) == f"{SMALL}; tier=small; task=qa"
    record = gate.call(caller.call_id, secret)
    assert [each["lever"] for each in record["savings"]] == ["model selection"] and lawful(record)
    assert record["cost"] < 0.5 * record["baseline"]


def test_streams_are_routed_alike(gate: Gateway, secret: str, caller: Caller) -> None:
    with caller.openai.chat.completions.stream(
        model="auto", messages=asked("Which sea lies west of Italy?"), stream_options={"include_usage": True},
        extra_headers=QA,
    ) as events:  # fmt: skip
        events.until_done()
        assert events.get_final_completion().usage is not None
    assert route_of(caller).startswith(f"{SMALL}; tier=small")
    assert lawful(gate.call(caller.call_id, secret))
    with caller.anthropic.messages.stream(
        model="auto", max_tokens=300, messages=asked("Which sea lies south of Italy?"), extra_headers=QA
    ) as told:
        assert told.get_final_message().stop_reason == "end_turn"
    assert route_of(caller).startswith(f"{SMALL}; tier=small")
    assert lawful(gate.call(caller.call_id, secret))


@pytest.mark.parametrize(
    ("wish", "served"), [("auto:mid", MID), ("mid", MID), ("flagship", FLAGSHIP), ("auto:flagship", FLAGSHIP)]
)
def test_tiers_by_name(caller: Caller, wish: str, served: str) -> None:
    ask(caller, "Write me something about nothing.", model=wish, **{"x-farthing-task": "reasoning"})
    assert served_by(caller) == served


def test_within_a_tier_the_next_model_takes_over(gate: Gateway, secret: str, caller: Caller, tape: Recorder) -> None:
    for wish in ("small", "auto:small"):
        asked_before = len(tape.requests)
        assert ask(caller, f"Please answer, {wish}.", model=wish)
        assert len(tape.requests) > asked_before, "the cheapest one of the tier is asked first"
        assert route_of(caller).startswith(f"{SMALL}; tier=small")
        record = gate.call(caller.call_id, secret)
        assert [each["model"] for each in record["attempts"] if each["outcome"] == "ok"] == [SMALL] and lawful(record)


def test_a_pin_is_the_caller_s_word(gate: Gateway, caller: Caller) -> None:
    ask(caller, "Which river flows through Paris?", **QA, **{"x-farthing-pin": MID})
    assert caller.last.headers["x-farthing-model"].startswith(MID) and "x-farthing-route" not in caller.last.headers
    with (
        calling(gate, new_key(gate, "claude only", "--model", "claude-*", "--model", "auto")) as bound,
        pytest.raises(openai.PermissionDeniedError),
    ):
        ask(bound, "Which river flows through Paris?", **{"x-farthing-pin": MID})


@pytest.mark.parametrize("way", WAYS)
def test_a_lock_is_the_operator_s_word(caller: Caller, way: str) -> None:
    WAYS[way](caller, "Make a rhyme on farthing.", **{"x-farthing-task": "creative"})
    assert route_of(caller) == f"{MID}; tier=mid; task=creative"


def test_no_model_that_the_key_may_not_use(gate: Gateway) -> None:
    with calling(gate, new_key(gate, "no small ones", "--model", "claude-*", "--model", "auto*")) as bound:
        ask(bound, "Which river flows through London?", **QA)
        assert served_by(bound) == FLAGSHIP
        with pytest.raises(openai.BadRequestError, match="not allowed for the key"):
            ask(bound, "Which river flows through London?", model="auto:small", **QA)


def test_a_named_model_gives_way_only_where_that_is_allowed(gate: Gateway, caller: Caller) -> None:
    with calling(gate, new_key(gate, "willing", "--substitute")) as willing:
        ask_claude(willing, "Which river flows through Vienna?", model=FLAGSHIP, **QA)
        assert served_by(willing) == SMALL
        ask_claude(willing, "Which river flows through Vienna?", model=FLAGSHIP, **QA, **{"x-farthing-pin": FLAGSHIP})
        assert willing.last.headers["x-farthing-model"].startswith(FLAGSHIP)
    ask_claude(caller, "Which river flows through Vienna?", model=FLAGSHIP, **QA)
    assert (
        caller.last.headers["x-farthing-model"].startswith(FLAGSHIP) and "x-farthing-route" not in caller.last.headers
    )


def test_a_conversation_does_not_go_down_by_itself(caller: Caller) -> None:
    ask(caller, "Prove it.", **{"x-farthing-task": "reasoning", "x-farthing-session": "one"})
    assert served_by(caller) == FLAGSHIP
    ask(caller, "Which city is it?", **QA, **{"x-farthing-session": "one"})
    assert served_by(caller) == FLAGSHIP
    ask(caller, "Which city is it?", **QA, **{"x-farthing-session": "two"})
    assert served_by(caller) == SMALL


def test_every_decision_is_explained(gate: Gateway, caller: Caller) -> None:
    ask(caller, "Which river flows through Prague?", **QA)
    told = eventually(lambda: gate.farthing("explain", caller.call_id, check=False).stdout, "the call is in the store")
    for words in (SMALL, FLAGSHIP, "runner-up", "cheapest that keeps 99.0%", "floor", "model selection"):
        assert words in told
    shown = gate.farthing("routes", "show", "--task", "qa").stdout
    assert SMALL in shown and "measured" in shown


def test_people_speak_of_their_own_calls(gate: Gateway, secret: str, caller: Caller) -> None:
    ask(caller, "Which river flows through Dresden?", **QA)
    said = {"call_id": caller.call_id, "verdict": "bad"}
    assert gate.post("/v1/farthing/feedback", said, secret).json()["verdict"] == "bad"
    assert gate.post("/v1/farthing/feedback", said, new_key(gate, "somebody else")).status_code == 404


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_fits_the_caller_hears_why(gate: Gateway, way: str) -> None:
    with (
        calling(gate, new_key(gate, f"far away {way}", "--region", "eu")) as bound,
        pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match="removed"),
    ):
        WAYS[way](bound, "Hello?")


def test_a_demoted_model_s_stored_answer_is_not_served(tmp_path: Path, provider: Simulator, tape: Recorder) -> None:
    text = settings(provider.url, tape.url, more='[cache]\nmode = "exact"\nmax_temperature = 1.0')
    with gateway(tmp_path, text, before=lambda made: in_store(made.folder, show_small_to_be_good)) as gate:
        with calling(gate) as caller:
            numbers = iter(range(1000))
            eventually(lambda: served(caller, f"Is it {next(numbers)}?", **QA) == SMALL, "the small model is promoted")
            good = {"call_id": caller.call_id, "verdict": "good"}
            assert gate.post("/v1/farthing/feedback", good).status_code == 200
            question = f"Is it {next(numbers) - 1}?"
            eventually(lambda: ask(caller, question, **QA) and cached(caller) == "exact", "its answer is stored")
        gate.stop()
        sums = in_store(tmp_path, lambda store: Kept(store).sums())
        assert [row.scores for row in sums if (row.source, row.scope) == ("feedback", "task:qa")] == [1]
        in_store(tmp_path, demote_small)
        gate.start()
        with calling(gate) as caller:
            assert served(caller, question, **QA) == FLAGSHIP and cached(caller) == "none"


def test_a_share_of_the_sessions_goes_without_routing(tmp_path: Path, provider: Simulator, tape: Recorder) -> None:
    text = settings(provider.url, tape.url, routing="hold_out_percent = 40")

    def before(made: Gateway) -> None:
        in_store(made.folder, show_small_to_be_good)

    with gateway(tmp_path, text, before=before) as gate, calling(gate) as caller:

        def by_session(name: str) -> str:
            return served(caller, f"Which river flows through {name}?", **QA, **{"x-farthing-session": name})

        eventually(
            lambda: SMALL in {by_session(f"before {number}") for number in range(8)}, "the small one is promoted"
        )
        first = {f"s{number}": by_session(f"s{number}") for number in range(60)}
        assert {name: by_session(name) for name in first} == first, "a session stays in its arm"
        held_out = [name for name, model in first.items() if model == FLAGSHIP]
        assert 5 <= len(held_out) <= 50 and set(first.values()) == {SMALL, FLAGSHIP}
        by_session(held_out[0])
        record = gate.call(caller.call_id)
        assert record["savings"] == [] and record["baseline"] == record["cost"]
