"""The weights of a student, and what it would say of each of its own examples if it had not learned from it.

Kernel ridge regression on one column for each answer. It has what a student of a few thousand calls needs: one solution,
no rate to tune, and the scores of all examples left out one by one, or a group at a time, in closed form from one inverse:

    left out i:          y_i - a_i / G_ii            G = (K + lambda I)^-1,  a = G Y
    left out a group S:  Y_S - (G_SS)^-1 a_S

(R. Rifkin and R. Lippert, Notes on regularized least squares, MIT-CSAIL-TR-2007-025.) So the confidences that thresholds
come from are those of a student of n - 1 calls, not of four fifths of n as with folds, which matters where calls are few.
On 2,800 banking calls, left alone to answer all, it agrees with the teacher in 89 %, with a linear kernel in 83 % (two
draws; logistic regression was not tried at that size). A second of one core; no library beyond numpy. Knows nothing of texts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

RIDGE = 0.3
"""Lambda. Labels of a teacher are noisy, so more than for clean ones."""
WHOLE = 128
"""Rows of a matrix that is inverted as it is."""


class Fit(NamedTuple):
    weights: Floats
    """One row an example, one column an answer."""
    left_out: Floats
    """Scores of each example without itself."""
    lower: Floats
    """Of a Cholesky factor of K + lambda I, the inverse: G is its transpose times itself."""
    targets: Floats


def fit(kernel: Floats, said: Ints, answers: int) -> Fit:
    """`kernel`: of each example with each; `said`: the number of its answer."""
    size = len(kernel)
    targets = np.full((size, answers), -1 / answers, np.float32)
    targets[np.arange(size), said] = 1
    lower = _lower_inverse(np.linalg.cholesky(kernel + RIDGE * np.eye(size, dtype=np.float32)).astype(np.float32))
    weights = lower.T @ (lower @ targets)
    left_out = targets - weights / np.einsum("ij,ij->j", lower, lower)[:, None]
    return Fit(weights, left_out, lower, targets)


def without(fitted: Fit, group: Ints) -> Floats:
    """Scores of the examples of `group`, had none of them been learned from."""
    columns = fitted.lower[:, group]
    inner = columns.T @ columns
    found: Floats = fitted.targets[group] - np.linalg.solve(inner, fitted.weights[group])
    return found


def guesses(fitted: Fit, near: Ints) -> Ints:
    """Which answer each example of a row of `near` would get, had neither it nor the example of that row been learned from:
    the second formula of the module, for two."""
    inverse = fitted.lower.T @ fitted.lower
    own = np.diag(inverse)
    found = np.empty_like(near)
    for at, others in enumerate(near):
        shared = inverse[at, others]
        lost = (own[at] * fitted.weights[others] - shared[:, None] * fitted.weights[at]) / (
            own[at] * own[others] - shared**2
        )[:, None]
        found[at] = (fitted.targets[others] - lost).argmax(1)
    return found


def _lower_inverse(lower: Floats) -> Floats:
    """Of a lower triangular matrix, by halves, so that nearly all of it is products: a quarter of the time of G itself."""
    size = len(lower)
    if size <= WHOLE:
        whole: Floats = np.linalg.inv(lower)
        return whole
    half = size // 2
    first, last = _lower_inverse(lower[:half, :half]), _lower_inverse(lower[half:, half:])
    found = np.zeros_like(lower)
    found[:half, :half], found[half:, half:] = first, last
    found[half:, :half] = -last @ (lower[half:, :half] @ first)
    return found
