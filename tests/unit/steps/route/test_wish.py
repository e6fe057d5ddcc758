import pytest

from farthing.model.principal import Key
from farthing.settings import RoutingSettings
from farthing.steps.route.wish import Wishes
from unit.steps.conftest import MakeCall


@pytest.mark.parametrize(
    ("model", "kind", "tiers"),
    [
        ("auto", "auto", ("small", "mid", "flagship")),
        ("auto:small", "auto", ("small",)),
        ("auto:mid", "auto", ("small", "mid")),
        ("auto:flagship", "auto", ("small", "mid", "flagship")),
        ("mid", "tier", ("mid",)),
        ("gpt-4o", "named", ("small", "mid", "flagship")),
        ("auto:huge", "named", ("small", "mid", "flagship")),
    ],
)
def test_names(make_call: MakeCall, model: str, kind: str, tiers: tuple[str, ...]) -> None:
    wish = Wishes(RoutingSettings(), ()).of(make_call(model))
    assert (wish.kind, wish.tiers) == (kind, tiers)


def test_a_model_of_ones_own_is_that_model(make_call: MakeCall) -> None:
    assert Wishes(RoutingSettings(), ("small",)).of(make_call("small")).kind == "named"


@pytest.mark.parametrize(
    ("everyone", "of_key", "kind"),
    [(False, None, "named"), (True, None, "substitute"), (True, False, "named"), (False, True, "substitute")],
)
def test_who_names_a_model_gets_it_unless_policy_allows_another(
    make_call: MakeCall, everyone: bool, of_key: bool | None, kind: str
) -> None:
    call = make_call("gpt-4o")
    call.key = Key("k", "k", b"", substitute=of_key)
    assert Wishes(RoutingSettings(substitute=everyone), ()).of(call).kind == kind


def test_a_pin_beats_all(make_call: MakeCall) -> None:
    wishes = Wishes(RoutingSettings(substitute=True), ())
    call = make_call("auto", headers={b"x-farthing-pin": b" gpt-4o "})
    wish = wishes.of(call)
    assert (wish.kind, wish.model) == ("named", "gpt-4o")
    assert not wishes.leaves_choice(call)
    assert wishes.leaves_choice(make_call("auto"))


def test_an_empty_pin_is_none(make_call: MakeCall) -> None:
    assert Wishes(RoutingSettings(), ()).of(make_call("auto", headers={b"x-farthing-pin": b" "})).kind == "auto"


@pytest.mark.parametrize("wire", ["openai.embeddings", "anthropic.count_tokens"])
def test_only_answers_are_of_use_from_another_model(make_call: MakeCall, wire: str) -> None:
    call = make_call("text-embedding-3-large")
    call.wire = wire
    assert Wishes(RoutingSettings(substitute=True), ()).of(call).kind == "named"
