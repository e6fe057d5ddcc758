"""What the gateway says about itself, as JSON lines or as text. Never a prompt, an answer or a secret: callers' words are
not logged at all, and errors are logged by type and place."""

import json
import logging
import sys
from datetime import UTC, datetime

from farthing.settings import LogSettings

FIELDS = (
    "call_id",
    "error",
    "places",
    "host",
    "port",
    "workers",
    "url",
    "count",
    "provider",
    "shard",
    "part",
    "schedule",
)
"""What may stand beside a message."""


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in FIELDS if (value := record.__dict__.get(name)) is not None}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, default=str)


class Text(logging.Formatter):
    """For people at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name in FIELDS if (value := record.__dict__.get(name)) is not None)
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        line = f"{at} {record.levelname.lower():7} {record.getMessage()}" + (f"  {fields}" if fields else "")
        return "".join(char if char.isprintable() else " " for char in line)


def set_up_logs(settings: LogSettings) -> None:
    """Log to standard error. uvicorn's messages come the same way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if settings.format == "json" else Text())
    for name in ("farthing", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(settings.level.upper())
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, logging.getLevelName(settings.level.upper())))
    logging.getLogger().handlers = [handler]  # what other libraries warn of must be a line of the same form
    logging.getLogger("uvicorn.access").propagate = False  # a line a call; the ledger has more in it
    # It writes a line for each form that is none: as many as clients like.
    logging.getLogger("python_multipart").propagate = False
