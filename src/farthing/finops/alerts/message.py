"""What people read: a title, some lines, a link. No prompts, no secrets; amounts and names only."""

from datetime import UTC, datetime
from urllib.parse import quote

import msgspec

from farthing.finops.alerts.incidents import scope_of
from farthing.model.money import show_dollars
from farthing.store.alerts import Entry, Standing, What

WORDS: dict[What, str] = {
    "raised": "", "escalated": "Worse: ", "reminder": "Still: ", "resolved": "Over: ", "acknowledged": "Acknowledged: ",
    "test": "Test: ", "digest": "",
}  # fmt: skip
LONGEST = 1_500


class Message(msgspec.Struct, frozen=True):
    """One alert's news for people."""

    title: str
    lines: tuple[str, ...]
    severity: str
    link: str = ""

    @property
    def text(self) -> str:
        return "\n".join((*self.lines, *([self.link] if self.link else [])))


def message_of(entry: Entry, link: str = "") -> Message:
    """`link`: the address of the pages, empty where there is none."""
    if entry.what == "digest":
        return _digest(entry.standing, link)
    standing = entry.standing
    title = f"{WORDS[entry.what]}{standing.rule.replace('_', ' ')}, {scope_of(standing)}"
    if standing.tenant != "default":
        title += f" (tenant {standing.tenant})"
    lines = [standing.text]
    if entry.what == "resolved":
        lines = [f"It is over. It was, since {_moment(standing.since_us)}: {standing.text}"]
    elif standing.at_stake:
        lines.append(f"At stake: {show_dollars(standing.at_stake)}.")
    if standing.cause:
        lines.append(standing.cause)
    if standing.also:
        lines.append(f"The same shows in: {', '.join(standing.also)}.")
    severity = "ok" if entry.what == "resolved" else standing.state
    where = f"{link}/alerts?alert={quote(standing.id)}" if link else ""
    return Message(_plain(title), tuple(_plain(line) for line in lines), severity, where)


def _digest(standing: Standing, link: str) -> Message:
    """Its first line is the title; nothing in it is an alarm."""
    title, *lines = standing.text.split("\n")
    if standing.tenant != "default":
        title += f" (tenant {standing.tenant})"
    where = f"{link}/alerts" if link else ""
    return Message(_plain(title), tuple(map(_plain, lines)), "ok", where)


def _plain(text: str) -> str:
    """Names are chosen by callers: nothing in them may command a terminal or break a line."""
    return "".join(char if char.isprintable() else " " for char in text)[:LONGEST]


def _moment(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
