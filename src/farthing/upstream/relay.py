"""The end of the pipeline: sends a call to its deployment, relays the answer, and reads the meter as it passes.

Where client and provider speak the same format the bytes go through as they came; else `wire.translate` rewrites them.
The meter always reads the provider's own bytes. Knows nothing of prices, keys of callers or the store.
"""

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from farthing.model.call import Answer, Call, Deployment, Ending, Header, Headers
from farthing.model.errors import CannotTranslate, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from farthing.model.record import Attempt
from farthing.model.usage import Reading
from farthing.upstream.client import Response
from farthing.upstream.hosts import HOSTS
from farthing.upstream.providers import Provider, Providers
from farthing.wire import FORMATS
from farthing.wire.format import Format, StreamReader
from farthing.wire.service_tier import WIRES as TIERED
from farthing.wire.service_tier import with_service_tier
from farthing.wire.translate import TRANSLATIONS, StreamTranslator, Translation

PIECE = 256 * 1024
"""Bytes of a compressed stream that are unpacked at once: a read of it may hold a thousand times its size."""
ANSWER_LIMIT = 256 * 1024 * 1024
"""Bytes of a whole answer: audio and images come as base64."""
CUT = "The provider ended the stream before its end mark."
FAILED = "The provider reported an error inside the stream."
DRAINS = 64
"""How many such streams are read on at once; more are closed and their use estimated."""

FORWARDED = {
    "openai": frozenset((b"openai-beta", b"idempotency-key", b"x-client-request-id")),
    "anthropic": frozenset((b"anthropic-beta", b"anthropic-version", b"idempotency-key")),
}
"""Request headers of the client that its provider gets; all else stays here, above all the client's key."""

KEPT_BACK = frozenset(
    (
        b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"content-encoding", b"upgrade", b"trailer",
        b"proxy-authenticate", b"set-cookie", b"date", b"server", b"alt-svc", b"strict-transport-security", b"location",
    )
)  # fmt: skip
"""Headers of the provider that are about its connection with us, not about the answer."""
_TIERED_HOSTS = (HOSTS["openai"], HOSTS["azure"])
"""Hosts that are asked for a service tier of our choice: others may refuse the word."""
JSON: Header = (b"content-type", b"application/json")
OURS = b"x-farthing-"
"""Only the gateway says such things."""


class Dressed(NamedTuple):
    """A request with a call's marks."""

    body: bytes
    flag: str = ""
    """A mark for the attempt; empty where nothing was written that changes what it costs."""
    headers: tuple[Header, ...] = ()
    """Some providers take what belongs together in a header."""


Dress = Callable[[Call, str, bytes], Dressed]
"""Puts a call's marks into the body that is sent, in the format that is spoken."""
Undress = Callable[[Call, Answer], bool]
"""Is told of a refusal; whether it was for the marks' sake, which are gone by then, so that the call can be sent again."""


class Prepared(NamedTuple):
    """A request as its provider is to see it."""

    spoken: str
    """The format's name."""
    format: Format
    translation: Translation | None
    body: bytes
    flag: str
    """A mark for the attempt; empty: none."""
    headers: tuple[Header, ...] = ()


class Delivery(msgspec.Struct, frozen=True):
    """How an answer came that was not sent to this relay."""

    started_us: int
    """When its request was handed to the provider; prices of that moment hold."""
    duration_us: int
    tier: str = ""
    """The service tier that it came at, whatever it says itself; empty: as it says."""
    flags: Sequence[str] = ()


