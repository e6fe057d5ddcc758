"""A call to walk through a step, and an upstream that answers it."""

from collections.abc import Callable

import pytest

from farthing.model.call import Answer, Ask, Call, Deployment, Proceed

MakeCall = Callable[..., Call]


@pytest.fixture
def make_call() -> MakeCall:
    def make(
        model: str = "gpt-4o-mini", *, headers: dict[bytes, bytes] | None = None, peer: str = "127.0.0.1", body: bytes = b"{}",
        user: str = "", metadata: dict[str, str] | None = None, deployment: Deployment | None = None,
    ) -> Call:  # fmt: skip
        call = Call(
            id="call-1", wire="openai.chat", headers=headers or {}, peer=peer, body=body,
            ask=Ask(model, user=user, metadata=metadata or {}), started_us=1_790_000_000_000_000, started=0.0,
        )  # fmt: skip
        call.deployment = deployment
        return call

    return make


@pytest.fixture
def proceed() -> Proceed:
    async def answer(call: Call) -> Answer:
        return Answer(200, [], b"{}")

    return answer
