"""How long providers' batches take: half are back within 7 minutes, nine in ten within the hour (OpenRouter's 230,000 batches
over 70 models); as a log-normal law. Knows no prices."""

from math import erf, log, sqrt

TURNROUND_S = 420.0
SPREAD = log(3_600 / TURNROUND_S) / 1.2816


def back_in_time(patience_s: float) -> float:
    """Share of batches that are back within so many seconds."""
    return 0.5 + 0.5 * erf(log(patience_s / TURNROUND_S) / SPREAD / sqrt(2)) if patience_s > 0 else 0.0
