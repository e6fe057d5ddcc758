"""Who may not: web pages, other machines, other tenants, callers who guess, callers without an admin key."""

import json
import socket
from collections.abc import Iterator

import pytest

from hostile.conftest import providers
from hostile.raw import QUESTION, Said, line, request
from integration.gateways import Gateway, eventually, gateway, settings_text
from integration.upstreams import Recorder, Simulator

PAGES = ("/v1/models", "/v1/farthing/calls/call-1", "/v1/farthing/keys", "/v1/farthing/report", "/metrics")


def say(url: str, sent: bytes) -> Said:
    with line(url) as client:
        client.send(sent)
        said = client.answer()
        assert said is not None
        return said


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.nip.io", "localhost.evil.example", "evil.example:4141", "0.0.0.0", "[::]", "2130706433",
     "0x7f.0.0.1", "localhost@evil.example", "", "127.0.0.1\tevil", "[::1", "127.0.0.1,evil.example", "LOCALHOST.", "169.254.169.254"],
)  # fmt: skip
def test_a_name_that_was_made_to_point_here(gate: Gateway, host: str) -> None:
    """A web page's own name can be made to resolve to 127.0.0.1; then its requests are of the same origin."""
    for path in ("/v1/chat/completions", *PAGES):
        method = "POST" if "chat" in path else "GET"
        said = say(gate.url, request(QUESTION if method == "POST" else b"", method=method, path=path, host=host))
        assert said.status in (400, 403), (path, said)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://localhost.evil.example", "file://", "http://[::1"]
)
def test_a_web_page(gate: Gateway, origin: str) -> None:
    for path in ("/v1/chat/completions", *PAGES):
        method = "POST" if "chat" in path else "GET"
        sent = request(QUESTION if method == "POST" else b"", method=method, path=path, origin=origin)
        said = say(gate.url, sent)
        assert said.status == 403
        assert not any(name.startswith(b"access-control-") for name, _ in said.headers)
    sent = request(b'{"name":"mine","admin":true}', path="/v1/farthing/keys", origin=origin, content_type="text/plain")
    assert say(gate.url, sent).status == 403
    preflight = request(b"", method="OPTIONS", origin=origin, access_control_request_method="POST")
    assert not any(name.startswith(b"access-control-") for name, _ in say(gate.url, preflight).headers)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:4141", "[::1]:80", "LocalHost", "127.8.8.8"])
def test_programs_of_this_machine(gate: Gateway, host: str) -> None:
    assert say(gate.url, request(host=host, origin="http://localhost:3000")).status == 200


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory, provider: Simulator, _recorder: Recorder) -> Iterator[Gateway]:
    """A gateway on all addresses of this machine, with keys of two tenants."""
    settings = settings_text(server='host = "0.0.0.0"', providers=providers(provider.url, _recorder.url))
    with gateway(tmp_path_factory.mktemp("public"), settings) as made:
        yield made


@pytest.fixture(scope="module")
def keys(public: Gateway) -> dict[str, str]:
    own = _own_address()
    port = public.url.rpartition(":")[2]
    if own:  # before there is any key
        assert say(f"http://{own}:{port}", request()).status == 403
        assert say(f"http://{own}:{port}", request(b"", method="GET", path="/v1/farthing/keys")).status == 404
    made = {
        name: public.farthing("keys", "create", name, "--tenant", name[0], *(["--admin"] if "admin" in name else [])).stdout.strip()
        for name in ("a-admin", "a-one", "a-two", "b-admin", "b-one")
    }  # fmt: skip
    eventually(lambda: public.get("/v1/models").status_code == 401, "the gateway has heard that there are keys")
    return made


