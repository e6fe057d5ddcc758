"""Fields that a log has as tags: people who have no place for a feature write the tag `feature:chat`. Knows no format."""

from farthing.model.past import PastCall
from farthing.planner.imports.values import BARE

FIELDS = ("feature", "team", "project", "user")


def named(call: PastCall) -> PastCall:
    """The call, with tags of these names as its fields where the log says them nowhere else. A tag that tells something else
    than its field stays, and so does one without a value."""
    for field in FIELDS:
        said, known = call.tags.get(field, BARE), getattr(call, field)
        if said != BARE and known in ("", said):
            setattr(call, field, said)
            call.tags = {tag: value for tag, value in call.tags.items() if tag != field}
    return call