class Relay:
    """Sends calls to providers. `dress` is asked for those with marks for the provider's prompt cache, `undress` where one of
    them is refused."""

    def __init__(
        self, providers: Providers, clock: Callable[[], float] = time.perf_counter, dress: Dress | None = None,
        undress: Undress | None = None, translations: Mapping[tuple[str, str], Translation] | None = None,
    ) -> None:  # fmt: skip
        self._providers = providers
        self._clock = clock
        self._dress = dress
        self._undress = undress
        self._translations = translations or TRANSLATIONS
        self.drains = 0
        """Streams that are read on although their client left."""

    async def __call__(self, call: Call) -> Answer:
        deployment = call.deployment
        assert deployment is not None, "a step chooses the deployment before the relay is reached"
        provider = self._providers[deployment.provider]
        ready = self._prepared(call, deployment, provider)
        attempts = call.trail.attempts
        attempt = _begin(attempts, deployment, call.started_us + int((self._clock() - call.started) * 1e6), ready.flag)
        begun = self._clock()
        try:
            response = await provider.client.send(
                "POST",
                provider.url(ready.spoken, deployment.model),
                _headers(call, provider, ready),
                ready.body,
                provider.timeouts,
            )
            attempt.status = response.status
            attempt.first_byte_us = int((self._clock() - begun) * 1e6)
            _check_status(response)
            headers = [h for h in response.headers if h[0] not in KEPT_BACK and not h[0].startswith(OURS)]
            if call.ask.stream and response.status < 300 and _is_event_stream(response.headers):
                passage = Passage(self, call, provider, ready, response, attempt, begun)
                passage.answer = Answer(response.status, headers, stream=passage)
                return passage.answer
            whole = await _read_whole(response)
        except BaseException as error:
            attempt.duration_us = int((self._clock() - begun) * 1e6)
            attempt.outcome, attempt.error = _outcome(error)
            raise
        attempt.duration_us = int((self._clock() - begun) * 1e6)
        answer = _whole_answer(call, provider, ready, attempt, headers, whole)
        if ready.flag and answer.status >= 400 and self._undress is not None and self._undress(call, answer):
            return await self(call)
        return answer

    def prepare(self, call: Call) -> Prepared:
        """What would be sent for the call now, to its deployment. Raises CannotTranslate, BadRequest."""
        deployment = call.deployment
        assert deployment is not None, "somebody has chosen the deployment"
        return self._prepared(call, deployment, self._providers[deployment.provider])

    def deliver(self, call: Call, status: int, whole: bytes, delivery: Delivery) -> Answer:
        """The client's answer of what its provider said some other way than to this relay; the attempt is noted, and its
        meter read, as for any other. `call` is as it was when its request was prepared."""
        deployment = call.deployment
        assert deployment is not None, "the deployment that was sent to"
        provider = self._providers[deployment.provider]
        spoken, translation = _spoken(call.wire, provider)
        body = call.body
        if translation is not None:  # what the request asks for decides what is shown of the answer
            body = translation.request(body, call.ask, deployment.model)
        attempts = call.trail.attempts
        attempt = _begin(attempts, deployment, delivery.started_us, "")
        attempt.flags = list(delivery.flags)
        attempt.status, attempt.duration_us = status, delivery.duration_us
        first = len(attempts)
        answer = _whole_answer(
            call, provider, Prepared(spoken, FORMATS[spoken], translation, body, ""), attempt, [JSON], whole
        )
        if delivery.tier:
            for each in (attempt, *attempts[first:]):
                each.tier = delivery.tier
        return answer

    def prices_of(self, provider: str) -> str:
        """The provider's name in the rate cards."""
        return self._providers[provider].prices

    def _prepared(self, call: Call, deployment: Deployment, provider: Provider) -> Prepared:
        spoken, translation = _spoken(call.wire, provider, self._translations)
        format = FORMATS[spoken]
        body = (
            format.splice(call.body, call.ask, deployment.model)
            if translation is None
            else translation.request(call.body, call.ask, deployment.model)
        )
        flag, headers = "", tuple[Header, ...]()
        if call.marks is not None and self._dress is not None:
            body, flag, headers = self._dress(call, spoken, body)
        if call.sent_tier and spoken in TIERED and provider.host in _TIERED_HOSTS:
            body = with_service_tier(body, call.sent_tier)
        return Prepared(spoken, format, translation, body, flag, headers)

    def microseconds_since(self, begun: float) -> int:
        return int((self._clock() - begun) * 1e6)


