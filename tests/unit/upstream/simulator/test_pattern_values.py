import random
import re

import pytest

from farthing.upstream.simulator.pattern_values import matching


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{4}-\d{2}$", r"^[A-Z]{3}-[0-9a-f]+$", r"^(foo|ba[rz])\.x?$", r"^\+?[1-9]\d{1,14}$", r"^[^a-z]{2}$",
        r"^[\w.-]+@[\w-]+\.[a-z]{2,}$", r"^(?:ab)+?c*$", r"^(?P<year>\d+)/(?<month>\d+)$".replace("(?<", "(?P<"), r"^[]a-c-]+$",
        r"^\s*\S\t$", "", r"^x|y$",
    ],
)  # fmt: skip
def test_texts_match(pattern: str) -> None:
    dice = random.Random(5)
    for _ in range(100):
        assert re.search(pattern, matching(pattern, dice))


@pytest.mark.parametrize("pattern", ["(", "[", "[a", "\\", "a{", "(?=a)b", "(?!a", "*", ")", "a{1000000000}", "[z-a]x"])
def test_nonsense_does_no_harm(pattern: str) -> None:
    assert len(matching(pattern, random.Random(5))) <= 10_000
