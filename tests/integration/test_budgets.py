"""Budgets behind a real gateway, with the official SDKs: what callers hear, what is reserved, what is charged.

The names b01 to b29 are those of the ways in which other gateways let budgets slip or bite for nothing. Seven are tried at
`chaos/test_budgets`: b05, b06 and b29 (one truth for many gateways), b07 (charged once, however often it is handed in), b08
(one gateway alone, under load), b12 (no store) and b26 (the ledger is not asked while a call waits). b15 (new windows) is
tried at `unit/model/test_windows` too.
"""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import openai
import pytest

from integration.callers import Caller
from integration.conftest import providers
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Recorder, Simulator, whole

GPT, CLAUDE, TAPED, FREE = "gpt-4o-mini", "claude-haiku-4-5", "gpt-4.1-nano", "gpt-4.1-mini"
IN_NANO, OUT_NANO = 150, 600
"""What a token costs at `GPT`."""
DRY = 0.000001
BUDGETS: dict[str, dict[str, Any]] = {
    "dry": {"amount": DRY},
    "dry-paid": {"amount": DRY, "payment_required": True},
    "first": {"amount": 0.0003},
    "dry-soft": {"amount": DRY, "hard": False},
    "leaky": {"amount": 0.0003},
    "unsaid": {"amount": 0.004},
    "last": {"amount": 0.0004},
    "held": {"amount": 0.0001},
    "crowd": {"amount": 0.0003},
    "three": {"amount": 3, "unit": "calls"},
    "thousand": {"amount": 1000, "unit": "tokens"},
    "wide": {"amount": 50},
    "prepaid": {"amount": DRY, "window": "total"},
    "dear": {"amount": 50, "max_call": 0.00002},
    "dearer": {"amount": 50, "max_call": 0.00002, "confirm": False},
    "daily": {"amount": 1, "unit": "calls", "window": "day"},
}
ANSWER = {
    "id": "c", "object": "chat.completion", "created": 1, "model": TAPED,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "cost": 40.0},
}  # fmt: skip
"""Its `cost` is the provider's own idea of money."""
MORE = """
[[prices.contracts]]
provider = "openai"
models = ["gpt-4.1-mini"]
rates = { input = 0, output = 0 }
[models.gratis]
provider = "nobody"
model = "gpt-4.1-mini"
fallbacks = ["gpt-4o-mini"]
[models.unpriced]
provider = "recorder"
model = "house-of-cards-1"
"""


def declared() -> str:
    """Each budget holds for the team of its name."""
    text = ""
    for name, values in BUDGETS.items():
        lines = "\n".join(f"{key} = {_toml(value)}" for key, value in values.items())
        text += f'[budgets.{name}]\nscope = {{ team = "{name}" }}\n{lines}\n'
    return text


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return f"{value}".lower()
    return f"{value:.9f}" if isinstance(value, float) else f'"{value}"' if isinstance(value, str) else f"{value}"


@pytest.fixture(scope="module")
def gate(
    tmp_path_factory: pytest.TempPathFactory, provider: Simulator, _recorder: Recorder
) -> Iterator[Gateway]:  # fmt: skip
    upstreams = providers(provider.url, _recorder.url).replace("[balance]", "[balance]\npatience_s = 0.3")
    settings = settings_text(providers=upstreams, more="[prices]\nallow_unpriced = true\n" + MORE + declared())
    with gateway(tmp_path_factory.mktemp("budgets"), settings) as made:
        yield made


class Team:
    """Callers of one team, which has a budget of its name. SDKs retry as they do by default."""

    def __init__(self, gate: Gateway, name: str) -> None:
        self.gate = gate
        self.name = name
        self.caller = Caller(gate.url, max_retries=2, default_headers={"x-farthing-team": name})

    def chat(self, text: str = "Say something.", model: str = GPT, **more: Any) -> Any:
        messages: Any = [{"role": "user", "content": text}]
        return self.caller.openai.chat.completions.create(model=model, messages=messages, **more)

    def message(self, text: str = "Say something.", **more: Any) -> Any:
        messages: Any = [{"role": "user", "content": text}]
        return self.caller.anthropic.messages.create(model=CLAUDE, max_tokens=20, messages=messages, **more)

    def standing(self) -> dict[str, Any]:
        """Where its budget stands, as soon as nothing is under way or on its way to the ledger."""
        answer = self.gate.get(f"/v1/farthing/budgets/{self.name}").json()
        return answer["standings"][0]

    def spent(self, wanted: int) -> None:
        eventually(lambda: self.standing()["spent"] == wanted, f"{wanted} are spent of {self.name}")


