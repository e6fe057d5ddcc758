"""Tags that say a field become it, and nothing that the log says is lost."""

from farthing.model.past import PastCall
from farthing.planner.imports.tagged import named
from farthing.planner.imports.values import tags_of


def tagged(*tags: str, **said: str) -> PastCall:
    return named(PastCall(id="1", at_us=0, tags=tags_of(list(tags)), **said))  # type: ignore[arg-type]


def test_each_of_the_four_becomes_its_field() -> None:
    call = tagged("feature:chat", "team:cx", "project:shop", "user:ada", "env:prod")
    assert (call.feature, call.team, call.project, call.user) == ("chat", "cx", "shop", "ada")
    assert call.tags == {"env": "prod"}


def test_a_field_that_is_known_stays_and_so_does_a_tag_that_says_otherwise() -> None:
    call = tagged("feature:chat", "team:cx", feature="search", team="cx")
    assert (call.feature, call.team, call.tags) == ("search", "cx", {"feature": "chat"})


def test_a_tag_without_a_value_names_nothing() -> None:
    call = tagged("feature", "user:")
    assert (call.feature, call.user, call.tags) == ("", "", {"feature": "yes"})
