"""Rate cards and pricing: dated lists compiled to integers, and what an attempt costs. No network, no store."""

from farthing.prices.book import PriceBook, Priced, Pricing, shipped_files
from farthing.prices.rates import Card, Contract

__all__ = ["Card", "Contract", "PriceBook", "Priced", "Pricing", "shipped_files"]