@pytest.fixture
def team(gate: Gateway, request: pytest.FixtureRequest) -> Iterator[Team]:
    made = Team(gate, request.param)
    yield made
    made.caller.close()


def of(name: str) -> Any:
    """The team that a test is about."""
    return pytest.mark.parametrize("team", [name], indirect=True)


def cost(usage: Any) -> int:
    return int(usage.prompt_tokens * IN_NANO + usage.completion_tokens * OUT_NANO)


@of("dry")
def test_a_refusal_is_final_for_the_openai_sdk(team: Team) -> None:
    with pytest.raises(openai.RateLimitError) as refused:
        team.chat()
    error, headers = refused.value, team.caller.last.headers
    assert len(team.caller.answers) == 1, "it is not sent again"
    assert error.code == "insufficient_quota" and error.status_code == 429
    assert headers["x-should-retry"] == "false" and int(headers["retry-after"]) >= 1
    for said in ("'dry' (team=dry)", "of $0.0000010", "may need $", "resets 20"):
        assert said in error.message, error.message


@of("dry")
def test_a_refusal_is_final_for_the_anthropic_sdk(team: Team) -> None:
    with pytest.raises(anthropic.APIStatusError) as refused:
        team.message()
    assert len(team.caller.answers) == 1
    assert refused.value.status_code == 429 and team.caller.last.headers["x-should-retry"] == "false"
    body: Any = refused.value.body
    assert body["type"] == "error" and "'dry' (team=dry)" in body["error"]["message"]


@of("dry-paid")
def test_payment_required(team: Team) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        team.chat()
    assert refused.value.status_code == 402 and len(team.caller.answers) == 1
    with pytest.raises(anthropic.APIStatusError) as refused_too:
        team.message()
    assert refused_too.value.status_code == 402


@of("dry-soft")
def test_a_soft_budget_only_counts(team: Team) -> None:
    usage = team.chat().usage
    team.spent(cost(usage))
    assert team.standing()["left"] < 0


@of("leaky")
def test_b01_what_failed_calls_reserved_comes_back(team: Team) -> None:
    faults = ["status-400", "status-404", "status-422", "status-413"] * 3
    for fault in faults:  # each reserves a third of the budget
        with pytest.raises(openai.APIStatusError) as failed:
            team.chat(f"[[simulate: {fault}]]", max_tokens=150)
        assert failed.value.code != "budget_exceeded" and "budget" not in failed.value.message
    usage = team.chat(max_tokens=150).usage
    team.spent(cost(usage))
    seen = team.standing()
    assert seen["left"] + seen["reserved"] + seen["spent"] == seen["limit"]


@of("unsaid")
def test_b02_without_a_limit_not_all_is_reserved(team: Team) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(lambda number: team.chat(f"Number {number}.").choices, range(4)))


@of("held")
def test_b03_reserved_is_busy_and_not_exceeded(team: Team, tape: Recorder) -> None:
    over = threading.Event()
    tape.answers(over, whole(ANSWER))
    slow = threading.Thread(target=team.chat, kwargs={"model": TAPED, "max_tokens": 235})
    slow.start()
    eventually(lambda: team.standing()["reserved"] and tape.requests, "the slow call is under way")
    other = Caller(team.gate.url, default_headers={"x-farthing-team": "held"})
    with pytest.raises(openai.RateLimitError) as refused:
        other.openai.chat.completions.create(
            model=GPT, max_tokens=60, messages=[{"role": "user", "content": "Say something."}]
        )
    assert refused.value.code == "budget_busy"
    assert other.last.headers["retry-after"] == "1" and other.last.headers["x-should-retry"] == "true"
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(team.chat, max_tokens=16)
        eventually(lambda: any(each.status_code == 429 for each in team.caller.answers), "it is refused at first")
        over.set()
        assert waits.result().choices, "the SDK waits and comes again"
    slow.join()
    other.close()


@of("dry")
def test_b04_the_tier_that_is_asked_for_is_reserved(team: Team) -> None:
    assert _need(team, service_tier="priority") > _need(team)


@of("dry")
def test_b27_searches_are_reserved(team: Team) -> None:
    plain = _need(team)
    searched = _need(team, tools=[{"type": "web_search"}])
    assert searched >= plain + 0.01


