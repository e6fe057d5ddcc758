"""Calls as they are kept."""

from typing import Any

import pytest

from farthing.store.captures import Captured

NOW_US = 1_790_000_000_000_000
DAY_US = 86_400_000_000


def a_capture(number: int = 0, text: str = "", answer: str = "billing", **more: Any) -> Captured:
    given = {
        "template": "aa" * 8, "tenant": "default", "feature": "triage", "task": "intent", "model": "gpt-5", "instructions": "Which team?",
        "expires_us": NOW_US + 30 * DAY_US,
    }  # fmt: skip
    return Captured(f"call-{number}", text or f"question {number}", answer, NOW_US + number, **{**given, **more})


@pytest.fixture
def now_us() -> int:
    return NOW_US
