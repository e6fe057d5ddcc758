import pytest

from farthing.model.call import Answer, Ask, Call, Deployment, Ending
from farthing.model.principal import Principal


class Silent:
    async def next(self) -> bytes:
        return b""

    def leave(self) -> None: ...


def test_a_whole_answer_has_ended_when_it_is_there() -> None:
    heard: list[Ending] = []
    Answer(200, []).on_end(heard.append)
    assert heard == [Ending()]


def test_a_stream_ends_once_for_everyone_who_listens() -> None:
    early: list[Ending] = []
    late: list[Ending] = []
    answer = Answer(200, [], stream=Silent())
    answer.on_end(early.append)
    assert early == []
    answer.end(Ending("left"))
    answer.end(Ending("ok"))
    answer.on_end(late.append)
    assert early == late == [Ending("left")]


def test_a_listener_that_fails_keeps_no_other_from_hearing() -> None:
    heard: list[Ending] = []

    def failing(ending: Ending) -> None:
        raise ValueError("a mistake")

    answer = Answer(200, [], stream=Silent())
    answer.on_end(failing)
    answer.on_end(heard.append)
    with pytest.raises(ValueError, match="a mistake"):
        answer.end(Ending())
    assert heard == [Ending()]


def call(**headers: bytes) -> Call:
    return Call(
        id="call-1", wire="openai.chat", headers={name.encode(): value for name, value in headers.items()}, peer="127.0.0.1",
        body=b"{}", ask=Ask("gpt-5"), started_us=5, started=0.0,
    )  # fmt: skip


def test_its_record_says_who_what_and_where() -> None:
    asked = call()
    asked.principal = Principal(team="t", feature="f")
    asked.deployment = Deployment("mine", "azure", "gpt-5-eu", "azure")
    asked.trail.note("balance", "azure/gpt-5-eu")
    record = asked.record(200, Ending(), 9)
    assert (record.id, record.team, record.feature, record.model_asked) == ("call-1", "t", "f", "gpt-5")
    assert (record.provider, record.model, record.deployment, record.duration_us) == ("azure", "gpt-5-eu", "mine", 9)
    assert [decision.step for decision in record.decisions] == ["balance"]


def test_only_a_traceparent_is_kept_as_one() -> None:
    parent = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert call(traceparent=parent).trace == parent.decode()
    assert call(traceparent=b"x" * 500).trace == ""
