"""Catalogs of small settings, on the shipped price lists."""

from farthing.catalog import Catalog, Costs, Expect
from farthing.cli.places import catalog_of
from farthing.prices import PriceBook
from farthing.prices.configured import configured_book
from farthing.settings import parse

AT_US = 1_795_600_000_000_000
"""2026-11-25."""

BOOK = PriceBook.load()

OPENAI = '[providers.openai]\napi_key = "k"\n'
ANTHROPIC = '[providers.anthropic]\napi_key = "k"\n'
GOOGLE = '[providers.gemini]\napi_key = "k"\n'
OWN = '[providers.own]\nkind = "vllm"\nbase_url = "http://127.0.0.1:8000/v1"\n'


def catalog(text: str) -> Catalog:
    settings = parse(text, {})
    return catalog_of(settings, configured_book(settings.prices) if "[prices" in text else BOOK)


def costs(text: str = OPENAI + ANTHROPIC + GOOGLE) -> tuple[Costs, Expect]:
    found = catalog(text)
    expect = Expect(lambda model: found.facts(model).verbosity, found.name_there)
    return Costs(BOOK, found, expect), expect
