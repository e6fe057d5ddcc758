"""The gateway's own log: one line an alert."""

import logging

from farthing.finops.alerts.message import Message
from farthing.store.alerts import Entry

log = logging.getLogger("farthing.alerts")
LEVELS = {"alert": logging.ERROR, "warn": logging.WARNING, "no-data": logging.WARNING}


class LogChannel:
    """See the module."""

    async def send(self, entry: Entry, message: Message) -> None:
        log.log(
            LEVELS.get(message.severity, logging.INFO), "%s. %s", message.title, " ".join(message.lines),
            extra={"alert": entry.alert_id, "what": entry.what, "rule": entry.standing.rule},
        )  # fmt: skip
