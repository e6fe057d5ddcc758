"""Keys: who is let in, as whom, to which models, how often and how long; and what without keys is served to whom."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import anthropic
import openai
import pytest

from integration.callers import Caller
from integration.conftest import PROVIDER_KEY, Keyed
from integration.gateways import Gateway, eventually
from integration.upstreams import Simulator

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"
HELLO: Any = [{"role": "user", "content": "Hello"}]


@contextmanager
def calling(keyed: Keyed, secret: str, **options: Any) -> Iterator[Caller]:
    caller = Caller(keyed.gateway.url, secret, **options)
    try:
        yield caller
    finally:
        caller.close()


def chat(caller: Caller, model: str = GPT, **more: Any) -> Any:
    return caller.openai.chat.completions.create(model=model, messages=HELLO, **more)


def message(caller: Caller, model: str = CLAUDE, **more: Any) -> Any:
    return caller.anthropic.messages.create(model=model, max_tokens=50, messages=HELLO, **more)


def record_of(keyed: Keyed, caller: Caller) -> dict[str, Any]:
    return keyed.gateway.call(caller.call_id, keyed.admin)


# Without keys.


def test_without_keys_web_pages_and_borrowed_names_are_refused(open_gateway: Gateway) -> None:
    body = {"model": GPT, "messages": HELLO}
    allowed: list[dict[str, str]] = [
        {}, {"host": "localhost:4141"}, {"host": "127.0.0.1"}, {"host": "[::1]:80"}, {"origin": "http://localhost:3000"},
    ]  # fmt: skip
    refused = [
        {"host": "evil.example"}, {"host": "127.0.0.1.evil.example"}, {"origin": "https://evil.example"},
        {"origin": "null"}, {"host": "localhost", "origin": "http://192.168.1.7"}, {"host": "localhost@evil.example"},
    ]  # fmt: skip
    for headers in allowed:
        assert open_gateway.post("/v1/chat/completions", body, **headers).status_code == 200, headers
        assert open_gateway.get("/v1/models", **headers).status_code == 200, headers
    for headers in refused:
        answer = open_gateway.post("/v1/chat/completions", body, **headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed"), headers
        assert answer.headers["x-should-retry"] == "false"
        for page in ("/v1/models", "/metrics", "/v1/farthing/report", "/v1/farthing/keys"):
            assert open_gateway.get(page, **headers).status_code == 403, (page, headers)


def test_health_needs_no_key(keyed: Keyed) -> None:
    assert keyed.gateway.get("/health/live").json() == {"status": "ok"}
    assert keyed.gateway.get("/health/ready").json() == {"status": "ok"}


# With keys.


@pytest.mark.parametrize("secret", ["", "fk-wrong", "sk-provider-secret-5b1f", "fk-" + "\u00e9" * 8])
def test_a_wrong_key_is_401_and_costs_nothing(keyed: Keyed, provider: Simulator, secret: str) -> None:
    billed = provider.requests()
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    answer = keyed.gateway.request(
        "POST", "/v1/chat/completions", json={"model": GPT, "messages": HELLO},
        headers={name: value.encode() for name, value in headers.items()},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert answer.headers["x-should-retry"] == "false"
    assert provider.requests() == billed
    lookup = keyed.gateway.get(f"/v1/farthing/calls/{answer.headers['x-farthing-call-id']}", keyed.admin)
    assert lookup.status_code == 404, "strangers cannot fill the ledger"


def test_a_wrong_key_as_the_sdks_raise_it(keyed: Keyed) -> None:
    with calling(keyed, "fk-wrong", max_retries=2) as caller:
        with pytest.raises(openai.AuthenticationError) as found:
            chat(caller)
        assert found.value.code == "invalid_api_key"
        with pytest.raises(anthropic.AuthenticationError) as found_too:
            message(caller)
        assert found_too.value.type == "authentication_error"
        with pytest.raises(openai.AuthenticationError):
            caller.openai.models.list()
        assert len(caller.answers) == 3


def test_each_way_of_sending_a_key(keyed: Keyed) -> None:
    secret = keyed.key("doors")
    body = {"model": GPT, "messages": HELLO}
    doors = [
        {"authorization": f"Bearer {secret}"},
        {"authorization": f"bearer  {secret}"},
        {"x-api-key": secret},
        {"api-key": secret},
    ]
    for headers in doors:
        assert keyed.gateway.post("/v1/chat/completions", body, **headers).status_code == 200, headers


def test_calls_carry_the_keys_tags(keyed: Keyed) -> None:
    made = keyed.made("tags", tags={"team": "deck", "user": "ada", "feature": "chat", "ship": "Argo"})
    with calling(keyed, made["secret"]) as caller:
        chat(caller)
        record = record_of(keyed, caller)
        message(caller)
        assert record_of(keyed, caller)["team"] == "deck"
    assert (record["team"], record["user"], record["feature"]) == ("deck", "ada", "chat")
    assert record["tags"] == {"ship": "Argo"}
    assert record["key_id"] == made["id"]


def test_callers_may_say_what_is_not_pinned(keyed: Keyed) -> None:
    secret = keyed.key("loose", tags={"team": "deck", "user": "ada", "feature": "chat"}, pinned=["team", "ship"])
    lies = {
        "x-farthing-team": "engine",
        "x-farthing-user": "grace",
        "x-farthing-tag-team": "engine",
        "x-farthing-tag-ship": "x",
    }
    with calling(keyed, secret) as caller:
        chat(caller, user="eve", metadata={"team": "engine", "feature": "search", "ship": "y"}, extra_headers=lies)
        record = record_of(keyed, caller)
        assert (record["team"], record["user"], record["feature"]) == ("deck", "grace", "search")
        assert record["tags"].get("ship", "") == "", "pinned, and the key says nothing"
        message(caller, metadata={"user_id": "eve"}, extra_headers={"x-farthing-team": "engine"})
        record = record_of(keyed, caller)
        assert (record["team"], record["user"]) == ("deck", "eve")


def test_pins_by_the_command_line(keyed: Keyed) -> None:
    made = keyed.gateway.farthing_json(
        "keys",
        "create",
        "pinned",
        "--team",
        "deck",
        "--user",
        "ada",
        "--tag",
        "ship=Argo",
        "--pin",
        "all",
        "--tenant",
        "acme",
    )
    with calling(keyed, made["secret"]) as caller:
        chat(caller, user="eve", metadata={"team": "engine", "ship": "x"}, extra_headers={"x-farthing-user": "eve"})
        record = keyed.gateway.call(caller.call_id, made["secret"])
    assert (record["team"], record["user"], record["tags"], record["tenant"]) == (
        "deck",
        "ada",
        {"ship": "Argo"},
        "acme",
    )


def test_allowed_models(keyed: Keyed, provider: Simulator) -> None:
    secret = keyed.key("small", models=["gpt-4o-*", "claude-haiku-*"])
    with calling(keyed, secret, max_retries=2) as caller:
        chat(caller)
        message(caller)
        billed = provider.requests()
        for model in ("gpt-4o", "openai/gpt-4o-mini", "no-such-model"):
            with pytest.raises(openai.PermissionDeniedError) as found:
                chat(caller, model)
            assert found.value.code == "not_allowed"
        with pytest.raises(anthropic.PermissionDeniedError) as found_too:
            message(caller, "claude-sonnet-5")
        assert found_too.value.type == "permission_error"
        assert provider.requests() == billed
        ids = {model.id for model in caller.openai.models.list()}
        assert {GPT, CLAUDE} <= ids and "gpt-4o" not in ids
        with pytest.raises(openai.NotFoundError):
            caller.openai.models.retrieve("gpt-4o")


def test_an_expired_key(keyed: Keyed) -> None:
    def served(caller: Caller) -> bool:
        with suppress(openai.AuthenticationError):
            chat(caller)
            return True
        return False

    for life_s in (1.0, 5.0, 30.0):  # on a slow machine a key may be over before its first call
        secret = keyed.key("brief", expires_us=int((time.time() + life_s) * 1e6))
        with calling(keyed, secret) as caller:
            if served(caller):
                eventually(lambda caller=caller: not served(caller), "the key is over")
                return
    pytest.fail("no key opened anything")


def test_revoked_and_rotated_keys_end(keyed: Keyed) -> None:
    keys = {name: keyed.made(name) for name in ("revoked", "revoked by api", "rotated", "rotated with grace")}
    for made in keys.values():
        with calling(keyed, made["secret"]) as caller:
            chat(caller)
    keyed.gateway.farthing("keys", "revoke", keys["revoked"]["id"])
    keyed.gateway.post(f"/v1/farthing/keys/{keys['revoked by api']['id']}/revoke", {}, keyed.admin)
    new = keyed.gateway.farthing_json("keys", "rotate", keys["rotated"]["id"])["secret"]
    newer = keyed.gateway.farthing_json("keys", "rotate", keys["rotated with grace"]["id"], "--grace", "60")["secret"]
    for secret in (new, newer):
        with calling(keyed, secret) as caller:
            chat(caller)  # at once
    for name in ("revoked", "revoked by api", "rotated"):
        secret = keys[name]["secret"]
        eventually(lambda secret=secret: keyed.gateway.get("/v1/models", secret).status_code == 401, f"{name} is out")
    assert keyed.gateway.get("/v1/models", keys["rotated with grace"]["secret"]).status_code == 200


def test_requests_a_minute(keyed: Keyed, provider: Simulator) -> None:
    secret = keyed.key("hasty", requests_per_minute=2)
    with calling(keyed, secret) as caller:
        chat(caller)
        message(caller)
        billed = provider.requests()
        with pytest.raises(openai.RateLimitError) as found:
            chat(caller)
        assert found.value.code == "rate_limit_exceeded"
        headers = found.value.response.headers
        assert 1 <= int(headers["retry-after"]) <= 30
        assert 0 < int(headers["retry-after-ms"]) <= 30_000
        with pytest.raises(anthropic.RateLimitError) as found_too:
            message(caller)
        assert found_too.value.type == "rate_limit_error"
        assert provider.requests() == billed
        record = record_of(keyed, caller)
        assert (record["status"], record["outcome"], record["cost"], record["attempts"]) == (429, "error", 0, [])


def test_the_sdk_waits_as_long_as_it_is_told(keyed: Keyed) -> None:
    secret = keyed.key("patient", requests_per_minute=30)
    with calling(keyed, secret, max_retries=1) as caller:
        assert any(chat_status(keyed, secret) == 429 for _ in range(240))
        chat(caller)
        assert [response.status_code for response in caller.answers][-1] == 200


def chat_status(keyed: Keyed, secret: str) -> int:
    """A call that costs little: it is refused after the limits."""
    return keyed.gateway.post("/v1/chat/completions", {"model": "no-such", "messages": []}, secret).status_code


@pytest.mark.parametrize("stream", [False, True])
def test_tokens_a_minute_count_input_and_output(keyed: Keyed, stream: bool) -> None:
    secret = keyed.key("frugal", tokens_per_minute=120)
    with calling(keyed, secret) as caller:
        for _ in range(4):
            try:
                answer = chat(caller, stream=stream)
                if stream:
                    list(answer)
            except openai.RateLimitError as error:
                assert int(error.response.headers["retry-after"]) >= 1
                break
        else:
            pytest.fail("four calls of about a hundred tokens each fit into 120 a minute")
        spent = [record_of_id(keyed, response) for response in caller.answers[:-1]]
    assert sum(record["in_tokens"] + record["out_tokens"] for record in spent) >= 60


def record_of_id(keyed: Keyed, response: Any) -> dict[str, Any]:
    return keyed.gateway.call(response.headers["x-farthing-call-id"], keyed.admin)


def test_a_key_sees_its_own_calls_only(keyed: Keyed) -> None:
    mine, other = keyed.key("mine"), keyed.key("other")
    stranger = keyed.gateway.farthing_json("keys", "create", "stranger", "--admin", "--tenant", "elsewhere")["secret"]
    with calling(keyed, mine) as caller:
        chat(caller)
        call_id = caller.call_id
    path = f"/v1/farthing/calls/{call_id}"
    assert keyed.gateway.call(call_id, mine)["id"] == call_id
    assert keyed.gateway.call(call_id, keyed.admin)["id"] == call_id
    assert keyed.gateway.get(path, other).status_code == 404
    assert keyed.gateway.get(path, stranger).status_code == 404
    assert keyed.gateway.get(path).status_code == 401
    tenants_of_stranger = {key["tenant"] for key in keyed.gateway.get("/v1/farthing/keys", stranger).json()["data"]}
    assert tenants_of_stranger == {"elsewhere"}


@pytest.mark.parametrize("page", ["/metrics", "/v1/farthing/report", "/v1/farthing/keys"])
def test_admin_pages_need_an_admin_key(keyed: Keyed, page: str) -> None:
    assert keyed.gateway.get(page).status_code == 401
    assert keyed.gateway.get(page, keyed.key("plain")).status_code == 403
    assert keyed.gateway.get(page, keyed.admin).status_code == 200


def test_secrets_are_nowhere(keyed: Keyed) -> None:
    """Not in the log, the ledger, the list of keys, an answer or an error; nor is what was said."""
    made = keyed.made("quiet")
    with calling(keyed, made["secret"]) as caller:
        word = "Zyzzyva-prompt-7731"
        asked: Any = [{"role": "user", "content": f"{word} [[simulate: status-500]]"}]
        with pytest.raises(openai.InternalServerError):
            caller.openai.chat.completions.create(model=GPT, messages=asked)
        asked[0]["content"] = word
        caller.openai.chat.completions.create(model=GPT, messages=asked)
        shown = str(record_of(keyed, caller)) + str([response.headers for response in caller.answers])
    listed = keyed.gateway.farthing("keys", "list", "--json").stdout
    explained = keyed.gateway.farthing("explain", caller.call_id).stdout
    files = b"".join(
        file.read_bytes() for file in keyed.gateway.folder.rglob("*") if file.is_file() and file.name != "farthing.toml"
    )
    everything = shown + listed + explained + keyed.gateway.log + files.decode("latin-1")
    for secret in (made["secret"], keyed.admin, PROVIDER_KEY, word):
        assert secret not in everything