def _need(team: Team, **more: Any) -> float:
    """Dollars that a call would need, by the refusal."""
    with pytest.raises(openai.RateLimitError) as refused:
        team.chat(max_tokens=10, **more)
    return float(refused.value.message.partition("may need $")[2].split()[0].rstrip("."))


@of("crowd")
def test_b09_first_calls_at_once(team: Team) -> None:
    def one(number: int) -> int:
        try:
            return cost(team.chat(f"Number {number}.", max_tokens=100).usage)
        except openai.RateLimitError:
            return 0

    with ThreadPoolExecutor(12) as threads:
        costs = list(threads.map(one, range(12)))
    assert 0 < sum(costs) <= 300_000 and 0 in costs
    team.spent(sum(costs))


@of("dry")
def test_b10_the_model_that_really_runs_is_checked(team: Team) -> None:
    with pytest.raises(openai.RateLimitError) as refused:
        team.chat(model="gratis")
    assert "'dry'" in refused.value.message


@of("last")
def test_b13_the_provider_is_told_the_limit_that_is_paid_for(team: Team, tape: Recorder) -> None:
    """So that it ends the answer itself, and the last call passes nothing."""
    tape.answers(whole(ANSWER))
    team.chat(model=TAPED)
    body = json.loads(tape.bodies[0])
    limit = body.get("max_completion_tokens") or body["max_tokens"]
    assert 100 <= limit <= 400_000 // 400


@of("wide")
def test_b14_a_model_without_a_price_is_refused(team: Team) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        team.chat(model="unpriced")
    assert "No price is known" in refused.value.message and len(team.caller.answers) == 1


@of("daily")
def test_b15_another_window_is_another_sum(team: Team, gate: Gateway) -> None:
    body = {"amount": 1, "unit": "calls", "scope": {"team": "hourly"}, "window": "day"}
    assert gate.request("PUT", "/v1/farthing/budgets/hourly", json=body).status_code == 201
    hourly = Team(gate, "hourly")
    eventually(lambda: _refused_after_some(hourly), "the new budget holds")
    spent = eventually(lambda: hourly.standing()["spent"], "it is charged")
    assert gate.request("PUT", "/v1/farthing/budgets/hourly", json=body | {"window": "hour"}).status_code == 200
    assert hourly.standing()["spent"] == 0 < spent
    eventually(lambda: _served(hourly), "the new window has its own call")
    hourly.caller.close()


@of("first")
def test_b19_the_first_call_is_held_to_it_and_charged_in_money(team: Team, provider: Simulator) -> None:
    """Reserved before it is sent: not the call after the one that passed the limit, and not one unit a call."""
    sent = provider.requests()
    with pytest.raises(openai.RateLimitError) as refused:
        team.chat("This is a rule of the house, and a long one. " * 250, max_tokens=10)
    assert provider.requests() == sent and "has $0.00030 left of $0.00030" in refused.value.message
    usage = team.chat(max_tokens=50).usage
    team.spent(cost(usage))


def _refused_after_some(team: Team) -> bool:
    return not _served(team)


def _served(team: Team) -> bool:
    try:
        return bool(team.chat(max_tokens=10).choices)
    except openai.RateLimitError:
        return False


@of("dry")
@pytest.mark.parametrize("route", ["chat", "stream", "responses", "messages", "embeddings", "azure"])
def test_b16_b17_no_route_leads_around_it(team: Team, provider: Simulator, tape: Recorder, route: str) -> None:
    sent = provider.requests()
    say: Any = [{"role": "user", "content": "Say something."}]
    sdk = team.caller.openai
    ways: dict[str, Any] = {
        "chat": lambda: team.chat(),
        "stream": lambda: team.chat(stream=True),
        "responses": lambda: sdk.responses.create(model=GPT, input="Say something."),
        "messages": lambda: team.message(),
        "embeddings": lambda: sdk.embeddings.create(model="text-embedding-3-small", input="words " * 400),
        "azure": lambda: sdk.chat.completions.create(model="azure-nano", messages=say),
    }
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
        ways[route]()
    assert provider.requests() == sent and not tape.requests


@of("three")
def test_b18_b20_calls_are_counted_at_once_and_exactly(team: Team) -> None:
    for _ in range(3):
        team.chat(max_tokens=10)
    with pytest.raises(openai.RateLimitError) as refused:
        team.chat(max_tokens=10)
    assert "0 calls left of 3 calls" in refused.value.message
    team.spent(3)


