"""Each rule of the settings exists, can be switched off, and has its default."""

from farthing.finops.alerts.catalog import about, looks_at, rules_for, single_call_limit
from farthing.finops.alerts.rules.single_call import NAME as SINGLE_CALL
from farthing.settings import ALERT_RULES, AlertRuleSettings, AlertSettings, Amount
from unit.finops.alerts.spending import DOLLAR


def test_settings_and_rules_name_the_same() -> None:
    assert {rule.name for rule in rules_for(AlertSettings())} | {SINGLE_CALL} == set(ALERT_RULES)


def test_each_can_be_switched_off() -> None:
    for name in ALERT_RULES:
        settings = AlertSettings(rules={name: AlertRuleSettings(on=False)})
        assert name not in {rule.name for rule in rules_for(settings)}
        assert (single_call_limit(settings) is None) == (name == SINGLE_CALL)


def test_a_limit_is_exact() -> None:
    assert single_call_limit(AlertSettings()) == DOLLAR
    settings = AlertSettings(rules={SINGLE_CALL: AlertRuleSettings(dollars=Amount("0.000000001"))})
    assert single_call_limit(settings) == 1


def test_every_rule_is_said_with_the_thresholds_that_hold() -> None:
    settings = AlertSettings(
        sensitivity="low", by=["total"], rules={"day_spend": AlertRuleSettings(times=3.5, by=["user"]), "newcomer": AlertRuleSettings(dollars=Amount(7))},
    )  # fmt: skip
    said = {name: about(settings, name) for name in ALERT_RULES}
    assert said["day_spend"] == "A day costs more than 3.5 times its seven-day average."
    assert (
        "$7.00 in a day" in said["newcomer"]
        and "sensitivity: low" in said["unusual_spend"]
        and "80 %" in said["budget_level"]
    )
    assert not any("`" in text for text in said.values())
    assert looks_at(settings, "day_spend") == ("user",) and looks_at(settings, "unusual_spend") == ("total",)
    assert looks_at(settings, "errors") == ()
