"""Speed: the roofline's terms, the learned factors, the interval, own points."""

from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farthing.model.errors import BadRequest
from farthing.selfhost.calibrate import Point, estimate, shifts_of, shipped
from farthing.selfhost.formats import format_named
from farthing.selfhost.gpus import every, gpu
from farthing.selfhost.model_config import shape_of
from farthing.selfhost.roofline import TERMS, Load, Serving, ceiling, plain, times
from unit.selfhost.shapes import LLAMA_8B, LLAMA_70B, MIXTRAL

SHAPE = shape_of(LLAMA_8B)
H100 = Serving(gpu("H100"), format_named("bf16"), "vllm")
FP8 = Serving(gpu("H100"), format_named("fp8"), "vllm", kv_bits=8)


def test_the_terms_by_hand() -> None:
    """One sequence of 1,000 in and 100 out on one H100."""
    found = times(SHAPE, H100, Load(1000, 100, 1))
    seconds = dict(zip(TERMS, found.seconds, strict=True))
    assert seconds["weights"] == pytest.approx(16_060_522_496 / 3350e9)
    assert seconds["cache"] == pytest.approx(131_072 * 1050 / 3350e9)
    assert seconds["compute"] == pytest.approx(2 * SHAPE.active / 989e12)
    assert seconds["prefill"] == pytest.approx((2 * SHAPE.active * 1000 + 2 * 32 * 4096 * 1e6) / 989e12 / 100)
    assert (seconds["layers"], seconds["step"], seconds["meeting"]) == (pytest.approx(3.2e-4), pytest.approx(1e-3), 0)


def test_a_step_of_a_mixture_reads_the_experts_that_are_asked() -> None:
    shape = shape_of(MIXTRAL)
    serving = Serving(gpu("H200"), format_named("bf16"))
    one, many = (times(shape, serving, Load(100, 100, batch)) for batch in (1, 64))
    assert one.seconds[1] * 4800e9 == pytest.approx(2 * (shape.parameters - 0.75 * shape.in_experts), rel=1e-3)
    assert many.seconds[1] * 64 * 4800e9 == pytest.approx(2 * shape.parameters, rel=1e-3)


def test_full_load_takes_what_the_cache_has_room_for() -> None:
    long, short = (times(SHAPE, H100, Load(tokens, 100)).batch for tokens in (20_000, 100))
    assert 1 < long < short <= 2048
    assert times(SHAPE, H100, Load(20_000, 100, 4096)).waves > 10


def test_the_textbook_is_near_published_figures_of_dense_models_at_full_load() -> None:
    """Llama 3.3 70B in FP8 on two H100, TensorRT-LLM's documents: 2,209 tokens/s and GPU at 1,000 in and out."""
    serving = Serving(gpu("H100"), format_named("fp8"), "tensorrt-llm", 2, kv_bits=8)
    shape = shape_of(LLAMA_70B)
    assert plain(times(shape, serving, Load(1000, 1000))) == pytest.approx(2209, rel=0.35)
    found = estimate(shape, serving, Load(1000, 1000))
    assert found.low < 2209 < found.high


def test_an_estimate_is_an_interval_with_its_times() -> None:
    found = estimate(SHAPE, H100, Load(1000, 300, 32))
    assert found.low < found.tokens_s < found.high
    assert found.tpot_s == pytest.approx(32 / found.tokens_s)
    assert found.ttft_s > 0 and sum(found.shares.values()) == pytest.approx(1)
    assert found.tokens_s == pytest.approx(2500, rel=0.3)  # published: 2,500 to 2,800 with as many tokens in and out


