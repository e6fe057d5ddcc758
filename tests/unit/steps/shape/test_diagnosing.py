"""What a call lost, and why: by the text where it shows, else by what else was different."""

from hypothesis import given
from hypothesis import strategies as st

from farthing.model.marks import MESSAGE, SYSTEM, TOOLS, Place
from farthing.model.usage import Usage
from farthing.steps.shape.busters import Break
from farthing.steps.shape.diagnosing import ALL, LEAST_TOKENS, Loss, Sent, diagnose, in_words
from farthing.steps.shape.watching import Parted

DATE = Break("date", 0, 30, 8_000, "00:00")


class Way:
    def __init__(self, way: str = "automatic", least: int = 1_024) -> None:
        self.way, self.least = way, least


def parted(shared: int = 0, broken: Break | None = None, since: float = 60.0, **more: str) -> Parted:
    at = {"deployment": "a", "model": "m"} | more
    return Parted(shared, Place(SYSTEM, 0, 0), since, at["deployment"], at["model"], broken)


def sent(read: int = 0, fresh: int = 5_000, marked: bool = False, held_s: float = 300.0) -> Sent:
    return Sent(Usage(uncached_in=fresh, cache_read=read), 0.25, "a", "m", marked, held_s)


def test_what_would_have_been_read_without_the_date_is_lost() -> None:
    assert diagnose(parted(0, DATE), sent(), Way()) == Loss("date", "system 1", 30, 2_007, "00:00")
    assert diagnose(parted(4_000, DATE), sent(read=1_000), Way()) == Loss("date", "system 1", 30, 2_007, "00:00")
    assert diagnose(parted(0, DATE), sent(read=2_000), Way()) is None
    assert diagnose(parted(0, DATE, since=301.0), sent(), Way()) is None
    assert diagnose(parted(0, DATE), sent(), Way(least=4_096)) is None
    assert diagnose(parted(0, DATE, since=-0.1), sent(), Way()) is None, "both were under way together"
    found = diagnose(parted(0, DATE._replace(kind="settings")), sent(), Way())
    assert found is not None and (found.kind, found.place) == ("settings", "settings")


def test_reasons_that_no_text_shows() -> None:
    def kind(where: Parted, what: Sent, way: Way | None = None) -> str:
        found = diagnose(where, what, way or Way())
        return found.kind if found is not None else ""

    assert kind(parted(8_000), sent()) == "unexplained"
    assert kind(parted(8_000), sent(read=1_000)) == ""
    assert kind(parted(8_000, deployment="b"), sent()) == "host"
    assert kind(parted(8_000, model="m-2"), sent()) == "model"
    assert kind(parted(8_000, since=400.0), sent()) == "gap"
    assert kind(parted(8_000, since=90_000.0), sent()) == ""
    assert kind(parted(3_600), sent()) == "minimum"
    assert kind(parted(2_000), sent()) == ""
    assert kind(parted(3_600, since=400.0), sent()) == ""
    found = diagnose(parted(8_000), sent(), Way("marks"))
    assert found is not None and (found.kind, found.place) == ("unmarked", ALL)
    assert kind(parted(8_000, DATE), sent(), Way("marks")) == "unmarked"
    assert kind(parted(0, DATE), sent(marked=True), Way("marks")) == "date"
    assert kind(parted(8_000), sent(marked=True), Way("marks")) == "unexplained"
    assert kind(parted(8_000, since=400.0), sent(), Way("marks")) == ""


def test_places_are_counted_from_one_and_late_messages_share_one() -> None:
    assert in_words(Place(TOOLS, -1, 0)) == "tools"
    assert in_words(Place(SYSTEM, -1, 1)) == "system 2"
    assert in_words(Place(SYSTEM, 0, 0)) == "system 1"
    assert [in_words(Place(MESSAGE, at, 0)) for at in (0, 7, 8, 90)] == [
        "message 1",
        "message 8",
        "message 9+",
        "message 9+",
    ]


@given(
    st.integers(0, 40_000), st.integers(0, 9_000), st.integers(0, 9_000), st.floats(0, 90_000), st.booleans(),
    st.sampled_from(["marks", "automatic", "breakpoints"]), st.booleans(),
)  # fmt: skip
def test_no_more_is_lost_than_was_not_read(
    shared: int, read: int, fresh: int, since: float, marked: bool, way: str, broken: bool
) -> None:
    found = diagnose(parted(shared, DATE if broken else None, since), sent(read, fresh, marked), Way(way))
    assert found is None or LEAST_TOKENS <= found.tokens <= fresh
