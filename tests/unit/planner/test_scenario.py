"""Prices, growth and the values of a sweep, as they are typed."""

import msgspec
import pytest

from farthing.model.errors import BadRequest
from farthing.model.plan import Scenario as Outlook
from farthing.model.usage import Usage
from farthing.planner.documents import Asked, check
from farthing.planner.scenario import Scenario, grown, values_of
from farthing.prices.configured import configured_book
from farthing.settings import Settings
from unit.finops.plans.made import document
from unit.planner.pasts import chat


def test_a_price_holds_for_its_model_alone() -> None:
    settings = Scenario(prices={"gpt-4o": "1/2"}).of(Settings(), [chat(1)])
    book = configured_book(settings.prices)
    usage = Usage(uncached_in=1_000_000, out=1_000_000)
    at = chat(1).at_us
    assert book.price("openai", "gpt-4o", usage, at_us=at).nano == 3_000_000_000
    assert book.price("openai", "gpt-4o-mini", usage, at_us=at).nano == 750_000_000
    for wrong in ("1", "a/b", "-1/2", "nan/1", "1/inf", ""):
        with pytest.raises(BadRequest, match="IN/OUT"):
            Scenario(prices={"gpt-4o": wrong}).of(Settings())


def test_it_is_said_in_words() -> None:
    scenario = Scenario({"cache.ttl": "1h"}, {"gpt-4o": "1/2"}, 2.5)
    assert scenario.words() == [
        "cache.ttl = 1h", "gpt-4o at $1 in, $2 out a million tokens", "2.5 times the calls",
    ]  # fmt: skip
    assert scenario.of(Settings()).cache.ttl_s == 3600


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.90..0.99", ["0.9", "0.915", "0.93", "0.945", "0.96", "0.975", "0.99"]),
        ("0.8..0.99", ["0.8", "0.832", "0.863", "0.895", "0.927", "0.958", "0.99"]),
        ("1..4:4", ["1", "2", "3", "4"]),
        ("1..2:3", ["1", "1.5", "2"]),
        ("1h..4h:3", ["3600", "7200", "14400"]),
        ("exact, semantic", ["exact", "semantic"]),
    ],
)
def test_values_of_a_sweep(text: str, values: list[str]) -> None:
    assert values_of(text) == values


@pytest.mark.parametrize(
    "text", ["", "1", "a..b", "1..", "1..2:1", "1..2:51", "1..2:x", "0s..1h", "1h..b", "nan..1", "1..1"]
)
def test_what_is_no_sweep_is_said(text: str) -> None:
    with pytest.raises(BadRequest):
        values_of(text)


def test_growth_widens_intervals_less_than_it_raises_savings() -> None:
    before, after = document().plan, grown(document().plan, 4)
    assert after.a_month == 4 * before.a_month and after.together.likely == 4 * before.together.likely
    wider = (after.together.high - after.together.likely) / (before.together.high - before.together.likely)
    assert 2 < wider < 4, "a month's own draw grows with the root, what is not known of a call with the calls"
    assert grown(before, 1) is before
    before.levers = [
        msgspec.structs.replace(before.levers[0], scenarios=[Outlook("all goes well", 10, "answers stay")])
    ]
    assert grown(before, 4).levers[0].scenarios[0].a_month == 40
    with pytest.raises(BadRequest, match="growth is a number"):
        check(Asked(scenario=Scenario(growth=float("nan"))))
