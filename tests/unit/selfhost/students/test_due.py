"""What a training would be, said before it begins, and gone on with where it was ended."""

import pytest
from msgspec.structs import replace

from farthing.selfhost.students.due import Due, features_of, foretell, seconds
from farthing.selfhost.students.pairs import Captured
from farthing.selfhost.students.school import School
from farthing.store import Store
from farthing.store.students import Students
from unit.selfhost.students.talk import calls

SCOPES = [f"template:{letter * 16}" for letter in "abc"]


def of_three() -> list[Captured]:
    return [
        replace(each, template=scope.partition(":")[2], feature="triage") for scope in SCOPES for each in calls(250)
    ]


def test_what_is_learned_from_and_for_how_long() -> None:
    pairs = calls(300)
    found = foretell(Due(("acme", SCOPES[0]), [*pairs, *pairs[:50]], None), most=4_000, least=200, encodes=False)
    assert (found.captured, found.pairs, found.why_not, found.version) == (350, 300, "", 0)
    assert found.cpu_s == seconds(300, encodes=False)
    open_ = [replace(each, answer=each.text) for each in pairs]
    never = foretell(Due(("acme", SCOPES[0]), open_, None), most=4_000, least=200, encodes=False)
    assert never.why_not.startswith("the answers are no closed set") and never.cpu_s == (0, 0)


@pytest.mark.parametrize(
    ("pairs", "least", "most"),
    [(300, 0.06, 0.77), (1_000, 0.38, 1.66), (2_000, 3.08, 4.38), (4_000, 6.62, 9.31)],
)
def test_the_range_holds_what_was_measured(pairs: int, least: float, most: float) -> None:
    low, high = seconds(pairs, encodes=False)
    assert low <= 1.1 * least and 2 * most <= high, "twice, where the teacher changed"
    assert seconds(pairs, encodes=True)[0] > low


def test_the_features_most_calls_are_of() -> None:
    named = [Captured("x", "y", feature=name) for name in ("b", "a", "a", "", "c", "c", "c", "d")]
    assert features_of(named) == ("c", "a", "b") and features_of([]) == ()


async def test_who_was_ended_goes_on_with_the_rest(store: Store) -> None:
    async def read() -> list[Captured]:
        return of_three()

    school = School(Students(store), None, read, target=0.95, traffic="closed")
    heard: list[tuple[str, int, int]] = []

    def ended(what: str, done: int, total: int) -> None:
        heard.append((what, done, total))
        if done == 1:
            raise KeyboardInterrupt

    assert [each.scope for each in await school.foretell()] == SCOPES
    with pytest.raises(KeyboardInterrupt):
        await school.train_all(told=ended)
    assert heard == [(f"{scope} of acme, 250 calls", at, 3) for at, scope in enumerate(SCOPES[:2])]
    assert [each.scope for each in await school.foretell()] == SCOPES[1:], "what is trained is not trained again"
    assert await school.train_all() == 2
    kept = await Students(store).versions()
    assert [(each.scope, each.version) for each in kept] == [(scope, 1) for scope in SCOPES]
    assert '"features":["triage"]' in kept[0].facts
