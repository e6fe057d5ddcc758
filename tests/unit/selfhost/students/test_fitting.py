"""Scores of what is left out are those of a student that never saw it."""

import numpy as np
import pytest

from farthing.selfhost.students.fitting import fit, without


def kernel(size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    points = dice.normal(size=(size, 6))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return np.exp(1.5 * (points @ points.T - 1)).astype(np.float32), dice.integers(0, 4, size)


@pytest.mark.parametrize("group", [[5], [1, 2, 3, 9]])
def test_left_out_is_as_never_seen(group: list[int]) -> None:
    full, said = kernel(300, 1)
    fitted = fit(full, said, 4)
    rest = np.setdiff1d(np.arange(300), group)
    apart = fit(full[np.ix_(rest, rest)], said[rest], 4)
    expected = full[np.ix_(group, rest)] @ apart.weights
    np.testing.assert_allclose(without(fitted, np.array(group)), expected, atol=1e-4)
    if len(group) == 1:
        np.testing.assert_allclose(fitted.left_out[group], expected, atol=1e-4)
