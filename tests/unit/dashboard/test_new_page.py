"""The page that CONTRIBUTING.md shows is one: it is let in, read and downloaded like the others, and its template can be filled."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from farthing.dashboard.page import Page
from farthing.dashboard.rendering import Rendering
from farthing.model.record import Record
from farthing.store import Store
from unit.dashboard.visitors import Sketches, a_place

TEXT = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture
def page() -> Page:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    made: dict[str, Any] = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), made)
    found = made["PAGE"]
    assert isinstance(found, Page)
    return found


async def test_it_is_read_and_downloaded(page: Page, tmp_path: Path) -> None:
    async def filled(store: Store) -> None:
        now_us = time.time_ns() // 1000
        await store.write(
            [Record(id="1", started_us=now_us, wire="openai.chat", model="gpt-5.4", cost=7, cost_state="computed")]
        )

    async with a_place(tmp_path, shown=[page], before=filled) as place:
        text = await place.visitor().open("/models/csv/models?period=today")
        assert text == "model,calls,cost\r\ngpt-5.4,1,0.000000007\r\n"


def test_its_template_is_one() -> None:
    (text,) = re.findall(r"```jinja\n(.*?)```", TEXT, re.DOTALL)
    assert Rendering(Sketches())._environment.from_string(text).blocks.keys() == {"content"}
