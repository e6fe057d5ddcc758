"""Alerts from outside: a dear call reaches a signed webhook, once, whatever is killed in between."""

import hashlib
import hmac
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from integration.conftest import PROVIDER_KEY
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Recorder, Simulator

SECRET = "whsec-5b1f"
CALL = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say hello."}]}
TAKEN = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REFUSED = b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"


def settings(provider: Simulator, tape: Recorder, workers: int = 1) -> str:
    return settings_text(
        server=f"workers = {workers}",
        providers=f'[providers.openai]\nbase_url = "{provider.url}/v1"\napi_key = "{PROVIDER_KEY}"\n',
        more=f"""
[alerts]
every_s = 1
[alerts.rules.single_call]
dollars = "0.000000001"
[alerts.channels.ops]
kind = "webhook"
url = "{tape.url}/hook"
secret = "{SECRET}"
""",
    )


def told(tape: Recorder) -> list[dict[str, Any]]:
    return [json.loads(request.partition(b"\r\n\r\n")[2]) for request in list(tape.requests)]


def say(made: Gateway, feature: str) -> None:
    assert made.post("/v1/chat/completions", CALL, x_farthing_feature=feature).status_code == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_a_dear_call_is_told_once(
    tmp_path: Path, provider: Simulator, tape: Recorder, workers: int
) -> None:  # fmt: skip
    tape.answers(TAKEN)
    with gateway(tmp_path, settings(provider, tape, workers)) as made:
        say(made, "agent")
        eventually(lambda: told(tape), "the webhook is told")
        for _ in range(3):
            say(made, "agent")

        def counted() -> Any:
            data = made.get("/v1/farthing/alerts").json()["data"]
            return next((each for each in data if each["rule"] == "single_call" and each["count"] == 4), None)

        standing = eventually(counted, "all four calls are counted into one alert")
        (message,) = [each for each in told(tape) if each["alert"]["rule"] == "single_call"]
        assert message["what"] == "raised" and message["alert"]["id"] == standing["id"]
        head, _, body = tape.requests[0].partition(b"\r\n\r\n")
        at, digest = head.split(b"x-farthing-signature: t=")[1].split(b"\r\n")[0].split(b",v1=")
        assert hmac.new(SECRET.encode(), at + b"." + body, hashlib.sha256).hexdigest() == digest.decode()
        assert b"Say hello" not in body and PROVIDER_KEY.encode() not in body
        one = made.get(f"/v1/farthing/alerts/{standing['id']}").json()
        assert len(one["calls"]) == 4
        assert made.farthing_json("alerts", "list")["alerts"][0]["id"] == standing["id"]


def test_what_could_not_be_told_survives_a_kill(tmp_path: Path, provider: Simulator, tape: Recorder) -> None:
    tape.answers(REFUSED)
    with gateway(tmp_path, settings(provider, tape)) as made:
        say(made, "agent")
        eventually(lambda: told(tape), "the webhook refused it")
        eventually(
            lambda: any(each["error"] for each in made.get("/v1/farthing/alerts").json()["channels"]),
            "the state says so",
        )
        made.stop(signal.SIGKILL)
        tape.answers(TAKEN)
        made.start()
        eventually(lambda: told(tape), "the message is sent again")
        eventually(
            lambda: all(each["waiting"] == 0 for each in made.get("/v1/farthing/alerts").json()["channels"]),
            "it is delivered",
        )
        assert [each["what"] for each in told(tape)] == ["raised"]
        assert SECRET not in made.log and f"{tape.url}/hook" not in made.log
