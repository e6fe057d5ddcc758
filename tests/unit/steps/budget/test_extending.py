"""Streams whose budget says `cover = "likely"`: more is reserved as they go, and they end when nothing is left."""

from farthing.model.budget import Budget
from farthing.model.call import Answer, Ask, Call, Ending
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.store import Store
from farthing.store.budgets import Budgets
from farthing.wire.said import said
from unit.steps.budget.conftest import IN_NANO, OUT_NANO, Gateway


class Words:
    """A stream of so many words, a token each; stops when it is told."""

    def __init__(self, call: Call, count: int) -> None:
        self.call, self.left, self.written = call, count, 0
        self.answer = Answer(200, [], stream=self)
        self.attempt = Attempt(no=1, provider="there", model="m", status=200)
        call.trail.attempts.append(self.attempt)

    async def next(self) -> bytes:
        if not self.left:
            self._end("ok")
            return b""
        self.left -= 1
        self.written += 1
        return b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"w "},"finish_reason":null}]}\n\n'

    def leave(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._end("left")

    def _end(self, outcome: str) -> None:
        self.attempt.outcome, self.attempt.estimated = outcome, outcome == "left"
        self.attempt.usage = Usage(uncached_in=2, out=self.written)
        self.answer.end(Ending(outcome))


async def stream(store: Store, book: PriceBook, amount: int, count: int) -> tuple[bytes, Words, int]:
    """What came, the provider's side, and what the budget was charged."""
    await Budgets(store).put(Budget("all", amount, cover="likely"))
    sent: list[Words] = []

    async def upstream(call: Call) -> Answer:
        assert b"max_tokens" not in call.body, "the request is sent as it is"
        sent.append(Words(call, count))
        return sent[0].answer

    gateway = Gateway(store, "g", book, upstream)
    await gateway.purses.start()
    for _ in range(200):
        gateway.expect.add("default", ("*",), "m", 90)
    call = gateway.call(max_tokens=None)
    call.ask = Ask("m", stream=True)
    answer = await gateway.proceed(call)
    assert answer.stream is not None
    came = []
    while data := await answer.stream.next():
        came.append(data)
    gateway.records.append(call.record(200, Ending(), 1))
    await gateway.close()
    return b"".join(came), sent[0], call.trail.charges[0].amount


async def test_a_long_stream_goes_on_while_there_is_money(store: Store, book: PriceBook) -> None:
    came, words, charged = await stream(store, book, 10**9, 2_000)
    assert came.count(b"\n\n") == words.written == 2_000
    assert charged == 2 * IN_NANO + 2_000 * OUT_NANO


async def test_it_ends_as_at_a_limit_when_nothing_is_left(store: Store, book: PriceBook) -> None:
    came, words, charged = await stream(store, book, 400 * OUT_NANO, 2_000)
    whole = said("openai.chat", came)
    assert whole is not None and whole.finish == "length"
    assert 300 <= words.written <= 400
    assert words.written * OUT_NANO < charged <= 400 * OUT_NANO
