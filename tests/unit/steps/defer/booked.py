"""Answers of lines at shipped prices, and the calls whose savings are booked from them."""

from datetime import UTC, datetime

from farthing.model.call import Ask, Call, Deployment
from farthing.model.record import Attempt
from farthing.model.usage import Usage
from farthing.prices import PriceBook, shipped_files
from farthing.steps.admit import price
from farthing.steps.defer.booking import ASKED, ORIGIN

BOOK = PriceBook(shipped_files())
AT_US = int(datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()) * 1_000_000
PLACES = {
    "openai": Deployment("openai/m", "openai", "", "openai"),
    "anthropic": Deployment("anthropic/m", "anthropic", "", "anthropic"),
    "google": Deployment("gemini/m", "gemini", "", "google"),
    "deepseek": Deployment("deepseek/m", "deepseek", "", "deepseek"),
}


def attempt(prices: str, model: str, usage: Usage | None, tier: str, **more: object) -> tuple[Attempt, Deployment]:
    place = PLACES[prices]
    served = Deployment(place.name, place.provider, model, prices)
    made = Attempt(
        no=1, provider=place.provider, deployment=place.name, model=model, status=200, started_us=AT_US, usage=usage,
        tier=tier, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    price(made, BOOK, served)
    return made, served


def line(served: Deployment, origin: str, asked: str, walk: str, sent_tier: str, attempts: list[Attempt]) -> Call:
    call = Call(
        id="call-1",
        wire="openai.chat",
        headers={},
        peer="",
        body=b"",
        ask=Ask("m", tier=asked),
        started_us=AT_US,
        started=0.0,
    )
    call.walk, call.sent_tier, call.deployment = walk, sent_tier, served  # type: ignore[assignment]
    call.kept = {ORIGIN: origin, ASKED: asked}
    call.trail.attempts = attempts
    return call
