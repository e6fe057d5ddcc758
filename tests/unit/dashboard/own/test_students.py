"""What the table of students says of the scopes that it leaves out."""

import msgspec

from farthing.dashboard.own.students import Found, Head, known_of, versions
from farthing.model.arms import DISTILLATION
from farthing.store.reading import LeverRow
from farthing.store.students import Version

SERVES = Version("default", "template:a", 2, "serving", 1, 2, "it agreed", "gpt-5.5", "{}")
TRIED = msgspec.structs.replace(SERVES, version=3, state="shadow")
OTHER = msgspec.structs.replace(SERVES, scope="template:b", state="retreated")


def test_two_versions_of_one_scope_are_one_scope() -> None:
    heads = [Head(each, known_of(each), ()) for each in (SERVES, TRIED)]
    assert Found(heads, [SERVES, TRIED], LeverRow(DISTILLATION)).left_out == 0
    assert Found(heads, [SERVES, TRIED, OTHER], LeverRow(DISTILLATION)).left_out == 1


def test_versions_say_which_models_they_answer_for() -> None:
    known = msgspec.structs.replace(SERVES, facts='{"models": ["auto", "gpt-5.5"]}')
    table = versions(Found([], [known, OTHER], LeverRow(DISTILLATION)))
    at = [column.name for column in table.columns].index("models")
    assert [row.values[at] for row in table.rows] == ["auto, gpt-5.5", None]
