"""The price book that the settings ask for: the shipped cards, the user's files and contracts."""

from pathlib import Path

from farthing.prices.book import PriceBook
from farthing.prices.rates import Contract
from farthing.settings import PricesSettings, Problem, SettingsError


def configured_book(settings: PricesSettings) -> PriceBook:
    """Raises SettingsError where a file or a contract cannot be used."""
    contracts = [
        Contract(
            provider=each.provider, models=tuple(each.models), percent_off=each.percent_off, rates=dict(each.rates),
            tier=each.tier,
            valid_from=each.valid_from, valid_to=each.valid_to,
        )
        for each in settings.contracts
    ]  # fmt: skip
    try:
        return PriceBook.load(contracts=contracts, files=[Path(name) for name in settings.files])
    except (ValueError, OSError) as error:
        raise SettingsError(
            "", [Problem(0, "prices", str(error), "See `files` and `contracts` below [prices].")]
        ) from None
