import pytest

from farthing.lab.items import read_items
from farthing.lab.plan import planned, shares, shuffled
from farthing.lab.prompt import read_prompt
from unit.lab.test_prompt import PROMPT


def test_items_of_a_trial() -> None:
    assert shares(2000, 0.03) == (345, "")
    assert shares(2000, 0.03, wanted=400) == (400, "")
    items, doubt = shares(400, 0.03)
    assert items == 200 and "345 would do four times in five" in doubt
    with pytest.raises(ValueError, match=r"cannot be shown with 100 items: .* each needs 88 at least, better 345"):
        shares(100, 0.03)


def test_what_a_run_takes() -> None:
    plan = planned(PROMPT, 345, 0.03, 1000)
    assert (plan.parts, plan.examples, plan.arms) == (5, 2, 1) and plan.cost == 1000 * plan.calls
    assert plan.bound == 2 * plan.calls * 1000 and planned(PROMPT, 345, 0.03, 1000, bound=7).bound == 7
    assert planned(PROMPT, 345, 0.03, None).bound is None


@pytest.mark.parametrize(("parts", "published"), [(20, 3553), (40, 5812)])
def test_calls_are_about_those_that_were_published(parts: int, published: int) -> None:
    text = "\\n".join(f"- Rule {at}." for at in range(parts))
    prompt = read_prompt(
        f'[[messages]]\nrole="system"\ntext="{text}"\n[[messages]]\nrole="user"\ntext="{{{{a}}}}"', "p"
    )
    assert planned(prompt, 300, 0.03, 1).calls == pytest.approx(published + 300, rel=0.12)


def test_files_that_are_sorted_are_mixed_always_alike() -> None:
    items = read_items([b'{"input": "%d"}' % at for at in range(50)], ["a"])
    mixed = shuffled(items)
    assert mixed != items and shuffled(mixed[::-1]) == mixed and len(mixed) == 50