@of("thousand")
def test_tokens_are_counted(team: Team) -> None:
    usage = team.chat(max_tokens=50).usage
    team.spent(usage.total_tokens)


@of("wide")
def test_b21_b22_what_is_charged_is_what_the_ledger_says(team: Team, gate: Gateway, tape: Recorder) -> None:
    before = team.standing()["spent"]
    costs = []
    for _ in range(2):  # the second from the provider's cache
        usage = team.chat("This is a rule of the house, and a long one. " * 200, max_tokens=20).usage
        costs.append(gate.call(team.caller.call_id)["cost"])
    assert usage.prompt_tokens_details.cached_tokens > 1000 and costs[1] < costs[0]
    tape.answers(whole(ANSWER))
    team.chat(model=TAPED)
    costs.append(10 * 100 + 5 * 400)
    team.spent(before + sum(costs))


@of("dry")
def test_b11_b23_what_costs_nothing_is_served_and_the_first_paid_call_is_not(team: Team) -> None:
    assert team.chat(model=FREE).choices
    with pytest.raises(openai.RateLimitError):
        team.chat()


@of("dry")
def test_b24_refusals_are_no_failures_of_the_provider(team: Team, gate: Gateway) -> None:
    for _ in range(8):
        with pytest.raises(openai.RateLimitError):
            team.chat()
    other = Team(gate, "nobody's")
    assert other.chat(max_tokens=10).choices
    other.caller.close()


@of("wide")
def test_b25_an_absurd_limit_reserves_what_the_model_can_write(team: Team, tape: Recorder) -> None:
    tape.answers(whole({"error": {"message": "too large", "type": "invalid_request_error"}}, "400 Bad Request"))
    with pytest.raises(openai.BadRequestError):  # of the provider: the budget of 50 dollars let it pass
        team.chat(model=TAPED, max_tokens=999_999_999)
    assert len(tape.requests) == 1


@of("prepaid")
def test_b28_prepaid_credit_is_topped_up(team: Team, gate: Gateway) -> None:
    with pytest.raises(openai.RateLimitError) as refused:
        team.chat()
    assert "It does not reset." in refused.value.message
    gate.farthing("budgets", "raise", "prepaid", "--amount", "1", "--until", "1d", "--reason", "paid invoice 7")
    eventually(lambda: _served(team), "the gateway hears of the raise")
    shown = gate.get("/v1/farthing/budgets/prepaid").json()
    assert shown["raises"][0]["reason"] == "paid invoice 7" and shown["standings"][0]["limit"] == 10**9 + 1000


@of("dear")
def test_a_dear_call_needs_a_word(team: Team) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        team.chat(max_tokens=300)
    assert "x-farthing-confirm-cost: yes" in refused.value.message and len(team.caller.answers) == 1
    assert team.chat(max_tokens=300, extra_headers={"x-farthing-confirm-cost": "yes"}).choices
    assert team.chat(max_tokens=300, extra_headers={"x-farthing-confirm-cost": "0.50"}).choices
    with pytest.raises(openai.BadRequestError):
        team.chat(max_tokens=300, extra_headers={"x-farthing-confirm-cost": "0.00001"})


@of("dearer")
def test_a_dear_call_that_no_word_helps(team: Team) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        team.chat(max_tokens=300, extra_headers={"x-farthing-confirm-cost": "yes"})
    assert "confirm" not in refused.value.message


def test_an_api_for_administrators(gate: Gateway) -> None:
    listed = {each["id"] for each in gate.get("/v1/farthing/budgets").json()["data"]}
    assert listed >= set(BUDGETS)
    path = "/v1/farthing/budgets/made"
    assert gate.request("PUT", path, json={"amount": 5, "unit": "calls", "scope": {"team": "made"}}).status_code == 201
    assert gate.request("PUT", path, json={"amount": -5}).status_code == 400
    until = (time.time_ns() // 1000) + 10**9
    raised = gate.post(f"{path}/raise", {"amount": 2, "until_us": until, "reason": "more"})
    assert raised.status_code == 200 and raised.json()["raises"][0]["amount"] == 2
    assert gate.request("DELETE", path).status_code == 200 and gate.get(path).status_code == 404
    assert gate.request("DELETE", "/v1/farthing/budgets/dry").status_code == 400, "the file's"
