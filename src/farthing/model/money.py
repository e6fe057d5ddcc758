"""Money is an integer of nano-dollars (1e-9 USD); a rate is an integer of pico-dollars (1e-12 USD) a unit.

A row's line items are summed exactly in pico-dollars and rounded once, half to even, to nano-dollars. No float is met on
the way from usage to ledger; Decimal appears only where people type or read amounts.
"""

from decimal import Decimal

Nano = int
Pico = int

NANO_PER_DOLLAR = 1_000_000_000
PICO_PER_NANO = 1_000


def nano_from_pico(pico: Pico) -> Nano:
    """Round pico-dollars to nano-dollars, half to even; the only rounding on the way to the ledger."""
    nano, rest = divmod(pico, PICO_PER_NANO)
    if rest > 500 or (rest == 500 and nano & 1):
        return nano + 1
    return nano


def nano_from_dollars(amount: str) -> Nano:
    """The amount that somebody typed, down to the nano-dollar; empty means none."""
    return int(Decimal(amount or "0").scaleb(9))


def dollars(nano: Nano) -> Decimal:
    """The exact amount in dollars."""
    return Decimal(nano).scaleb(-9)


def exact_dollars(nano: Nano) -> str:
    """The exact amount in dollars as text, always with nine digits: for headers and files."""
    if not nano:
        return "0.000000000"
    whole, rest = divmod(abs(nano), NANO_PER_DOLLAR)
    return f"{'-' if nano < 0 else ''}{whole}.{rest:09d}"


def show_dollars(nano: Nano | None) -> str:
    """For people: cents from a dollar up, hundredths of a cent below, two significant digits of what is smaller still;
    `?` if the amount is not known. `exact_dollars` rounds nothing."""
    if nano is None:
        return "?"
    amount = abs(Decimal(nano).scaleb(-9))
    digits = 2 if amount >= 1 or not nano else 4 if amount >= Decimal("0.001") else 1 - amount.adjusted()
    return f"{'-' if nano < 0 else ''}${amount:,.{digits}f}"
