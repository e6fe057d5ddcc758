"""Amounts for machines: exact either way, as an integer and as text."""

from farthing.model.money import Nano, exact_dollars


def amounts(nano: Nano) -> dict[str, int | str]:
    """Nano-dollars, and the same as exact dollars."""
    return {"nano_dollars": nano, "dollars": exact_dollars(nano)}