@given(
    card=st.sampled_from([each.name for each in every()]), name=st.sampled_from(["bf16", "fp8", "gptq", "nvfp4", "q4_k_m"]),
    engine=st.sampled_from(["vllm", "sglang", "tensorrt-llm", "llama.cpp"]), gpus=st.sampled_from([1, 2, 8]),
    load=st.builds(Load, st.floats(1, 2e5), st.floats(1, 2e5), st.sampled_from([0, 1, 7, 512])),
)  # fmt: skip
def test_any_estimate_is_finite_and_ordered(card: str, name: str, engine: str, gpus: int, load: Load) -> None:
    serving = Serving(gpu(card), format_named(name), engine, gpus)
    found = estimate(SHAPE, serving, load)
    assert 0 < found.low < found.tokens_s < found.high < float("inf")
    assert found.ttft_s > 0 and found.tpot_s > 0


def test_no_published_point_means_a_wider_interval_and_says_so() -> None:
    known = estimate(SHAPE, H100, Load(1000, 300))
    new = estimate(SHAPE, Serving(gpu("L4"), format_named("bf16")), Load(1000, 300))
    packed = estimate(SHAPE, Serving(gpu("H100"), format_named("gptq")), Load(1000, 300))
    other = estimate(SHAPE, Serving(gpu("H100"), format_named("q4_k_m"), "llama.cpp"), Load(1000, 300))
    assert known.method == f"calibrated {shipped().fitted}"
    for found in (new, packed, other):
        assert found.high / found.low > known.high / known.low
        assert "none of" in found.method or "no published point" in found.method


def test_nonsense_is_refused() -> None:
    for load in (Load(0, 1), Load(1, 0), Load(1, 1, -1)):
        with pytest.raises(BadRequest):
            estimate(SHAPE, H100, load)


def _own(factor: float, loads: list[Load]) -> list[Point]:
    return [Point(load, factor * estimate(SHAPE, FP8, load).tokens_s) for load in loads]


LOADS = [Load(1000, 300, 1), Load(1000, 300, 64), Load(4000, 100, 16)]


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25])
def test_own_points_move_other_loads_with_them(factor: float) -> None:
    asked = Load(2000, 200, 32)
    before, after = estimate(SHAPE, FP8, asked), estimate(SHAPE, FP8, asked, _own(factor, LOADS))
    assert after.tokens_s / before.tokens_s == pytest.approx(factor, rel=0.15)
    assert after.method == "3 points of this server"
    assert after.high / after.low <= before.high / before.low


def test_one_point_or_two_of_one_load_change_nothing() -> None:
    asked = Load(2000, 200, 32)
    before = estimate(SHAPE, FP8, asked)
    assert estimate(SHAPE, FP8, asked, _own(0.5, LOADS[:1])) == before
    assert estimate(SHAPE, FP8, asked, _own(0.5, LOADS[:1] * 3)) == before


def test_a_slow_memory_is_told_from_slow_arithmetic() -> None:
    """Points that only a slower reading of weights explains move that term most."""
    learned = shipped()
    slower = []
    for load in (Load(500, 500, 1), Load(500, 500, 4), Load(8000, 20, 1)):
        found = estimate(SHAPE, FP8, load)
        slower.append(Point(load, found.tokens_s / (1 + found.shares["weights"])))
    shifts = dict(zip(TERMS, shifts_of(SHAPE, FP8, slower, learned), strict=True))
    assert max(shifts, key=lambda term: shifts[term]) == "weights"
    assert exp(shifts["prefill"]) < 1.3


def test_what_is_shipped_says_where_it_comes_from() -> None:
    learned = shipped()
    assert learned.points > 2_500 and learned.cells > 70
    assert set(learned.terms) == set(TERMS)
    assert learned.low < 0 < learned.high and learned.measured_low < 0 < learned.measured_high
    assert "TensorRT-LLM" in learned.source


def test_no_speed_is_above_what_the_memory_allows_by_much() -> None:
    for load in (Load(128, 128, 1), Load(1000, 1000, 16)):
        assert estimate(SHAPE, H100, load).tokens_s < 1.1 * ceiling(times(SHAPE, H100, load))
