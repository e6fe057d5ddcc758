"""`farthing simulate`: nobody is told of a server that does not come about."""

import socket
from collections.abc import Callable

import pytest
from click.testing import Result


@pytest.mark.parametrize(
    ("fault", "said"),
    [("no-such=0.1", "no fault is called"), ("drop", "NAME=SHARE"), ("drop=2", "between 0 and 1")],
)
def test_faults_that_there_are_not(farthing: Callable[..., Result], fault: str, said: str) -> None:
    done = farthing("simulate", "--fault", fault)
    assert done.exit_code == 2
    assert said in done.output
    assert "serves" not in done.output


def test_an_address_that_is_taken(farthing: Callable[..., Result]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = farthing("simulate", "--port", str(taken.getsockname()[1]))
    assert done.exit_code != 0
    assert "cannot listen" in done.output
    assert "serves" not in done.output
