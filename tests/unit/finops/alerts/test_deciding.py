"""Incidents are told once, with the scopes that show the same; mutes are kept; the end is told once, too."""

import msgspec

from farthing.finops.alerts.deciding import Decision, Found
from farthing.finops.alerts.finding import TOTAL, Finding, Scope
from farthing.finops.alerts.recipients import Recipients
from farthing.finops.alerts.states import DAY_SETTLES_US, HOUR_US, Pace
from farthing.settings import AlertChannelSettings, AlertRuleSettings, AlertSettings
from farthing.store.alerts import Mute, Notice, Standing

T0 = 10**15
RULES = ("day_spend", "unusual_spend")


def jump(scope: Scope, rule: str = "day_spend", **more: object) -> Found:
    fields = {"level": "alert", "text": "It jumps.", "at_stake": 100, "driver": ("feature", "agent")} | more
    return Found("default", Finding(rule, scope, "d1", **fields))  # type: ignore[arg-type]


class World:
    def __init__(self, settings: AlertSettings | None = None) -> None:
        self.known: dict[str, Standing] = {}
        self.mutes: list[Mute] = []
        self.settings = settings or AlertSettings()

    def look(self, hour: float, *found: Found) -> list[Notice]:
        decision = Decision(found, RULES, T0 + round(hour * HOUR_US), Pace(), Recipients(self.settings))
        change = decision(self.known, self.mutes)
        self.known |= {each.id: each for each in change.standings}
        return list(change.notices)


def test_one_cause_is_one_message_that_names_the_rest() -> None:
    world = World()
    (notice,) = world.look(0, jump(TOTAL), jump(Scope("feature", "agent")), jump(Scope("model", "big")))
    assert (notice.what, notice.standing.scope, notice.standing.also) == ("raised", "agent", ("model big", "total"))
    assert notice.channels == ("log",)
    assert {each.state for each in world.known.values()} == {"alert"} and len(world.known) == 3
    assert world.look(0.1, jump(TOTAL), jump(Scope("feature", "agent")), jump(Scope("model", "big"))) == []


def test_what_joins_later_is_no_news_unless_it_is_worse() -> None:
    world = World()
    world.look(0, jump(Scope("feature", "agent")))
    assert world.look(1, jump(Scope("feature", "agent")), jump(TOTAL, at_stake=150)) == []
    (notice,) = world.look(2, jump(Scope("feature", "agent"), at_stake=250), jump(TOTAL, at_stake=150))
    assert notice.what == "escalated"


def test_two_causes_are_two_messages() -> None:
    other = jump(Scope("feature", "chat"), driver=("feature", "chat"))
    assert len(World().look(0, jump(Scope("feature", "agent")), other)) == 2


def test_the_end_is_told_once_when_the_last_is_over() -> None:
    world = World()
    world.look(0, jump(TOTAL), jump(Scope("feature", "agent")))
    hours = DAY_SETTLES_US / HOUR_US
    assert world.look(1, jump(TOTAL)) == []
    assert world.look(hours, jump(TOTAL)) == []  # the feature is over, the total is not
    (notice,) = world.look(1 + 2 * hours)
    assert notice.what == "resolved"
    assert world.look(2 + 2 * hours) == []


def test_a_rule_that_is_not_looked_at_ends_nothing() -> None:
    world = World()
    world.look(0, jump(TOTAL, rule="single_call"))
    assert world.look(100) == [] and {each.state for each in world.known.values()} == {"alert"}


def test_muted_is_told_when_the_mute_ends() -> None:
    world = World()
    world.mutes = [Mute("m", "default", "", "feature:agent", T0 + 2 * HOUR_US)]
    assert world.look(0, jump(Scope("feature", "agent"))) == []
    assert world.look(1, jump(Scope("feature", "agent"))) == []
    (notice,) = world.look(2, jump(Scope("feature", "agent")))
    assert notice.what == "raised"


def test_channels_hear_what_they_want() -> None:
    channels = {
        "all": AlertChannelSettings("log"), "severe": AlertChannelSettings("log", least="alert"),
        "money": AlertChannelSettings("log", rules=["unusual_spend"]), "acme": AlertChannelSettings("log", tenant="acme"),
    }  # fmt: skip
    world = World(AlertSettings(channels=channels))
    (notice,) = world.look(0, jump(Scope("feature", "agent"), level="warn"))
    assert notice.channels == ("all",)
    (notice,) = world.look(1, jump(Scope("feature", "agent")))
    assert notice.channels == ("all", "severe")
    (notice,) = world.look(8)
    assert (notice.what, notice.channels) == ("resolved", ("all", "severe"))
    only = AlertSettings(channels=channels, rules={"day_spend": AlertRuleSettings(channels=["severe"])})
    (notice,) = World(only).look(0, jump(Scope("feature", "agent")))
    assert notice.channels == ("severe",)


def test_the_same_findings_after_a_new_start_change_nothing() -> None:
    """States come from the store alone."""
    world, again = World(), World()
    world.look(0, jump(TOTAL), jump(Scope("feature", "agent")))
    again.known = {
        id_: msgspec.json.decode(msgspec.json.encode(each), type=Standing) for id_, each in world.known.items()
    }
    assert again.look(0.1, jump(TOTAL), jump(Scope("feature", "agent"))) == []
