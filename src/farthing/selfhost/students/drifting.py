"""When a student's inputs are new to it: it abstains far more than in its training. Plain figures, so that whoever shows
them says the same as who decides. Knows nothing of stores and weights."""

DRIFT_NEEDS = 200
"""Judged calls before anything is held against training."""
ABSTAINS_MORE = 0.5
"""A student that answers less than this share of what its training promised has new inputs before it."""


def abstains_far_more(judged: int, sure: int, coverage: float) -> bool:
    """`coverage` is the share that it answered in training; False while too few calls were judged to tell."""
    return judged >= DRIFT_NEEDS and sure < ABSTAINS_MORE * coverage * judged
