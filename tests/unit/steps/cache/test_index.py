"""The index finds exactly what a comparison with every vector finds, whatever came and went before."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from farthing.steps.cache.index import Index, Kernel, dots_with_numpy, kernel, pack, unpack
from laws import examples

Floats = NDArray[np.float32]
DIMS = 64

both_kernels = pytest.mark.parametrize(
    "dots", list(dict.fromkeys([dots_with_numpy, kernel()])), ids=lambda dots: dots.__name__
)


def _vectors(count: int, seed: int, dims: int = DIMS) -> Floats:
    """Unit vectors that lean the same way, as those of sentences do."""
    random_ = np.random.default_rng(seed)
    found = random_.standard_normal((count, dims)) + 0.5 * random_.standard_normal(dims)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50))
def test_a_packed_vector_is_nearly_the_same(parts: list[float]) -> None:
    vector = np.array(parts, np.float32)
    step = float(np.abs(vector).max()) / 127
    assert len(pack(vector)) == len(parts) + 4
    assert np.abs(unpack(pack(vector)) - vector).max() <= step * 0.5001 + 1e-30


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_vector_of_no_numbers_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        pack(np.array([0.1, bad], np.float32))


@pytest.mark.parametrize("packed", [b"", b"abcd"])
def test_bytes_that_are_no_vector_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="packed"):
        Index().add(b"g", "e", packed)


@both_kernels
def test_the_nearest_are_those_of_a_full_comparison(dots: Kernel) -> None:
    count = 5000
    vectors = _vectors(count, 1)
    index = Index(dots=dots)
    for number, vector in enumerate(vectors):
        index.add(b"g", str(number), pack(vector))
    stored = np.array([unpack(pack(vector)) for vector in vectors])
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    random_ = np.random.default_rng(2)
    for noise in (0.0, 0.01, 0.05, 0.2):
        for row in random_.integers(count, size=25):
            query = vectors[row] + noise * random_.standard_normal(DIMS).astype(np.float32)
            cosines = stored @ (query / np.linalg.norm(query))
            found = index.nearest(b"g", 3 * query, 5)
            assert [int(each.entry_id) for each in found] == list(np.argsort(-cosines)[:5])
            assert np.allclose([each.cosine for each in found], np.sort(cosines)[::-1][:5], atol=1e-5)


@both_kernels
def test_the_cosine_is_near_that_of_the_vectors_before_packing(dots: Kernel) -> None:
    vectors = _vectors(400, 3, dims=384)
    index = Index(dots=dots)
    for number, vector in enumerate(vectors[:200]):
        index.add(b"g", str(number), pack(vector))
    for query in vectors[200:]:
        for each in index.nearest(b"g", query, 3):
            assert each.cosine == pytest.approx(float(vectors[int(each.entry_id)] @ query), abs=0.002)


@both_kernels
def test_only_near_ones_are_found_and_only_of_the_group(dots: Kernel) -> None:
    index = Index(dots=dots)
    axis = np.eye(DIMS, dtype=np.float32)
    index.add(b"g", "same", pack(axis[0]))
    index.add(b"g", "near", pack(axis[0] + axis[1]))
    index.add(b"g", "across", pack(axis[1]))
    index.add(b"g", "opposite", pack(-axis[0]))
    index.add(b"g", "nothing", pack(np.zeros(DIMS, np.float32)))
    index.add(b"other", "foreign", pack(axis[0]))
    found = index.nearest(b"g", axis[0], 10)
    assert [each.entry_id for each in found] == ["same", "near"]
    assert [each.cosine for each in found] == pytest.approx([1.0, 0.5**0.5])
    assert [each.entry_id for each in index.nearest(b"g", axis[0], 10, at_least=0.9)] == ["same"]
    assert [each.entry_id for each in index.nearest(b"g", axis[0], 1)] == ["same"]
    assert index.nearest(b"g", axis[0], 0) == []
    assert index.nearest(b"unknown", axis[0]) == []
    assert index.nearest(b"g", np.zeros(DIMS, np.float32)) == []
    assert index.nearest(b"g", np.full(DIMS, np.nan, np.float32)) == []
    assert index.nearest(b"g", np.ones(DIMS + 1, np.float32)) == []
    assert not index.add(b"g", "another size", pack(np.ones(DIMS + 1, np.float32)))


def test_an_entry_is_found_by_each_of_its_questions_once() -> None:
    index = Index()
    axis = np.eye(DIMS, dtype=np.float32)
    assert index.add(b"g", "e1", pack(axis[0]))
    assert index.add(b"g", "e1", pack(axis[1]), link="l1")
    assert index.add(b"g", "e1", pack(axis[0] + axis[1]), link="l2")
    assert not index.add(b"g", "e1", pack(axis[2]), link="l1"), "it is there already"
    found = index.nearest(b"g", axis[1], 5)
    assert [(each.entry_id, each.link) for each in found] == [("e1", "l1")]
    assert index.remove("e1", link="l1")
    assert [each.link for each in index.nearest(b"g", axis[1], 5)] == ["l2"]
    assert index.remove("e1")
    assert not index.remove("e1")
    assert len(index) == index.groups == index.size == 0


def test_an_entry_that_moves_is_found_in_its_new_group_only() -> None:
    index = Index()
    vector = _vectors(1, 4)[0]
    index.add(b"g", "e1", pack(vector))
    index.add(b"h", "e1", pack(vector))
    assert index.nearest(b"g", vector) == []
    assert len(index.nearest(b"h", vector)) == 1


@examples(15)
@given(
    seed=st.integers(0, 1000),
    rounds=st.lists(st.tuples(st.integers(0, 3000), st.floats(0, 1)), min_size=1, max_size=4),
)
def test_whatever_comes_and_goes_the_rest_is_found(seed: int, rounds: list[tuple[int, float]]) -> None:
    """Additions and removals in bulk, so that blocks fill, wear out and are joined."""
    random_ = random.Random(seed)
    vectors = _vectors(500, seed, dims=8)
    index = Index()
    living: dict[str, int] = {}
    number = 0
    for added, share in rounds:
        for _ in range(added):
            row = random_.randrange(len(vectors))
            living[str(number)] = row
            assert index.add(b"g", str(number), pack(vectors[row]))
            number += 1
        for entry_id in random_.sample(sorted(living), int(share * len(living))):
            assert index.remove(entry_id)
            del living[entry_id]
    assert len(index) == len(living)
    for entry_id, row in random_.sample(sorted(living.items()), min(5, len(living))):
        twins = {other for other, its in living.items() if its == row}
        found = index.nearest(b"g", vectors[row], 3)
        assert found[0].entry_id in twins and found[0].cosine > 0.99
        assert {each.entry_id for each in found} <= living.keys()
        assert entry_id in living
    for entry_id in living:
        index.remove(entry_id)
    assert index.size == 0


def test_memory_is_bounded_and_the_least_used_group_goes() -> None:
    vectors = _vectors(300, 5, dims=384)
    index = Index(memory_bytes=400_000)

    def fill(group: bytes) -> None:
        for number in range(100):
            index.add(group, f"{group.decode()} {number}", pack(vectors[number]))
            assert index.size <= 400_000

    for group in (b"a", b"b", b"c"):
        fill(group)
        assert index.nearest(b"a", vectors[0]), "in use all the time"
    for group in (b"d", b"e", b"f", b"g"):
        fill(group)
        assert index.nearest(b"a", vectors[0])
    assert index.incomplete(b"b") and not index.incomplete(b"a") and not index.incomplete(b"g")
    assert index.nearest(b"b", vectors[0]) == []
    assert not index.remove("b 1")
    fill(b"b")
    index.completed(b"b")
    assert not index.incomplete(b"b")
    assert index.nearest(b"b", vectors[7])[0].entry_id == "b 7"


def test_a_group_that_is_larger_than_all_memory_keeps_its_newest() -> None:
    vectors = _vectors(6000, 6, dims=32)
    index = Index(memory_bytes=1_500_000)
    for number, vector in enumerate(vectors):
        index.add(b"g", str(number), pack(vector))
    assert index.size <= 1_500_000
    assert 2000 < len(index) < 6000
    assert index.nearest(b"g", vectors[5999])[0].entry_id == "5999"
    assert all(int(each.entry_id) > 0 for each in index.nearest(b"g", vectors[0]))
    for number in range(6000):
        index.remove(str(number))
    assert index.size == len(index) == 0


def test_searches_while_others_load_and_remove_are_never_wrong() -> None:
    vectors = _vectors(3000, 7)
    index = Index()
    wrong: list[object] = []
    done = threading.Event()

    def search() -> None:
        while not done.is_set():
            for row in range(0, 3000, 100):
                for each in index.nearest(b"g", vectors[row], 2):
                    true = float(vectors[int(each.entry_id)] @ vectors[row])
                    if abs(true - each.cosine) > 0.02:
                        wrong.append((row, each, true))

    threads = [threading.Thread(target=_safely(search, wrong)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        for number, vector in enumerate(vectors):
            index.add(b"g", str(number), pack(vector))
        for number in range(3000):
            index.remove(str(number))
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def _safely(work: Callable[[], None], failures: list[object]) -> Callable[[], None]:
    def run() -> None:
        try:
            work()
        except Exception as error:
            failures.append(error)

    return run


def test_clear_forgets_everything() -> None:
    index = Index()
    vector = _vectors(1, 8)[0]
    index.add(b"g", "e1", pack(vector))
    index.clear()
    assert index.nearest(b"g", vector) == []
    assert len(index) == index.size == index.groups == 0
    assert index.add(b"g", "e1", pack(vector))


BROKEN = {
    "fails": "def cdist(*arguments, **options): raise TypeError('no bytes today')",
    "computes wrong products": "import numpy\ndef cdist(one, many, metric): return numpy.zeros((1, len(many)))",
}


@pytest.mark.parametrize("how", [*BROKEN, "is missing"])
def test_numpy_takes_over_where_simsimd_is_of_no_use(how: str, tmp_path: Path) -> None:
    """In a process of its own, with a stand-in for the library."""
    if how in BROKEN:
        (tmp_path / "simsimd.py").write_text(BROKEN[how])
    script = (
        "import sys, logging; logging.basicConfig()\n"
        + ("" if how in BROKEN else "sys.modules['simsimd'] = None\n")
        + "import numpy as np\n"
        "from farthing.steps.cache.index import Index, kernel, pack\n"
        "index = Index(); vector = np.arange(1, 65, dtype=np.float32); index.add(b'g', 'e1', pack(vector))\n"
        "print(kernel().__name__, index.nearest(b'g', vector)[0].entry_id)\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == ["dots_with_numpy", "e1"]
    assert (how in done.stderr) is (how in BROKEN)
