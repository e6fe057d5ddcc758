"""A line of a few days without axes, small enough to stand beside a figure. Written as it is: a drawing process would take a
hundred times longer for it."""

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, EDGE = 120, 28, 2


def line(points: Sequence[tuple[float, float]]) -> Markup:
    """Through (x, y), on a scale from the least to the most; empty where there are fewer than two."""
    if len(points) < 2:
        return Markup("")
    across, up = [x for x, _ in points], [y for _, y in points]
    placed = [
        (_scaled(x, across, WIDTH), HEIGHT - _scaled(y, up, HEIGHT)) for x, y in points
    ]  # fmt: skip
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    last_x, last_y = placed[-1]
    return Markup(
        f'<svg class="spark" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" aria-hidden="true">'
        f'<polyline points="{path}"/><circle cx="{last_x:.1f}" cy="{last_y:.1f}" r="2.2"/></svg>'
    )  # fmt: skip


def _scaled(value: float, values: Sequence[float], size: int) -> float:
    low, high = min(values), max(values)
    share = (value - low) / (high - low) if high > low else 0.5
    return EDGE + share * (size - 2 * EDGE)
