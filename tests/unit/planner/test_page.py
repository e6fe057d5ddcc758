"""The page: what it says, and that a log cannot write into it."""

from html.parser import HTMLParser

from farthing.finops.plans.document import Document
from farthing.model.plan import Amount, Example, LeverPlan, Plan
from farthing.planner.page import page

ODD = '"><script>alert(1)</script>'
PLAN = Plan(
    since_us=1_790_000_000_000_000, until_us=1_792_000_000_000_000, calls=10, replayed=9, left_out={ODD: 1}, recorded=5, base=5,
    a_month=9_000_000_000, together=Amount(4_000_000_000, -1_000_000_000, 9_000_000_000), notes=[ODD],
    levers=[
        LeverPlan(
            "semantic cache", "guarded", f'[features."{ODD}"]', "Careful.", "one setting", Amount(4_000_000_000, -1_000_000_000, 9_000_000_000),
            Amount(0, 0, 0), 0, 3, 1, [Example(ODD, ODD, 5, 0)], [Example("x", "y", 1, 2)],
        )
    ],
)  # fmt: skip


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "rect", "line", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "rect", "line", "br"):
            assert self.open.pop() == tag


def test_it_is_whole_and_nothing_in_it_is_a_logs_own() -> None:
    tags = Tags()
    tags.feed(page(Document(PLAN)))
    assert tags.open == [] and "script" not in tags.seen
    assert "&lt;script&gt;" in page(Document(PLAN))


def test_it_says_what_the_plan_says() -> None:
    text = page(Document(PLAN))
    assert (
        "2026-09-21 to 2026-10-14" in text
        and "$4.00" in text
        and "-$1.00" in text
        and "1 calls were not asked again" in text
    )


def test_a_plan_without_prompts_has_no_table() -> None:
    empty = Plan(0, 0, 3, 0, {}, 0, 0, 5, Amount(0, 0, 0), [])
    assert "By strategy" not in page(Document(empty)) and "a month, as it was" in page(Document(empty))
