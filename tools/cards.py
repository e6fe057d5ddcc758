"""Writes the shipped rate cards again from the installed genai-prices; `farthing prices diff` then shows what changed."""

from datetime import UTC, datetime

import click

from farthing.prices.book import CARDS
from farthing.prices.compile_cards import write_cards

if __name__ == "__main__":
    for path, models in write_cards(CARDS, datetime.now(UTC).date()):
        click.echo(f"{path.name}: {models} models")