class Passage:
    """A stream on its way through: provider's bytes in, client's bytes out, the meter read between."""

    __slots__ = (
        "_ask",
        "_attempt",
        "_attempts",
        "_begun",
        "_decoder",
        "_draining",
        "_has_all",
        "_over",
        "_provider",
        "_reader",
        "_relay",
        "_response",
        "_sent",
        "_translator",
        "answer",
    )  # fmt: skip

    def __init__(
        self, relay: Relay, call: Call, provider: Provider, ready: Prepared, response: Response, attempt: Attempt,
        begun: float,
    ) -> None:  # fmt: skip
        self.answer: Answer
        self._relay = relay
        self._ask = call.ask
        self._provider = provider
        self._response = response
        self._attempt = attempt
        self._attempts = call.trail.attempts
        self._begun = begun
        self._sent = ready.body
        self._over = False
        self._draining = False
        self._has_all = False
        """The client had got the whole answer when it left."""
        self._reader: StreamReader = ready.format.stream(call.ask, provider.dialect)
        translation = ready.translation
        self._translator: StreamTranslator | None = translation.stream(call.ask) if translation else None
        self._decoder = _decoder(response.headers)

    async def next(self) -> bytes:
        """The next bytes for the client, b"" at the end. Raises UpstreamError if the provider breaks off."""
        while not self._over:
            try:
                data = await self._next_plain()
                out = self._passed(data) if data else self._rest()
            except BaseException as error:
                self._settle(*_outcome(error))
                raise
            if not data:
                self._end()
            if out:
                return out
        return b""

    def _end(self) -> None:
        """The provider has closed the stream. One that failed has told the client so itself, in the stream."""
        if self._reader.complete:
            self._settle("ok")
        elif self._reader.reading().finish == "error":
            self._settle("broken", FAILED)
        else:
            self._settle("broken", CUT)
            raise UpstreamError(CUT)

    def leave(self) -> None:
        """The client left. Where the provider bills to the end anyway, or is all but there, `next` reads on for the
        meter's sake; else the provider is told to stop, and what it did so far is estimated."""
        if self._over or self._draining:
            return
        self._has_all = self._reader.complete
        if self._relay.drains < DRAINS and (self._provider.drain or self._reader.complete or self._reader.ending):
            self._draining = True
            self._relay.drains += 1
        else:
            self._response.abort()
            self._settle("left")

    def stop(self) -> None:
        """Nobody wants this stream any more: the provider is told to stop, however it bills, and what it did so far is
        estimated."""
        if not self._over:
            self._response.abort()
            self._settle("left")

    async def _next_plain(self) -> bytes:
        """The next bytes of the stream, unpacked if need be."""
        if self._decoder is None:
            return await self._response.next()
        while True:
            if data := self._decoder.unconsumed_tail:
                await asyncio.sleep(0)  # let the client's side keep up
            elif not (data := await self._response.next()):
                return b""
            try:
                plain = self._decoder.decompress(data, PIECE)
            except zlib.error:
                raise UpstreamError("The provider's compressed stream cannot be read.") from None
            if plain:
                return plain

    def _passed(self, data: bytes) -> bytes:
        out = self._reader.feed(data)
        return out if self._translator is None else self._translator.feed(data)

    def _rest(self) -> bytes:
        out = self._reader.finish()
        return out if self._translator is None else self._translator.finish()

    def _settle(self, outcome: str, error: str = "") -> None:
        if self._over:
            return
        self._over = True
        self._response.abort()
        if self._draining:
            self._relay.drains -= 1
            outcome, error = "ok" if self._has_all else "left", ""
        attempt = self._attempt
        attempt.duration_us = self._relay.microseconds_since(self._begun)
        reading = self._reader.reading()
        if reading.finish == "error":  # whoever hung up then, it was not the client that ended the answer
            outcome, error = "broken", error or FAILED
        attempt.outcome, attempt.error = outcome, error
        if reading.usage is None or (outcome != "ok" and not self._reader.complete and not self._reader.ending):
            reading = self._reader.estimate(self._sent)
        take_reading(attempt, self._attempts, reading)
        self.answer.end(Ending("broken" if outcome == "timeout" else outcome, error))


def _begin(attempts: list[Attempt], deployment: Deployment, started_us: int, flag: str) -> Attempt:
    """The attempt that begins now, the last of the list."""
    attempt = Attempt(
        no=attempts[-1].no + 1 if attempts else 1, provider=deployment.provider, model=deployment.model,
        deployment=deployment.name, started_us=started_us,
    )  # fmt: skip
    if flag:
        attempt.flags = [flag]
    attempts.append(attempt)
    return attempt


def _whole_answer(
    call: Call, provider: Provider, ready: Prepared, attempt: Attempt, headers: Headers, whole: bytes
) -> Answer:  # fmt: skip
    """What the client gets of a provider's whole answer, its meter read into the attempt."""
    ask, format, translation, status = call.ask, ready.format, ready.translation, attempt.status
    if status >= 300:
        attempt.outcome, attempt.error = "error", f"HTTP {status}"
        headers, whole = provider.without_secrets(headers, whole)
        return Answer(status, headers, translation.error(status, whole) if translation else whole)
    attempts = call.trail.attempts
    take_reading(attempt, attempts, format.read(whole, ask, provider.dialect))
    if attempt.usage is None and format.billed:
        take_reading(attempt, attempts, format.estimate(ready.body, whole, ask))
    return Answer(status, headers, translation.answer(whole, ask) if translation else whole)


