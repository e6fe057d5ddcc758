"""From findings to changes of states and to notices: the one decision that runs inside the store's transaction. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import msgspec

from farthing.finops.alerts.finding import Finding
from farthing.finops.alerts.incidents import covers, first_of, incident_of
from farthing.finops.alerts.recipients import Recipients
from farthing.finops.alerts.states import Pace, begun, found, missed, told
from farthing.store.alerts import Change, Mute, Notice, Standing, What


class Found(NamedTuple):
    """A finding of a tenant."""

    tenant: str
    finding: Finding


class Decision:
    """What `Alerts.decide` calls. `looked_for`: the rules whose alerts are over if they were not found."""

    def __init__(
        self, findings: Sequence[Found], looked_for: Collection[str], now_us: int, pace: Pace, recipients: Recipients
    ) -> None:  # fmt: skip
        self._findings = findings
        self._looked_for = frozenset(looked_for)
        self._now_us = now_us
        self._pace = pace
        self._recipients = recipients

    def __call__(self, known: Mapping[str, Standing], mutes: Sequence[Mute]) -> Change:
        after: dict[str, Standing] = {}
        news: dict[str, What] = {}
        for tenant, finding in self._findings:
            fresh = begun(tenant, finding)
            new, what = found(after.get(fresh.id) or known.get(fresh.id, fresh), finding, self._now_us, self._pace)
            after[new.id] = msgspec.structs.replace(new, incident=incident_of(tenant, finding))
            if what is not None and not self._muted(new, mutes):
                news[new.id] = what
        notices = self._told(after, news, known)
        notices += self._over(after, known, mutes)
        changed = [each for each in after.values() if each != known.get(each.id)]
        return Change(changed, notices)

    def _muted(self, standing: Standing, mutes: Sequence[Mute]) -> bool:
        return any(mute.covers(standing, self._now_us) for mute in mutes)

    def _told(
        self, after: dict[str, Standing], news: Mapping[str, What], known: Mapping[str, Standing]
    ) -> list[Notice]:  # fmt: skip
        """One notice for each incident; whoever is in it counts as told."""
        groups: dict[str, list[str]] = {}
        for id_ in news:
            groups.setdefault(after[id_].incident or id_, []).append(id_)
        notices = []
        for incident, ids in groups.items():
            before = [each for each in known.values() if each.incident == incident and each.id not in ids]
            fresh = [after[id_] for id_ in ids]
            first = first_of(fresh)
            if any(covers(each, first) for each in before):
                at_stake = max(each.told_at_stake for each in before if covers(each, first))
                for id_ in ids:  # people know of it by what they were told, so that is what must double
                    after[id_] = msgspec.structs.replace(told(after[id_], self._now_us), told_at_stake=at_stake)
                continue
            what: What = "escalated" if before and _open(before) else news[first.id]
            for id_ in ids:
                after[id_] = told(after[id_], self._now_us)
            after[first.id] = told(first, self._now_us)
            notices.append(Notice(what, after[first.id], self._recipients(after[first.id])))
        return notices

    def _over(
        self, after: dict[str, Standing], known: Mapping[str, Standing], mutes: Sequence[Mute]
    ) -> list[Notice]:  # fmt: skip
        """What was looked for and is no more; the last one of an incident says so for all."""
        ended: dict[str, What] = {}
        for old in known.values():
            if old.id in after or old.rule not in self._looked_for:
                continue
            change = missed(old, self._now_us)
            if change is not None:
                after[old.id] = change[0]
                if change[1] is not None:
                    ended[old.id] = change[1]
        still = {each.incident for each in (*after.values(), *_untouched(known, after)) if each.state != "ok"} - {""}
        groups: dict[str, list[Standing]] = {}
        for id_ in ended:
            if after[id_].incident not in still and not self._muted(after[id_], mutes):
                groups.setdefault(after[id_].incident or id_, []).append(after[id_])
        return [
            Notice("resolved", first, self._recipients(msgspec.structs.replace(first, state=first.told_state)))
            for first in map(first_of, groups.values())
        ]


def _untouched(known: Mapping[str, Standing], after: Mapping[str, Standing]) -> list[Standing]:
    return [each for id_, each in known.items() if id_ not in after]


def _open(standings: Sequence[Standing]) -> bool:
    return any(each.state != "ok" and each.told_us >= each.since_us > 0 for each in standings)
