import json
import logging
from collections.abc import Iterator

import pytest

from farthing.gateway.logs import JsonLines, Text, set_up_logs
from farthing.settings import LogSettings


@pytest.fixture(autouse=True)
def restored_logs() -> Iterator[None]:
    """Logs are the process's own: what a test sets up there must not outlive it."""
    loggers = [logging.getLogger(name) for name in ("", "farthing", "uvicorn.error", "uvicorn.access")]
    before = [(list(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers, logger.level, logger.propagate = handlers, level, propagate
        logger.setLevel(level)


def record(message: str, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("farthing.gateway", logging.WARNING, __file__, 1, message, (), None)
    made.__dict__.update(fields)
    return made


def test_a_line_of_json_whatever_is_in_it() -> None:
    line = JsonLines().format(record('a\n"b"\x1b[2J', call_id="call-1", secret="x"))
    assert "\n" not in line and "\x1b" not in line
    said = json.loads(line)
    assert said["message"] == 'a\n"b"\x1b[2J' and said["call_id"] == "call-1" and "secret" not in said


def test_an_exception_is_named_and_not_quoted() -> None:
    made = record("failed")
    made.exc_info = (ValueError, ValueError("a secret prompt"), None)
    assert "secret" not in JsonLines().format(made) and json.loads(JsonLines().format(made))["error"] == "ValueError"


def test_text_for_people_in_one_line() -> None:
    assert Text().format(record("a\nb", url="http://x")).endswith("warning a b  url=http://x")


def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(LogSettings(level="error"))
    logging.getLogger("farthing.gateway").warning("quiet")
    logging.getLogger("farthing.gateway").error("loud")
    logging.getLogger("uvicorn.access").info("GET /v1/secret")
    said = capsys.readouterr().err
    assert "loud" in said and "quiet" not in said and "secret" not in said