def take_reading(attempt: Attempt, attempts: list[Attempt], reading: Reading) -> None:
    """Put what the meter read into the attempt; parts that the provider bills by themselves become rows of their own."""
    attempt.usage = reading.usage
    attempt.estimated = reading.estimated
    attempt.raw_usage = reading.raw
    attempt.tier = reading.tier
    attempt.geo = reading.geo
    attempt.reported_cost = reading.reported_nano
    attempt.served_model = reading.model
    if reading.flags:
        attempt.flags = [*attempt.flags, *reading.flags]
    if not reading.adds_up:
        attempt.flags = [*attempt.flags, "usage_mismatch"]
    for part_no, part in enumerate(reading.parts, start=1):
        row = Attempt(
            no=attempt.no, part=part_no, provider=attempt.provider, model=attempt.model, status=attempt.status,
            outcome=attempt.outcome, started_us=attempt.started_us,
        )  # fmt: skip
        attempts.append(row)
        take_reading(row, attempts, part)


def spoken_with(wire: str, provider: Provider) -> str:
    """The format that is spoken with the provider for calls of that wire; empty where there is none."""
    try:
        return _spoken(wire, provider)[0]
    except CannotTranslate:
        return ""


def _spoken(
    wire: str, provider: Provider, translations: Mapping[tuple[str, str], Translation] = TRANSLATIONS
) -> tuple[str, Translation | None]:
    """The format to speak with the provider, and the translation if it is not the client's."""
    if wire in provider.formats:
        return wire, None
    for spoken in provider.formats:
        translation = translations.get((wire, spoken))
        if translation is not None:
            return spoken, translation
    raise CannotTranslate(
        f"The provider '{provider.name}' does not serve {FORMATS[wire].path}, and this format cannot be translated into "
        f"one that it serves ({', '.join(FORMATS[spoken].path for spoken in provider.formats)}).",
        param="model",
    )


def _headers(call: Call, provider: Provider, ready: Prepared) -> Sequence[Header]:
    format = ready.format
    headers: Sequence[Header] = provider.headers(format.name)
    if ready.headers:
        headers = (*headers, *ready.headers)
    passed = FORWARDED[format.family] if FORMATS[call.wire].family == format.family else frozenset()
    if passed.isdisjoint(call.headers) and provider.forward.isdisjoint(call.headers):
        return headers
    forwarded = [(name, value) for name, value in call.headers.items() if name in passed or name in provider.forward]
    names = {name for name, _ in forwarded}
    return [header for header in headers if header[0] not in names] + forwarded


def _outcome(error: BaseException) -> tuple[str, str]:
    if isinstance(error, UpstreamUnreachable):
        return "unreachable", error.message
    if isinstance(error, UpstreamTimeout):
        return "timeout", error.message
    if isinstance(error, UpstreamError):
        return "broken", error.message
    if isinstance(error, asyncio.CancelledError):
        return "left", ""
    return "broken", type(error).__name__


def _is_event_stream(headers: Headers) -> bool:
    return any(name == b"content-type" and value.lower().startswith(b"text/event-stream") for name, value in headers)


def _check_status(response: Response) -> None:
    """Raise UpstreamError for what is neither an answer nor an error. A redirect is not followed, since upstream URLs come
    from the settings alone, and not passed on, since it would lead the client past the gateway."""
    if not 200 <= response.status < 300 and not 400 <= response.status < 600:
        response.abort()
        raise UpstreamError(
            f"The provider answered with status {response.status}, which is no answer. If it redirects, give its new "
            "address as base_url in farthing.toml."
        )


def _decoder(headers: Headers) -> "zlib._Decompress | None":
    """For providers that compress although identity was asked for. Raises UpstreamError for what cannot be unpacked."""
    for name, value in headers:
        if name == b"content-encoding" and value.lower() != b"identity":
            if value.lower() not in (b"gzip", b"x-gzip", b"deflate"):
                raise UpstreamError("The provider's answer is compressed, which was not asked for, and cannot be read.")
            return zlib.decompressobj(47)  # 32 + 15: gzip or zlib, by its head
    return None


async def _read_whole(response: Response) -> bytes:
    decoder = _decoder(response.headers)
    body = await response.read(ANSWER_LIMIT)
    if decoder is None:
        return body
    try:
        plain = decoder.decompress(body, ANSWER_LIMIT)
    except zlib.error:
        raise UpstreamError("The provider's compressed answer cannot be read.") from None
    if decoder.unconsumed_tail:
        raise UpstreamError(f"The provider's answer is longer than {ANSWER_LIMIT} bytes.")
    if body and not decoder.eof:
        raise UpstreamError("The provider's compressed answer breaks off.")
    return plain
