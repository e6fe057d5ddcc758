from farthing.steps.balance.circuit import PROBED_S, Circuit


def circuit(after: int = 3, open_s: float = 10.0) -> Circuit:
    return Circuit(after, open_s, lambda: 0.0)


def test_opens_after_failures_in_a_row() -> None:
    one = circuit()
    for _ in range(5):
        one.failed(1.0, "down")
        one.failed(1.0, "down")
        assert one.position == "closed"
        one.succeeded()
    for _ in range(3):
        one.failed(2.0, "down")
    assert (one.position, one.since, one.why, one.wait(2.0), one.wait(12.0)) == ("open", 2.0, "down", 10.0, 0.0)


def test_one_probe_at_a_time() -> None:
    one = circuit(after=1)
    one.failed(0.0, "down")
    one.sent()
    assert one.position == "half-open" and one.wait(11.0) == PROBED_S
    one.failed(11.0, "still down")
    assert (one.position, one.since, one.wait(11.0)) == ("open", 0.0, 10.0) or one.since == 11.0
    one.sent()
    one.undecided()
    assert one.wait(22.0) == 0
    one.sent()
    one.succeeded()
    assert (one.position, one.since, one.wait(22.0), one.failures) == ("closed", 0.0, 0.0, 0)


def test_what_lasts_opens_at_once() -> None:
    one = circuit()
    one.failed(0.0, "no money", for_s=60.0)
    assert one.wait(0.0) == 60.0


def test_chance_keeps_deployments_apart() -> None:
    one = Circuit(1, 10.0, lambda: 1.0)
    one.failed(0.0, "down")
    assert one.wait(0.0) == 12.0
