"""Templates learn what their calls do, and forget it when a call does something else."""

from farthing.settings.tree import TemplateRoutingSettings
from farthing.steps.task import template
from farthing.steps.task.template import LEARN_FROM, LOOK_AGAIN, UNTOLD, Templates


def taught(*tasks: str, tenant: str = "t") -> Templates:
    templates = Templates()
    for task in tasks:
        templates.learn(tenant, "abc", task)
    return templates


def test_named_ones_are_known_at_once() -> None:
    templates = Templates({"faq": TemplateRoutingSettings(fingerprint="abc", task="qa")})
    known = templates.find("any", "abc")
    assert known is not None and known.task == "qa" and "faq" in known.why


def test_a_named_one_without_a_task_is_learned() -> None:
    templates = Templates({"faq": TemplateRoutingSettings(fingerprint="abc")})
    for _ in range(LEARN_FROM):
        templates.learn("t", "abc", "qa")
    known = templates.find("t", "abc")
    assert known is not None and known.task == "qa"


def test_agreement_is_learned() -> None:
    assert taught(*["qa"] * (LEARN_FROM - 1)).find("t", "abc") is None
    known = taught(*["qa"] * LEARN_FROM).find("t", "abc")
    assert known is not None and known.task == "qa" and str(LEARN_FROM) in known.why


def test_disagreement_is_not() -> None:
    assert taught(*["qa", "code"] * 30).find("t", "abc") is None


def test_calls_that_could_not_be_told_speak_against_it() -> None:
    assert taught(*["qa"] * LEARN_FROM, *[""] * 200).find("t", "abc") is None


def test_what_can_never_be_told_is_not_looked_into_until_it_can() -> None:
    assert taught(*[""] * (UNTOLD - 1)).find("t", "abc") is None
    templates = taught(*[""] * UNTOLD)
    known = templates.find("t", "abc")
    assert known is not None and not known.task and str(UNTOLD) in known.why
    assert [templates.find("t", "abc") for _ in range(2 * LOOK_AGAIN)].count(None) == 2
    templates.learn("t", "abc", "qa")
    assert templates.find("t", "abc") is None


def test_another_kind_of_work_ends_it() -> None:
    templates = taught(*["classification"] * 50)
    templates.learn("t", "abc", "reasoning")
    assert templates.find("t", "abc") is None


def test_a_call_that_cannot_be_told_does_not_end_it() -> None:
    templates = taught(*["classification"] * 50)
    templates.learn("t", "abc", "")
    assert templates.find("t", "abc") is not None


def test_it_is_looked_at_again_now_and_then() -> None:
    templates = taught(*["qa"] * LEARN_FROM)
    found = [templates.find("t", "abc") for _ in range(3 * LOOK_AGAIN)]
    assert found.count(None) == 3


def test_tenants_are_apart() -> None:
    assert taught(*["qa"] * LEARN_FROM).find("other", "abc") is None


def test_long_ago_counts_less() -> None:
    templates = taught(*["qa"] * 5000)
    for _ in range(1 + LEARN_FROM):
        templates.learn("t", "abc", "code")
    known = templates.find("t", "abc")
    assert known is not None and known.task == "code"


def test_memory_is_bounded() -> None:
    templates = Templates()
    for at in range(template.MOST + 100):
        templates.learn("t", f"{at}", "qa")
    assert len(templates) == template.MOST


def test_nobody_drives_out_the_templates_of_another_tenant() -> None:
    templates = taught(*["qa"] * LEARN_FROM)
    for at in range(template.MOST + 100):
        templates.learn("other", f"{at}", "qa")
    assert templates.find("t", "abc") is not None
