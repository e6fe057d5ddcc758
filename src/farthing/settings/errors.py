"""What is wrong with the settings: each mistake with its line, its key and the cure."""

from collections.abc import Iterator

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One mistake, and what to do about it. `line` is 0 where it has none."""

    line: int
    key: str
    problem: str
    cure: str = ""


class SettingsError(Exception):
    """The settings cannot be used; each of `problems` names line, key and cure. `file` is empty for the environment."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        for at in self.problems:
            place = f"{self.file}:{at.line}: " if at.line else f"{self.file}: " if self.file else ""
            key = f"{at.key}: " if at.key else ""
            yield f"{place}{key}{at.problem}" + (f"\n    {at.cure}" if at.cure else "")
