"""TLS on both sides: clients to the gateway, the gateway to its providers, with authorities of one's own."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import openai
import pytest
import trustme
import uvicorn

from farthing.upstream.simulator import create_app
from integration import rates
from integration.callers import AsyncCaller, Caller
from integration.gateways import Gateway, gateway, settings_text
from integration.ledger import booked
from integration.threads import in_thread

GPT, CLAUDE = "gpt-4o-mini", "claude-haiku-4-5"


class Files(NamedTuple):
    authority: str
    chain: str
    key: str


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    found = Files(str(folder / "ca.pem"), str(folder / "chain.pem"), str(folder / "key.pem"))
    authority.cert_pem.write_to_path(found.authority)
    issued.private_key_pem.write_to_path(found.key)
    for blob in issued.cert_chain_pems:
        blob.write_to_path(found.chain, append=True)
    return found


@asynccontextmanager
async def simulator_with_tls(files: Files) -> AsyncIterator[str]:
    config = uvicorn.Config(
        create_app(), ssl_certfile=files.chain, ssl_keyfile=files.key, log_level="error", lifespan="off", loop="asyncio"
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server._serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"https://localhost:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory, files: Files) -> Iterator[Gateway]:
    with in_thread(lambda: simulator_with_tls(files)) as url:
        provider = f'base_url = "{url}/v1"\napi_key = "sk"\n'
        providers = f"""
[providers.openai]
{provider}ca_file = "{files.authority}"
[providers.anthropic]
{provider}ca_file = "{files.authority}"
client = "aiohttp"
[providers.distrusted]
kind = "openai"
{provider}models = ["gpt-4.1"]
[providers.distrusted_too]
kind = "openai"
{provider}models = ["gpt-4.1-mini"]
client = "aiohttp"
"""
        server = f'tls_cert = "{files.chain}"\ntls_key = "{files.key}"'
        settings = settings_text(server=server, providers=providers)
        with gateway(tmp_path_factory.mktemp("secure"), settings, verify=files.authority) as made:
            yield made


def asked(text: str) -> Any:
    return [{"role": "user", "content": text}]


def test_both_sdks(secure: Gateway, files: Files) -> None:
    assert secure.url.startswith("https://")
    caller = Caller(secure.url, ca_file=files.authority)
    answer = caller.openai.chat.completions.create(model=GPT, messages=asked("Safe?"))
    booked(secure, caller, rates.of_chat(GPT, answer.usage))
    message = caller.anthropic.messages.create(model=CLAUDE, max_tokens=99, messages=asked("Safe?"))
    booked(secure, caller, rates.of_message(CLAUDE, message.usage))
    caller.close()


async def test_streams(secure: Gateway, files: Files) -> None:
    async with AsyncCaller(secure.url, ca_file=files.authority) as caller:
        async with caller.openai.chat.completions.stream(
            model=GPT, messages=asked("Safe to stream?"), stream_options={"include_usage": True}
        ) as stream:
            final = await stream.get_final_completion()
        booked(secure, caller, rates.of_chat(GPT, final.usage))
        async with caller.anthropic.messages.stream(
            model=CLAUDE, max_tokens=99, messages=asked("Safe to stream?")
        ) as events:
            message = await events.get_final_message()
        booked(secure, caller, rates.of_message(CLAUDE, message.usage))


def test_a_client_that_does_not_trust_the_gateway(secure: Gateway, tmp_path: Path) -> None:
    stranger = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(stranger))
    caller = Caller(secure.url, ca_file=str(stranger))
    with pytest.raises(openai.APIConnectionError):
        caller.openai.models.list()
    caller.close()


@pytest.mark.parametrize("model", ["gpt-4.1", "gpt-4.1-mini"])
def test_a_provider_whose_certificate_nobody_vouches_for(secure: Gateway, files: Files, model: str) -> None:
    caller = Caller(secure.url, ca_file=files.authority)
    with pytest.raises(openai.InternalServerError, match="certificate") as found:
        caller.openai.chat.completions.create(model=model, messages=asked("Safe?"))
    assert (found.value.status_code, found.value.code) == (502, "upstream_unreachable")
    record = secure.call(caller.call_id)
    assert (record["cost_state"], record["cost"]) == ("computed", 0), "nothing was sent"
    caller.close()


def test_a_client_at_rest_does_not_hold_up_a_stop(tmp_path: Path, files: Files, upstreams: str) -> None:
    """TLS says goodbye, and a client that is not reading does not answer."""
    server = f'tls_cert = "{files.chain}"\ntls_key = "{files.key}"\nshutdown_grace_s = 600'
    with gateway(tmp_path, settings_text(server=server, providers=upstreams), verify=files.authority) as made:
        assert made.get("/health/live").status_code == 200  # over a connection that stays open
        made.stop()  # which does not wait for as long
