from farthing.model.principal import Principal
from farthing.settings import Amount, FeatureRoutingSettings, RoutingSettings, TaskRoutingSettings
from farthing.steps.route.policy import Policies
from unit.steps.conftest import MakeCall

SETTINGS = RoutingSettings(
    quality_floor=0.95,
    deny=["*-preview"],
    tasks={
        "qa": TaskRoutingSettings(quality_floor=0.97, deny=["tiny*"], max_dollars=Amount("0.25")),
        "code": TaskRoutingSettings(models=["gpt-*"], lock="flagship", region="eu"),
    },
    features={"search": FeatureRoutingSettings(baseline="gpt-4o", quality_floor=0.9)},
)


def test_rules_of_task_and_feature_add_up(make_call: MakeCall) -> None:
    policies = Policies(SETTINGS)
    call = make_call("auto")
    assert policies.of(call).floor == 0.95
    call.task, call.principal = "qa", Principal(feature="search")
    policy = policies.of(call)
    assert policy.floor == 0.97, "the stricter one counts"
    assert policy.baseline == "gpt-4o"
    assert policy.most_nano == 250_000_000
    assert policy.forbids("tiny-1") and policy.forbids("x-preview") and not policy.forbids("gpt-4o")


def test_only_models_that_are_named(make_call: MakeCall) -> None:
    call = make_call("auto")
    call.task = "code"
    policy = Policies(SETTINGS).of(call)
    assert policy.forbids("claude-opus-4-5") and not policy.forbids("gpt-4o")
    assert (policy.lock, policy.region) == ("flagship", "eu")


def test_callers_words_make_no_policies(make_call: MakeCall) -> None:
    policies = Policies(SETTINGS)
    first = make_call("auto")
    second = make_call("auto")
    second.task, second.principal = "whatever", Principal(feature="anything")
    assert policies.of(first) is policies.of(second)
