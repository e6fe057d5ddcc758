"""Scores of what is left out are those of a student that never saw it."""

import numpy as np
import pytest

from farthing.selfhost.students.fitting import fit, guesses, without


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


def test_guesses_around_an_example_are_of_students_that_saw_neither() -> None:
    """Had they learned from it, its own error would be seen in them, and its confidence would know what it is to foretell."""
    full, said = kernel(120, 2)
    near = np.array([[(at + step) % 120 for step in (1, 7, 40)] for at in range(120)])
    found = guesses(fit(full, said, 4), near)
    for at in (0, 33, 119):
        for place, other in enumerate(near[at]):
            rest = np.setdiff1d(np.arange(120), [at, other])
            apart = fit(full[np.ix_(rest, rest)], said[rest], 4)
            assert found[at, place] == (full[other, rest] @ apart.weights).argmax()
