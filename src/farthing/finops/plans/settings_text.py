"""Settings that a plan proposes, as text of `farthing.toml`, and that text put into a file without touching what else is in it.

A merge is checked: what the new text says must be what both texts say together, or it is refused. So comments, order and
spaces stay, and nothing is ever lost in a file that is written in some other way.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from farthing.finops.plans.stages import RISKS, is_ready, worth_doing
from farthing.model.money import show_dollars
from farthing.model.plan import LeverPlan

_HEADER = re.compile(r"\s*\[[^\[].*\]\s*(#.*)?")
Places = tuple[str, ...]


class _Part(NamedTuple):
    said: str
    toml: str
    off: bool


def proposed(levers: Sequence[LeverPlan]) -> str:
    """The settings of the levers that save, the safest first; those that need proof, or somebody's word, as comments."""
    kept = {each.lever for each in worth_doing(levers)}
    parts = []
    for risk in RISKS:
        for each in levers:
            if each.risk != risk or each.lever not in kept:
                continue
            said = f"{each.lever}, {each.risk}: {show_dollars(each.beside.likely)} a month. {each.caution}"
            parts.append(_Part(said, each.toml, each.risk == "needs proof" or each.is_bound))
    return _written(parts)


def chosen(levers: Sequence[LeverPlan], names: Iterable[str]) -> str:
    """The settings of these levers, all of them in force."""
    wanted = set(names)
    return _written([_Part("", each.toml, False) for each in levers if each.lever in wanted and is_ready(each)])


def _written(parts: Sequence[_Part]) -> str:
    """Each table once, however many levers have a setting in it."""
    tables: dict[str, list[tuple[bool, str]]] = {}
    for part in parts:
        header, said = "", part.said
        for line in part.toml.splitlines():
            if _HEADER.fullmatch(line):
                header = line.strip()
            elif line.strip():
                lines = tables.setdefault(header, [])
                if said:
                    lines.append((True, f"# {said}"))
                    said = ""
                if not part.off:  # a lever on top of another one says more of the same setting
                    lines[:] = [each for each in lines if each[0] or _key(each[1]) != _key(line)]
                lines.append((part.off, f"# {line}" if part.off else line))
    found = []
    for header, lines in tables.items():
        head = [f"# {header}" if all(off for off, _ in lines) else header] if header else []
        found.append("\n".join([*head, *(text for _, text in lines)]) + "\n")
    return "\n".join(found)


def _key(line: str) -> str:
    return line.partition("=")[0].strip()


def flat(toml: str) -> dict[Places, Any]:
    """Each setting by its place. Raises ValueError for what is no TOML."""
    return dict(_flat((), tomllib.loads(toml)))


def _flat(at: Places, node: Mapping[str, Any]) -> Iterable[tuple[Places, Any]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _flat((*at, name), value)
        else:
            yield (*at, name), value


def merged(text: str, more: str) -> str:
    """`text` with the settings of `more` in it. Raises ValueError where that cannot be done line by line."""
    wanted = _together(tomllib.loads(text), tomllib.loads(more))
    lines = text.splitlines()
    for header, added in _tables(more):
        begin, end = _table(lines, header)
        if begin < 0:
            lines = [*lines, *([""] if lines and lines[-1].strip() else []), header, *added]
            continue
        for line in added:
            key = line.partition("=")[0].strip()
            at = next((n for n in range(begin + 1, end) if lines[n].partition("=")[0].strip() == key), -1)
            if at >= 0:
                lines[at] = line
            else:
                end = next((n for n in range(end, begin, -1) if lines[n - 1].strip()), begin + 1)
                lines.insert(end, line)
                end += 1
    result = "\n".join(lines) + "\n"
    try:
        same = tomllib.loads(result) == wanted
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        raise ValueError("the file is written in a way that settings cannot be put into by themselves")
    return result


def _tables(text: str) -> list[tuple[str, list[str]]]:
    """The headers of a text of ours, each with its lines."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if _HEADER.fullmatch(line):
            found.append((line.strip(), []))
        elif line.strip() and not line.lstrip().startswith("#") and found:
            found[-1][1].append(line)
    return found


def _table(lines: Sequence[str], header: str) -> tuple[int, int]:
    """Where a table begins and ends; -1 where there is none."""
    place = _place(header)
    begin = next((n for n, line in enumerate(lines) if _HEADER.fullmatch(line) and _place(line) == place), -1)
    end = next((n for n in range(begin + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
    return begin, end


def _place(header: str) -> Places:
    try:
        node: Any = tomllib.loads(header)
    except tomllib.TOMLDecodeError:
        return ("", header)  # a line of an array that looks like a header
    place: list[str] = []
    while node:
        ((name, node),) = node.items()
        place.append(name)
    return tuple(place)


def _together(one: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(one)
    for name, value in more.items():
        before = found.get(name)
        found[name] = _together(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return found
