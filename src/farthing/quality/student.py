"""Quantiles of Student's t, without a library for statistics: intervals from few independent units need them."""

import math
from statistics import NormalDist


def two_sided(error: float, freedom: float) -> float:
    """Where |t| stays below with the probability 1 - `error`; `freedom` is at least 1 and need not be whole.

    Source: G. W. Hill, Algorithm 396: Student's t-quantiles, Communications of the ACM 13 (1970); good to 5 digits.
    """
    if freedom == 1:
        return 1 / math.tan(error * math.pi / 2)
    if freedom == 2:
        return math.sqrt(2 / (error * (2 - error)) - 2)
    a = 1 / (freedom - 0.5)
    b = 48 / a**2
    c = ((20_700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * freedom
    y = (d * error) ** (2 / freedom)
    if y > 0.05 + a:
        return math.sqrt(freedom * _near_normal(error, freedom, a, b, c, d))
    tail = (freedom + 6) / (freedom * y) - 0.089 * d - 0.822
    y = ((1 / (tail * (freedom + 2) * 3) + 0.5 / (freedom + 4)) * y - 1) * (freedom + 1) / (freedom + 2) + 1 / y
    return math.sqrt(freedom * y)


def _near_normal(error: float, freedom: float, a: float, b: float, c: float, d: float) -> float:
    x = NormalDist().inv_cdf(error / 2)
    y = x**2
    if freedom < 5:
        c += 0.3 * (freedom - 4.5) * (x + 0.6)
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    return math.expm1(a * y**2)
