"""What is written can be read again, and onnxruntime computes it; broken files are told as such."""

import numpy as np
import onnxruntime
import pytest

from farthing.embed.onnx import Graph, weights


def _file() -> bytes:
    graph = Graph()
    factor = graph.constant(np.array([[1.5, -2.0], [0.0, 4.0]], np.float32))
    floats = graph.one("Cast", "whole", to=1)
    left, right = graph.node("Split", [graph.one("MatMul", floats, factor)], outputs=2, axis=1, num_outputs=2)
    unit = graph.one("LayerNormalization", graph.one("Concat", right, left, axis=1),
                     graph.constant(np.ones(2, np.float32)), epsilon=0.25)  # fmt: skip
    turned = graph.one("Transpose", unit, perm=(1, 0))
    return graph.model(("whole", ("rows", "2")), (turned, "made", ("2", "rows")))


def test_the_runtime_computes_what_is_written() -> None:
    session = onnxruntime.InferenceSession(_file(), providers=["CPUExecutionProvider"])
    whole = np.array([[2, 1], [0, -3]])
    product = (whole @ np.array([[1.5, -2.0], [0.0, 4.0]]))[:, ::-1]
    spread = product - product.mean(1, keepdims=True)
    expected = (spread / np.sqrt((spread**2).mean(1, keepdims=True) + 0.25)).T
    assert np.allclose(session.run(None, {"whole": whole})[0], expected, atol=1e-5)


def test_weights_are_read_with_their_shape_and_kind() -> None:
    graph = Graph()
    values = [np.arange(6, dtype=np.int8).reshape(2, 3), np.array([300, -1]), np.array([7], np.uint8)]
    for value in values:
        graph.constant(value)
    read = weights(graph.model(("whole", ("1",)), ("whole", "made", ("1",))))
    assert [read[f"c{number}"].tolist() for number in range(3)] == [value.tolist() for value in values]
    assert [read[f"c{number}"].dtype for number in range(3)] == [np.int8, np.int64, np.uint8]


@pytest.mark.parametrize("cut", [0, 1, 5, 40, 90])
def test_a_broken_file_is_a_value_error(cut: int) -> None:
    with pytest.raises(ValueError):
        weights(_file()[:cut] + b"\xff" * 3)
