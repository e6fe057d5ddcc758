"""What a benchmark says: a table of its figures, then one line of JSON. Knows nothing of what was measured."""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

DECIDES = 3
"""Repeats that a figure from a noisy source needs before its bar is judged."""


def options(description: str) -> argparse.Namespace:
    """The options that every benchmark takes: `quick` (bool) and `data` (Path or None)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="end within a minute; what that cannot decide fails")
    parser.add_argument("--data", type=Path, help="a folder of data sets; this benchmark needs none, so no effect")
    return parser.parse_args()


@dataclass(frozen=True)
class Figure:
    """One measured quantity: its repeats, and the most, or the least, that their median may be (None: it is only shown).
    It is decided by at least `needs` repeats; `noisy` says that these were disturbed and are shown only for want of better
    ones."""

    name: str
    unit: str
    repeats: Sequence[float]
    most: float | None = None
    needs: int = DECIDES
    noisy: bool = False
    least: float | None = None

    @property
    def value(self) -> float | None:
        return statistics.median(self.repeats) if self.repeats else None

    @property
    def verdict(self) -> str:
        """`holds`, `FAILS`, `undecided`, or nothing where there is no bar."""
        if self.most is None and self.least is None:
            return ""
        if self.value is None or self.noisy or len(self.repeats) < self.needs:
            return "undecided"
        high = self.most is not None and self.value > self.most
        low = self.least is not None and self.value < self.least
        return "FAILS" if high or low else "holds"

    @property
    def bar(self) -> dict[str, float]:
        """The bar's ends."""
        return {name: end for name, end in (("least", self.least), ("most", self.most)) if end is not None}


@dataclass
class Report:
    """The figures of one benchmark, in the order in which they are shown."""

    name: str
    figures: list[Figure] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """What spoils the measurement, whatever the figures say."""

    def add(self, *figures: Figure) -> None:
        self.figures += figures

    @property
    def ok(self) -> bool:
        return not self.troubles and all(figure.verdict in ("", "holds") for figure in self.figures)

    def close(self) -> int:
        """Print everything. The exit status: 0 only if all bars hold."""
        width = max((len(figure.name) for figure in self.figures), default=6)
        print(f"\n{'figure':<{width}}  {'median':>9} {'least':>9} {'most':>9} {'n':>2}  {'unit':<7} {'bar':>7}")
        for figure in self.figures:
            print(_row(figure, width))
        for trouble in self.troubles:
            print(f"! {trouble}")
        print(json.dumps(self._summary()))
        return 0 if self.ok else 1

    def _summary(self) -> dict[str, object]:
        return {
            "name": self.name,
            "figures": {
                figure.name: None if figure.value is None else round(figure.value, 3) for figure in self.figures
            },
            "bars": {
                figure.name: {**figure.bar, "ok": figure.verdict == "holds", "verdict": figure.verdict.lower()}
                for figure in self.figures
                if figure.bar
            },
            "ok": self.ok,
        }


def _row(figure: Figure, width: int) -> str:
    numbers = [figure.value, min(figure.repeats), max(figure.repeats)] if figure.repeats else [None] * 3
    shown = " ".join(f"{_number(number):>9}" for number in numbers)
    bar = " to ".join(f"{end:g}" for end in figure.bar.values())
    if figure.most is None and figure.bar:
        bar = f">= {bar}"
    said = "  ".join(filter(None, (figure.verdict, "(noisy)" if figure.noisy else "")))
    return f"{figure.name:<{width}}  {shown} {len(figure.repeats):>2}  {figure.unit:<7} {bar:>7}  {said}".rstrip()


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 10 else f"{value:.2f}"
