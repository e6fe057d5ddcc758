"""What must stay secret, driven through every way to fail at the loudest log: afterwards it is nowhere to be found."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from farthing.cli.main import cli
from hostile.conftest import calls_under_way
from hostile.raw import line, request
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import END, Part, Recorder, Simulator, chunk, events, whole
from ports import free_port

PROVIDER_KEY = "sk-canary-of-the-provider-77d1"
HEADER_KEY = "canary-of-a-header-2c90"
PROMPT = "canary-of-the-prompt-81aa"
TOOL = "canary-of-the-tool-55e0"
ANSWER = "canary-of-the-answer-0b3f"
COOKIE = "canary-of-the-cookie-9f12"
STRANGER = "fk-canary-of-a-stranger-6dd2"


def config(simulator_url: str, recorder_url: str) -> str:
    nobody = free_port()
    provider = """
[providers.{name}]
kind = "{kind}"
client = "{client}"
base_url = "{url}/v1"
api_key = "{key}"
headers = {{ x-extra = "{extra}" }}
models = ["{models}"]
[providers.{name}.timeouts]
first_byte_s = 0.2
idle_s = 0.2
total_s = 1
"""
    told = [
        ("simulated", "openai", "http1", simulator_url, "gpt-4o*"),
        ("tape", "openai", "http1", recorder_url, "gpt-4.1-nano"),
        ("tape_aiohttp", "openai", "aiohttp", recorder_url, "gpt-4.1-mini"),
        ("tape_anthropic", "anthropic", "http1", recorder_url, "claude-*"),
        ("nobody", "openai", "http1", f"http://127.0.0.1:{nobody}", "gpt-3.5*"),
        ("nobody_aiohttp", "openai", "aiohttp", f"http://127.0.0.1:{nobody}", "gpt-5*"),
    ]
    return "".join(
        provider.format(name=name, kind=kind, client=client, url=url, models=models, key=PROVIDER_KEY, extra=HEADER_KEY)
        for name, kind, client, url, models in told
    )


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory, provider: Simulator, _recorder: Recorder) -> Iterator[Gateway]:
    server = "max_body_mb = 1\nbody_timeout_s = 0.3\nheader_timeout_s = 1\nshutdown_grace_s = 2"
    settings = settings_text(
        server=server, providers=config(provider.url, _recorder.url), more='[logs]\nlevel = "debug"'
    )
    with gateway(tmp_path_factory.mktemp("secrets"), settings) as made:
        yield made


def question(model: str, stream: bool = False, **more: object) -> bytes:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": json.dumps({"secret": TOOL})}}
    messages = [
        {"role": "user", "content": PROMPT}, {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": TOOL},
    ]  # fmt: skip
    body = {"model": model, "stream": stream, "messages": messages, "metadata": {"feature": "canary-case"}}
    return json.dumps(body | more).encode()


def messages(model: str, stream: bool = False) -> bytes:
    asked = [{"role": "user", "content": PROMPT}]
    return json.dumps({"model": model, "stream": stream, "max_tokens": 9, "messages": asked}).encode()


def delta(text: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
REFUSAL = {"error": {"message": f"Incorrect API key provided: {PROVIDER_KEY}; you asked {PROMPT}", "type": "x"}}
ANSWERS: list[tuple[Part, ...]] = [
    (whole(REFUSAL, "401 Unauthorized", www_authenticate=PROVIDER_KEY),),
    (whole(REFUSAL, "500 Oops"),),
    (whole(b'{"choices": [{"message": {"content": "' + ANSWER.encode() + b'"}'),),
    (whole(f"<html>{ANSWER}</html>".encode()),),
    (whole({"model": [ANSWER], "choices": [ANSWER], "id": ANSWER, "usage": None}, set_cookie=COOKIE),),
    (whole({"choices": [{"message": {"content": ANSWER}}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}),),
    (HEAD + b"content-length: 9999\r\n\r\n" + ANSWER.encode(), None),
    (events(), chunk(delta(ANSWER)), chunk(delta(ANSWER)), None),
    (events(), chunk(delta(ANSWER)), 0.5),
    (events(), chunk(b"data: {" + ANSWER.encode() + b"\n\n"), END),
    (events(), chunk(delta(ANSWER)), chunk(b'data: {"error":{"message":"' + ANSWER.encode() + b'"}}\n\n'), END),
    (0.5, HEAD),
    (ANSWER.encode() + b"\r\n\r\n", None),
    (b"HTTP/1.1 302 Found\r\nlocation: http://" + ANSWER.encode() + b"/\r\ncontent-length: 0\r\n\r\n",),
    (HEAD + b"x: " + ANSWER.encode() + b"\x00\r\n\r\n", None),
    (None,),
]


def test_secrets_stay_secret(keyed: Gateway, tape: Recorder) -> None:
    key = keyed.farthing("keys", "create", "admin", "--admin").stdout.strip()
    other = keyed.farthing("keys", "create", "other", "--tenant", "b").stdout.strip()
    eventually(lambda: keyed.get("/v1/models", key).status_code == 200, "the key is known")
    told = drive(keyed, tape, key)
    eventually(lambda: "canary-case" in keyed.farthing("report").stdout, "the calls are in the ledger")
    eventually(lambda: calls_under_way(keyed) == 0, "all of them are")
    told += shown(keyed, key)
    told.append(keyed.log)

    secret = [PROVIDER_KEY, HEADER_KEY, TOOL, COOKIE, STRANGER, key, other]
    found = {word for word in secret for text in told if word in text}
    assert not found, found
    kept = [*secret, PROMPT, ANSWER]
    for file in keyed.folder.rglob("*"):
        if file.is_file() and file.name != "farthing.toml":
            data = file.read_bytes()
            assert not [word for word in kept if word.encode() in data], file
    assert not [word for word in (PROMPT, ANSWER) if word in keyed.log]


def drive(gate: Gateway, tape: Recorder, key: str) -> list[str]:
    """Every way to fail; gives what the client got to see, apart from answers that are the provider's own."""
    told = []
    head = {"authorization": f"Bearer {key}", "cookie": f"session={COOKIE}"}

    def say(body: bytes, path: str = "/v1/chat/completions", **headers: str) -> None:
        with line(gate.url) as client:
            client.send(request(body, path=path, **(head | headers)))
            said = client.answer()
            if said is not None:
                told.append(
                    (repr(said.headers) + said.body.decode("utf-8", "replace")).replace(PROMPT, "").replace(ANSWER, "")
                )

    for answers in ANSWERS:
        tape.answers(*answers)
        for stream in (False, True):
            say(question("gpt-4.1-nano", stream))
            say(question("gpt-4.1-mini", stream))
            say(messages("gpt-4.1-nano", stream), "/v1/messages")
            say(messages("claude-sonnet-4-5", stream), "/v1/messages")
            say(question("claude-sonnet-4-5", stream))
    for model in ("gpt-3.5-turbo", "gpt-5", "no-such-model", "gpt-4o-no-price"):
        say(question(model))
        say(messages(model), "/v1/messages")
    for body in (
        b'{"model":"gpt-4o","messages":[' + PROMPT.encode(),
        PROMPT.encode(),
        b'"' + PROMPT.encode() + b'"',
        b"\xff" + PROMPT.encode(),
    ):
        say(body)
        say(body, "/v1/messages")
        say(body, "/v1/responses")
        say(body, "/v1/embeddings")
        say(body, "/v1/farthing/keys")
    say(question("gpt-4o", stream="PROMPT"))
    say(question("gpt-4o", logit_bias={PROMPT: PROMPT}), "/v1/messages")
    say(question("claude-sonnet-4-5", **{PROMPT: PROMPT}))
    say(question("gpt-4o"), content_encoding="gzip")
    say(question("gpt-4o"), authorization=f"Bearer {STRANGER}")
    say(question("gpt-4o"), authorization=f"Basic {STRANGER}")
    say(b"", f"/v1/models/{STRANGER}", authorization=f"Bearer {STRANGER}")
    say(b" " * 1_100_000 + question("gpt-4o"))
    say(question("gpt-4o", metadata={"simulate_fault": "status-401"}))
    with line(gate.url) as client:  # leaves in the middle
        client.send(request(question("gpt-4o", True, metadata={"simulate_fault": "endless"}), **head))
        client.is_closed(0.2)
    with line(gate.url) as client:  # too late
        client.send(request(question("gpt-4o"), **head)[:-5])
        client.answer()
    with line(gate.url) as client:  # not HTTP
        client.send(
            b"POST /v1/chat/completions HTTP/1.1\r\nauthorization: Bearer " + STRANGER.encode() + b"\r\n\x00\r\n\r\n"
        )
        client.answer()
    return told


