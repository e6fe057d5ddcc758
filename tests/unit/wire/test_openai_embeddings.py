from farthing.model.call import Ask
from farthing.model.usage import Usage
from farthing.wire import FORMATS
from unit.wire.streams import dump, run

EMBEDDINGS = FORMATS["openai.embeddings"]
ANSWER = dump(
    {
        "model": "text-embedding-3-small",
        "data": [{"embedding": [0.1]}],
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }
)


def test_ask_and_splice() -> None:
    body = b'{"input":"x","model":"e","user":"u"}'
    ask = EMBEDDINGS.ask(body)
    assert ask == Ask(model="e", max_output=0, user="u")
    assert EMBEDDINGS.splice(body, ask, "f") == b'{"input":"x","model":"f","user":"u"}'


def test_only_input_is_billed() -> None:
    reading = EMBEDDINGS.read(ANSWER, Ask(model="e"))
    assert reading.usage == Usage(uncached_in=8) and reading.adds_up and reading.model == "text-embedding-3-small"


def test_an_estimate_has_no_output() -> None:
    assert EMBEDDINGS.estimate(b"x" * 40, ANSWER, Ask(model="e", max_output=0)).usage == Usage(uncached_in=10)


def test_an_answer_that_comes_in_pieces() -> None:
    out, reading, complete = run(EMBEDDINGS.stream(Ask(model="e")), [ANSWER[:20], ANSWER[20:]])
    assert out == ANSWER and complete and reading.usage == Usage(uncached_in=8)


def test_an_answer_that_is_cut() -> None:
    reader = EMBEDDINGS.stream(Ask(model="e"))
    _, reading, complete = run(reader, [ANSWER[:-5]])
    assert not complete and not reader.ending and reading.usage is None
    assert reader.estimate(b"x" * 8).usage == Usage(uncached_in=2)