def _own_address() -> str:
    """An address of this machine that is not loopback, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return ""
        found: str = probe.getsockname()[0]
        return "" if found.startswith(("127.", "0.")) else found


def test_without_a_key(public: Gateway, keys: dict[str, str]) -> None:
    for secret in ("", "x", keys["a-one"][:-1], keys["a-one"] + "x", keys["a-one"].upper(), "fk-" + "A" * 43, "\xff"):
        headers = {"authorization": f"Bearer {secret}"} if secret else {}
        assert say(public.url, request(**headers)).status == 401
        for path in PAGES:
            assert say(public.url, request(b"", method="GET", path=path, **headers)).status == 401


def test_admin_pages_are_absent_from_outside(public: Gateway, keys: dict[str, str]) -> None:
    own = _own_address()
    if not own:
        pytest.skip("this machine has no other address than loopback")
    url = f"http://{own}:{public.url.rpartition(':')[2]}"
    admin = {"authorization": f"Bearer {keys['a-admin']}", "x_forwarded_for": "127.0.0.1", "host": "localhost"}
    for path in ("/v1/farthing/keys", "/v1/farthing/report", "/metrics"):
        assert say(url, request(b"", method="GET", path=path, **admin)).status == 404
    assert say(url, request(b'{"name":"x"}', path="/v1/farthing/keys", **admin)).status == 404
    assert say(url, request(authorization=admin["authorization"])).status == 200


def test_admin_pages_need_an_admin_key(public: Gateway, keys: dict[str, str]) -> None:
    for method, path in (("GET", "/v1/farthing/keys"), ("POST", "/v1/farthing/keys"), ("GET", "/v1/farthing/report"),
                         ("POST", "/v1/farthing/keys/key-1/revoke"), ("POST", "/v1/farthing/keys/key-1/rotate"), ("GET", "/metrics")):  # fmt: skip
        assert (
            public.request(method, path, keys["a-one"], json={"name": "x"} if method == "POST" else None).status_code
            == 403
        )


def test_other_tenants_are_not_there(public: Gateway, keys: dict[str, str]) -> None:
    response = public.request("POST", "/v1/chat/completions", keys["a-one"], content=QUESTION)
    path = f"/v1/farthing/calls/{response.headers['x-farthing-call-id']}"
    assert public.get(path, keys["a-one"]).status_code == 200
    assert public.get(path, keys["a-admin"]).status_code == 200
    for who in ("a-two", "b-one", "b-admin"):
        assert public.get(path, keys[who]).status_code == 404
    mine = public.get("/v1/farthing/keys", keys["b-admin"]).json()["data"]
    assert {key["name"] for key in mine} == {"b-admin", "b-one"}
    theirs = public.get("/v1/farthing/keys", keys["a-admin"]).json()["data"][0]["id"]
    for what in ("revoke", "rotate"):
        assert public.request("POST", f"/v1/farthing/keys/{theirs}/{what}", keys["b-admin"]).status_code == 404
    eventually(lambda: public.get("/v1/farthing/report", keys["a-admin"]).json()["data"], "the call is in the report")
    assert not public.get("/v1/farthing/report", keys["b-admin"]).json()["data"]
    made = public.request("POST", "/v1/farthing/keys", keys["b-admin"], json={"name": "c", "tenant": "a"})
    assert made.status_code == 400, "a tenant's administrator makes keys of that tenant only"


def test_ids_that_are_guessed(public: Gateway, keys: dict[str, str]) -> None:
    call_id = public.request("POST", "/v1/chat/completions", keys["a-one"], content=QUESTION).headers[
        "x-farthing-call-id"
    ]
    there = public.get(f"/v1/farthing/calls/{call_id}", keys["b-one"])
    absent = public.get(f"/v1/farthing/calls/{call_id[:-4]}0000", keys["b-one"])
    assert there.status_code == absent.status_code == 404
    assert _message(there.text) == _message(absent.text), "whether a call is there must not show"


def _message(text: str) -> str:
    return json.loads(text)["error"]["message"]


def test_a_key_may_not_do_more_than_it_says(public: Gateway, keys: dict[str, str]) -> None:
    made = public.farthing(
        "keys", "create", "small", "--tenant", "a", "--model", "gpt-4o-mini", "--team", "x", "--pin", "team"
    ).stdout.strip()
    eventually(lambda: public.get("/v1/models", made).status_code == 200, "the key is known")
    listed = public.get("/v1/models", made).json()["data"]
    assert [model["id"] for model in listed if model["owned_by"] != "farthing"] == ["gpt-4o-mini"]
    for model in ("gpt-4o", "openai/gpt-4o-mini", "GPT-4o-mini", "gpt-4o-mini ", "gpt-4o-mini*", "*"):
        asked = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]})
        assert public.request("POST", "/v1/chat/completions", made, content=asked).status_code == 403
    sneaky = b'{"model":"gpt-4o-mini","model":"gpt-4o","messages":[]}'
    assert public.request("POST", "/v1/chat/completions", made, content=sneaky).status_code in (400, 403)
    lies = public.request("POST", "/v1/chat/completions", made, content=QUESTION, headers={"x-farthing-team": "other"})
    assert public.call(lies.headers["x-farthing-call-id"], made)["team"] == "x"


def test_a_flood_of_wrong_keys_does_not_keep_the_right_ones_out(public: Gateway, keys: dict[str, str]) -> None:
    with line(public.url) as client:
        for number in range(2000):
            client.send(request(b"", method="GET", path="/v1/models", authorization=f"Bearer fk-{number}"))
            said = client.answer()
            assert said is not None and said.status == 401
    assert public.request("POST", "/v1/chat/completions", keys["a-one"], content=QUESTION).status_code == 200