def shown(gate: Gateway, key: str) -> list[str]:
    """Whatever the gateway and its commands show to people."""
    listed = CliRunner().invoke(cli, ["calls", "--json", "-n", "1000", "--config", str(gate.config)])
    ids = [call["id"] for call in json.loads(listed.stdout)]
    assert len(ids) > 100
    told = [gate.get(f"/v1/farthing/calls/{each}", key).text for each in ids]
    told += [gate.get(path, key).text for path in ("/metrics", "/v1/farthing/keys", "/v1/farthing/report", "/v1/models",
                                                   "/v1/farthing/openapi.json", "/health/ready")]  # fmt: skip
    commands = (["check"], ["report"], ["report", "--json"], ["report", "--csv"], ["report", "--by", "model"], ["keys", "list"],
                ["keys", "list", "--json"], ["calls"], ["explain", ids[0]], ["explain", ids[0], "--json"])  # fmt: skip
    for command in commands:
        done = CliRunner().invoke(cli, [*command, "--config", str(gate.config)], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        told += [done.stdout, done.stderr]
    return told


@pytest.mark.parametrize(
    "wrong",
    [
        f'[providers.openai]\napi_key = ["{PROVIDER_KEY}"]\n',
        f'[providers.openai]\napi_key = "{PROVIDER_KEY}\n',
        f'[providers.openai]\napi_kex = "{PROVIDER_KEY}"\n',
        f'[providers.openai]\napi_key = "{PROVIDER_KEY}"\nheaders = {{ "x y" = "{PROVIDER_KEY}" }}\n',
        f'[store]\nurl = "postgresql://u:{PROVIDER_KEY}@127.0.0.1:1/x"\n[providers.openai]\napi_key = "a"\n',
        f'[store]\nurl = "postgresql://u:{PROVIDER_KEY}@127.0.0.1:x/x"\n[providers.openai]\napi_key = "a"\n',
        f'[providers.openai]\napi_key = "a"\nproxy = "http://u:{PROVIDER_KEY}@h"\n',
        f'[providers.openai]\napi_key = "a"\nbase_url = "http://u:{PROVIDER_KEY}@h:x/v1"\n',
    ],
)
def test_settings_that_are_wrong_are_not_quoted(tmp_path: Path, wrong: str, restored_logs: None) -> None:
    config = tmp_path / "farthing.toml"
    config.write_text(wrong)
    for command in (["up", "--port", "0"], ["check"], ["check", "--ledger"], ["report"]):
        told = CliRunner().invoke(cli, [*command, "--config", str(config)], env={"HOME": str(tmp_path)})
        assert PROVIDER_KEY not in told.output + repr(told.exception), (wrong, told)
        assert told.exit_code != 0 or command[0] == "check"
