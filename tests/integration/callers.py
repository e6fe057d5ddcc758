"""The official SDKs pointed at a gateway. Each HTTP answer is remembered, so that a test can ask which call it made."""

import ssl
from typing import Any

import anthropic
import httpx2
import openai

TIMEOUT_S = 60.0


class Noted:
    """The answers that went through a client."""

    def __init__(self) -> None:
        self.answers: list[httpx2.Response] = []

    @property
    def call_id(self) -> str:
        """Of the last call."""
        return self.answers[-1].headers["x-farthing-call-id"]

    @property
    def last(self) -> httpx2.Response:
        return self.answers[-1]

    def forget(self) -> None:
        self.answers.clear()


class Caller(Noted):
    """Both SDKs, synchronous. They do not retry unless told to."""

    def __init__(self, url: str, key: str = "any", ca_file: str = "", **options: Any) -> None:
        super().__init__()
        hooks: Any = {"response": [self.answers.append]}
        more: dict[str, Any] = {"api_key": key, "max_retries": 0, **options}
        self.web = openai.DefaultHttpxClient(event_hooks=hooks, verify=_trust(ca_file), timeout=TIMEOUT_S)
        self.openai = openai.OpenAI(base_url=f"{url}/v1", http_client=self.web, **more)
        self.anthropic = anthropic.Anthropic(base_url=url, http_client=self.web, **more)

    def close(self) -> None:
        self.web.close()


class AsyncCaller(Noted):
    """Both SDKs, asynchronous; made and closed inside one event loop."""

    def __init__(self, url: str, key: str = "any", ca_file: str = "", **options: Any) -> None:
        super().__init__()
        hooks: Any = {"response": [self._note]}
        more: dict[str, Any] = {"api_key": key, "max_retries": 0, **options}
        self.web = openai.DefaultAsyncHttpxClient(event_hooks=hooks, verify=_trust(ca_file), timeout=TIMEOUT_S)
        self.openai = openai.AsyncOpenAI(base_url=f"{url}/v1", http_client=self.web, **more)
        self.anthropic = anthropic.AsyncAnthropic(base_url=url, http_client=self.web, **more)

    async def __aenter__(self) -> "AsyncCaller":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.web.aclose()

    async def _note(self, response: httpx2.Response) -> None:
        self.answers.append(response)


def _trust(ca_file: str) -> Any:
    return ssl.create_default_context(cafile=ca_file) if ca_file else False
