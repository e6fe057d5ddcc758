from farthing.lab.confirm import Mean
from farthing.lab.prompt import AS_IT_IS
from farthing.lab.structured import Armed, arms, cheapest
from farthing.lab.trial import Trials, Tried
from farthing.quality.noninferiority import Counts
from unit.lab.worlds import World


async def test_an_arm_is_tried_on_top_of_what_has_gone() -> None:
    (found,) = await arms(Trials(World(1, {0}).scores, 200, 0.03), AS_IT_IS.less([1]), ["short"])
    assert found.tried.verdict == "holds" and found.before.out_tokens == 20 and found.after.out_tokens == 5


def armed(name: str, verdict: str, cost: int | None, out: float = 1) -> Armed:
    before, after = Mean(10, 1, 10, 10, 100, None), Mean(10, 1, 10, out, cost, None)
    return Armed(name, Tried(verdict, Counts()), before, after)  # type: ignore[arg-type]


def test_the_cheapest_that_holds_is_taken() -> None:
    found = [armed("a", "holds", 90), armed("b", "holds", 50), armed("c", "harms", 10), armed("d", "holds", 110)]
    assert cheapest(found) == "b" and cheapest(found[2:]) == "" and cheapest([]) == ""


def test_tokens_decide_where_no_price_is_known() -> None:
    assert cheapest([armed("a", "holds", None, out=11)]) == "" and cheapest([armed("a", "holds", None, out=4)]) == "a"
