import json

from farthing.model.call import Answer, Call
from farthing.model.errors import UnknownModel
from farthing.quality.errand import Errands
from farthing.quality.pairwise import LONGEST_ANSWER, PairJudge
from unit.quality.worlds import Rows, World, told


class Says:
    """A judge with a fixed word."""

    def __init__(self, *words: str) -> None:
        self.words = list(words)
        self.bodies: list[str] = []

    async def __call__(self, call: Call) -> Answer:
        self.bodies.append(json.loads(call.body)["messages"][1]["content"])
        return Answer(200, [], told(self.words[len(self.bodies) - 1]))


def judge(says: Says) -> PairJudge:
    return PairJudge(Errands(says, lambda: "call-j"), "judge")


async def verdict(*words: str) -> int | None:
    return (await judge(Says(*words)).compare("t", "When?", "one", "other")).difference


async def test_a_verdict_holds_where_it_does_not_change_with_the_place() -> None:
    assert await verdict('{"better": "first"}', '{"better": "second"}') == 1
    assert await verdict('{"better": "second"}', '{"better": "first"}') == -1
    assert await verdict('{"better": "first"}', '{"better": "first"}') == 0
    assert await verdict('{"better": "same"}', '{"better": "first"}') == 0
    assert await verdict('{"better": "same"}', '{"better": "same"}') == 0


async def test_an_unclear_word_is_none() -> None:
    assert await verdict("first", '{"better": "first"}') is None
    assert await verdict('{"better": "third"}', '{"better": "first"}') is None


async def test_it_sees_both_orders_and_no_names() -> None:
    says = Says('{"better": "same"}', '{"better": "same"}')
    await judge(says).compare("t", "When?", "May.", "June.")
    assert says.bodies[0].index("May.") < says.bodies[0].index("June.")
    assert says.bodies[1].index("June.") < says.bodies[1].index("May.")


async def test_two_rows_of_its_own_and_the_cost_of_both() -> None:
    rows = Rows()
    found = await PairJudge(World().errands(rows), "judge").compare("t", "q", "right 1", "wrong 1")
    assert (found.difference, found.cost) == (1, 600)
    assert [(row.feature, row.cost, row.baseline) for row in rows.rows] == [("farthing judge", 300, 0)] * 2


async def test_who_cannot_be_asked_says_nothing() -> None:
    async def failing(call: Call) -> Answer:
        raise UnknownModel("no such model")

    assert (await PairJudge(Errands(failing, lambda: "c"), "judge").compare("t", "q", "a", "b")).difference is None
    world = World()
    world.fails.add("judge")
    assert (await PairJudge(world.errands(), "judge").compare("t", "q", "a", "b")).difference is None
    assert (await PairJudge(World().errands(), "").compare("t", "q", "a", "b")).difference is None
    long = "x" * (LONGEST_ANSWER + 1)
    assert (await PairJudge(World().errands(), "judge").compare("t", "q", long, "b")).difference is None
