"""Each rule of the settings exists, can be switched off, and has its default."""

from farthing.finops.alerts.catalog import rules_for, single_call_limit
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
