import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.asked import Asked
from farthing.quality.dial import Calls, kept, picks, set_dial
from farthing.quality.difficulty import LEAST_SAMPLES, Sample, fit
from farthing.quality.features import BUCKETS, Features, features_of, kept_of, of_asked, packed, unpacked

EASY = ["sum", "add", "count", "plus", "total", "number", "value", "list"]
HARD = ["prove", "derive", "integral", "lemma", "theorem", "bound", "limit", "converge"]


def prompt(chance: random.Random, words: list[str]) -> str:
    return " ".join(chance.choice(words) for _ in range(30))


def world(n: int, task: str = "qa", seed: int = 1, gain: float = 0.8) -> list[Sample]:
    """Half of the prompts are hard, told by their words: there the small model is worse, and both write more."""
    chance = random.Random(seed)
    found = []
    for _ in range(n):
        hard = chance.random() < 0.5
        lost = chance.random() < (gain if hard else 0.0)
        text = prompt(chance, HARD if hard else EASY)
        lengths = {"s": 300.0 if hard else 100.0, "f": 200.0 if hard else 50.0}
        found.append(Sample(task, "", features_of(text, 40), {"s": -1.0 if lost else 0.0}, lengths))
    return found


def test_hard_prompts_are_told_from_easy_ones() -> None:
    model = fit(world(600))
    assert model is not None
    chance = random.Random(9)
    easy = model.foretell(features_of(prompt(chance, EASY), 40), "qa")
    hard = model.foretell(features_of(prompt(chance, HARD), 40), "qa")
    assert easy is not None and hard is not None
    assert hard.gaps["s"] < -0.5 < -0.3 < easy.gaps["s"]
    assert hard.lengths["s"] > 1.2 and easy.lengths["s"] < 0.8 and hard.errors["s"] > 0


def test_noise_is_scaled_away() -> None:
    chance = random.Random(3)
    noise = [
        Sample("qa", "", features_of(prompt(chance, EASY + HARD), 40), {"s": chance.choice((-1.0, 0.0))}, {})
        for _ in range(500)
    ]
    model = fit(noise)
    assert model is not None and model.scales[0] < 0.3
    gaps = [each.gaps["s"] for each in model.unseen]
    assert np.std(gaps) < 0.1 and np.mean(gaps) == pytest.approx(-0.5, abs=0.1)


def test_what_is_said_of_a_sample_comes_from_the_others() -> None:
    samples = world(240)
    whole = fit(samples)
    assert whole is not None
    own = whole.foretell(samples[5].features, "qa")
    assert own is not None
    towards = samples[5].gaps["s"] - whole.unseen[5].gaps["s"]
    assert (own.gaps["s"] - whole.unseen[5].gaps["s"]) * towards > 0


def test_unknown_tasks_and_strange_prompts_are_left_alone() -> None:
    model = fit(world(600))
    assert model is not None
    assert model.foretell(features_of("sum add", 4), "code") is None
    assert model.foretell(features_of("über völlig andere Dinge und nichts sonst, gell", 40), "qa") is None


def test_a_task_with_few_samples_is_left_alone() -> None:
    assert fit(world(LEAST_SAMPLES - 1)) is None
    assert fit([]) is None
    model = fit([*world(300), *world(20, "code")])
    assert model is not None and model.foretell(features_of("sum add count", 40), "code") is None


def test_a_template_has_a_mean_of_its_own() -> None:
    good = [each._replace(template="00000000000000aa", gaps={"s": 0.0}) for each in world(200, seed=4)]
    model = fit([*world(300), *good])
    assert model is not None
    text = features_of(prompt(random.Random(1), HARD), 40)
    within, without = model.foretell(text, "qa", "00000000000000aa"), model.foretell(text, "qa")
    assert within is not None and without is not None and within.gaps["s"] > without.gaps["s"]


def test_models_are_learned_from_what_was_compared_of_each() -> None:
    other = [each._replace(gaps={"m": 0.0}) for each in world(200, seed=5)]
    model = fit([*world(300), *other])
    assert model is not None and model.models == ("m", "s")
    said = model.foretell(features_of(prompt(random.Random(1), HARD), 40), "qa")
    assert said is not None and said.gaps["s"] < -0.3 < said.gaps["m"]


@given(
    ids=st.sets(st.integers(0, BUCKETS - 1), max_size=50), surface=st.tuples(*[st.floats(0, 100, width=32)] * 5),
    template=st.sampled_from(("", "0123456789abcdef")), out=st.integers(0, 65535),
)  # fmt: skip
def test_what_is_kept_is_read_back(ids: set[int], surface: tuple[float, ...], template: str, out: int) -> None:
    features = Features(tuple(sorted(ids)), surface)
    found = unpacked(packed(features, template, out))
    assert found is not None and (found.features, found.template, found.out_tokens) == (features, template, out)


@given(st.binary(max_size=64))
def test_bytes_of_another_release_are_no_sample(kept: bytes) -> None:
    found = unpacked(kept)
    assert found is None or all(each < BUCKETS for each in found.features.ids)


@given(st.text(max_size=5000))
def test_any_text_has_features(text: str) -> None:
    features = features_of(text, 10)
    assert list(features.ids) == sorted(set(features.ids)) and all(0 <= each < BUCKETS for each in features.ids)


def test_numbers_are_alike_and_no_text_is_kept() -> None:
    assert features_of("order 17", 3).ids == features_of("order 4711", 3).ids
    kept = kept_of(Asked(text="my secret", template="0123456789abcdef", in_tokens=3))
    assert b"secret" not in kept
    found = unpacked(kept)
    assert found is not None and found.template == "0123456789abcdef"
    assert found.features.ids == of_asked(Asked(text="my secret", in_tokens=3)).ids


def calls(n: int, loss: float, seed: int = 0) -> Calls:
    """A model at a tenth of the price that is worse on a share of the calls, foretold in the mean alone."""
    chance = np.random.default_rng(seed)
    score = np.ones((n, 2))
    score[:, 0] -= chance.random(n) < loss
    foretold = np.zeros((n, 2))
    foretold[:, 0] = -loss + chance.normal(0, 0.03, n)
    return Calls(foretold, np.tile([1.0, 10.0], (n, 1)), score, np.full(n, 1 / n))


def test_the_dial_keeps_the_floor_over_all_calls() -> None:
    seen = calls(2000, 0.1)
    worth = set_dial(seen, 0.95)
    assert worth is not None
    fresh = calls(20_000, 0.1, seed=1)
    picked = picks(fresh.foretold, fresh.cost, worth)
    share, _ = kept(fresh, picked)
    assert share >= 0.945 and 0.1 < (picked == 0).mean() < 0.6


def test_where_nothing_keeps_the_floor_the_flagship_serves() -> None:
    few = calls(30, 0.1)
    few.foretold[:, 0] = 0.2
    assert set_dial(few, 0.99) is None


def test_a_model_that_must_not_serve_does_not() -> None:
    barred = calls(100, 0.0)
    barred.foretold[:, 0] = -np.inf
    assert (picks(barred.foretold, barred.cost, 100.0) == 1).all()


def test_of_equals_the_flagship_serves() -> None:
    assert picks(np.zeros((1, 3)), np.ones((1, 3)), 1.0).tolist() == [2]


def test_nothing_is_kept_of_a_flagship_that_fails_always() -> None:
    lost = Calls(np.zeros((5, 2)), np.ones((5, 2)), np.zeros((5, 2)), np.full(5, 0.2))
    assert set_dial(lost, 0.9) is None
