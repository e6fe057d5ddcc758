"""What files will cost: the sums of their groups at the book's own prices."""

from collections.abc import Iterator

import pytest

from farthing.batch.prompts.costing import Coster, Quote
from farthing.batch.prompts.requests import Prepared
from farthing.batch.prompts.tally import MOST_GROUPS, Group, tally
from farthing.catalog import Catalog, Costs, Expect
from farthing.model.usage import Usage
from farthing.prices import PriceBook
from farthing.settings import ProviderSettings, Settings
from farthing.upstream.providers import Provider, Providers
from farthing.wire import FORMATS
from unit.upstream.test_providers import NoClient

BOOK = PriceBook.load()
NOW_US = 1_764_000_000_000_000


def coster() -> Coster:
    known = Providers({name: Provider(name, ProviderSettings(), NoClient()) for name in ("openai", "anthropic")}, {})
    catalog = Catalog(BOOK, Settings(), known.deployments, {each.name: each.prices for each in known})
    expect = Expect()
    return Coster(catalog, Costs(BOOK, catalog, expect), expect, BOOK)


def quote(*groups: Group) -> Quote:
    return coster().quote(groups, "default", NOW_US)


def price(model: str, usage: Usage, tier: str = "", provider: str = "openai") -> int:
    return BOOK.price(provider, model, usage, tier=tier, at_us=NOW_US).nano


def requests(count: int, text: str = "hi", **more: object) -> Iterator[Prepared]:
    for number in range(count):
        body = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"%s"}]}' % (text * (number + 1)).encode()
        yield Prepared(number, f"{number}", body, FORMATS["openai.chat"].ask(body), body)


def test_likely_costs_are_the_book_s() -> None:
    found = quote(Group("gpt-4o-mini", 10, 1000, 1600))
    each = Usage(uncached_in=100, out=300)
    assert found.requests == 10 and (found.in_tokens, found.out_tokens) == (1000, 3000)
    assert found.at_once == 10 * price("gpt-4o-mini", each)
    assert found.batch == 10 * price("gpt-4o-mini", each, "batch") == found.at_once / 2
    assert found.most == 10 * price("gpt-4o-mini", Usage(uncached_in=160, out=16_384))


def test_a_bound_holds_for_all_that_is_likely_and_possible() -> None:
    found = quote(Group("gpt-4o-mini", 2, 200, 200, max_output=20))
    assert found.out_tokens == 40 and found.most == found.at_once == 2 * price(
        "gpt-4o-mini", Usage(uncached_in=100, out=20)
    )
    several = quote(Group("gpt-4o-mini", 1, 100, 100, max_output=20, choices=3))
    assert several.out_tokens == 60


def test_vectors_have_no_output() -> None:
    found = quote(Group("text-embedding-3-small", 4, 4000, 4000, vectors=True))
    assert found.out_tokens == 0 and found.at_once == price("text-embedding-3-small", Usage(uncached_in=4000)) > 0
    assert found.batch is not None and found.batch <= found.at_once


def test_what_nobody_knows_is_not_nothing() -> None:
    found = quote(Group("gpt-4o-mini", 1, 10, 10), Group("nobody/knows", 1, 10, 10))
    assert (found.batch, found.at_once, found.most) == (None, None, None) and found.unpriced == ["nobody/knows"]
    assert found.models == ["gpt-4o-mini", "nobody/knows"]


def test_groups_stay_few_and_lose_nothing() -> None:
    some = tally(requests(200), "openai.chat")
    assert sum(group.requests for group in some) == 200 and 1 < len(some) < 12

    def different() -> Iterator[Prepared]:
        for number, each in enumerate(requests(3 * MOST_GROUPS, "x")):
            each.ask.max_output = number % (2 * MOST_GROUPS)
            yield each

    many = tally(different(), "openai.chat")
    assert sum(group.requests for group in many) == 3 * MOST_GROUPS and len(many) < 4 * MOST_GROUPS


def test_the_mean_of_a_group_costs_what_its_requests_do() -> None:
    texts = list(requests(64))
    groups = tally(texts, "openai.chat")
    one_by_one = [tally([each], "openai.chat")[0] for each in texts]
    together, apart = quote(*groups), quote(*one_by_one)
    assert together.at_once is not None and together.at_once == pytest.approx(apart.at_once, rel=0.01)
