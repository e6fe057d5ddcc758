import pytest

from farthing.steps.route.sessions import KEEP_S, Move, Sessions, is_up


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_conversation_is_found_by_tenant_and_session() -> None:
    sessions = Sessions()
    sessions.keep("acme", "s-1", "luna", "small")
    found = sessions.of("acme", "s-1")
    assert found is not None and (found.model, found.tier) == ("luna", "small")
    assert sessions.of("globex", "s-1") is None


def test_after_an_hour_of_silence_nothing_is_warm() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    sessions.keep("acme", "s-1", "luna", "small")
    clock.now += KEEP_S
    assert sessions.of("acme", "s-1") is not None
    clock.now += 1
    assert sessions.of("acme", "s-1") is None


@pytest.mark.parametrize(
    ("read", "half", "turns", "pays"),
    # A prefix of 10,000 tokens at $1 a million, write 1.25: half the price there pays on the prefix after 12 turns at a
    # read rate of 0.1, after 24 at 0.05 (facts of providers' caches).
    [(0.1, 0.5, 11, False), (0.1, 0.5, 13, True), (0.05, 0.5, 23, False), (0.05, 0.5, 26, True), (0.1, 0.1, 2, True)],
)
def test_when_a_switch_pays(read: float, half: float, turns: int, pays: bool) -> None:
    prefix = 10_000_000
    move = Move(
        here_warm=int(prefix * read), there_warm=int(prefix * half * read), there_cold=int(prefix * half * 1.25)
    )
    assert move.pays(turns) is pays


def test_dearer_never_pays() -> None:
    assert not Move(here_warm=10, there_warm=20, there_cold=30).pays(1_000)


def test_up_is_up() -> None:
    assert is_up("flagship", "small")
    assert not is_up("mid", "mid")
    assert not is_up("small", "mid")
