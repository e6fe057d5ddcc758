"""Dividing an amount among those who share it, without losing a nano-dollar. Knows nothing of calls."""

from collections.abc import Mapping

from farthing.model.money import Nano


def divided(amount: Nano, weights: Mapping[str, int]) -> dict[str, Nano]:
    """The amount by weight, in whole nano-dollars that add up to it: each share is rounded towards zero, and what is left
    goes, one nano-dollar each, to those whose rest was biggest (Hamilton's method), ties by name. Empty where no weight is
    above zero."""
    heavy = {name: weight for name, weight in weights.items() if weight > 0}
    whole = sum(heavy.values())
    if not whole:
        return {}
    sign = -1 if amount < 0 else 1
    exact = {name: divmod(abs(amount) * weight, whole) for name, weight in heavy.items()}
    shares = {name: share for name, (share, _) in exact.items()}
    left = abs(amount) - sum(shares.values())
    for name in sorted(exact, key=lambda each: (-exact[each][1], each))[:left]:
        shares[name] += 1
    return {name: sign * share for name, share in shares.items()}
