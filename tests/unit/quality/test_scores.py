from collections.abc import Sequence

from farthing.quality.scores import TRIES, Scores
from farthing.store import StoreError
from farthing.store.arms import Scored


class Rows:
    """A store that knows some calls, and may be away."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.away = False
        self.kept: list[Scored] = []
        self.asked = 0

    async def add_scores(self, scores: Sequence[Scored]) -> list[str]:
        self.asked += 1
        if self.away:
            raise StoreError("away")
        self.kept += [each for each in scores if each.call_id in self.known]
        return [each.call_id for each in scores if each.call_id not in self.known]


async def test_scores_are_written_in_one_batch() -> None:
    rows = Rows("a", "b")
    scores = Scores(rows)
    scores.add("a", 1.0)
    scores.add("b", 0.0)
    await scores.flush()
    await scores.flush()
    assert rows.kept == [Scored("a", 1.0), Scored("b", 0.0)] and rows.asked == 1


async def test_a_call_that_is_not_written_yet_is_tried_again_and_not_for_ever() -> None:
    rows = Rows()
    scores = Scores(rows)
    scores.add("late", 1.0)
    scores.add("never", 1.0)
    await scores.flush()
    rows.known.add("late")
    for _ in range(2 * TRIES):
        await scores.flush()
    assert rows.kept == [Scored("late", 1.0)]
    assert rows.asked == TRIES


async def test_nothing_is_lost_while_the_store_is_away() -> None:
    rows = Rows("a")
    rows.away = True
    scores = Scores(rows)
    scores.add("a", 0.5)
    await scores.flush()
    rows.away = False
    await scores.flush()
    assert rows.kept == [Scored("a", 0.5)]
