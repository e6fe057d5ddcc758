"""The form of an answer as a schema, where its caller wants JSON but does not say of which form.

Only where the request's own words ask for JSON and it names no tools, and where every model that it may go to can be held to a
schema: whoever reads prose must not get JSON.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b

from farthing.model.call import Call
from farthing.steps.shape.control import Change, Places, Quiet
from farthing.steps.shape.places import deployments
from farthing.wire.answer_schema import AnswerSchema, can_carry, with_schema
from farthing.wire.asked import asked as read_asked

Holds = Callable[[str], bool]
"""Whether a model can be held to a schema, by the name that its provider has for it."""


class Schema(Quiet):
    """See the module."""

    name = "schema"

    def __init__(self, schema: AnswerSchema, places: Places, holds: Holds) -> None:
        self.key = "schema " + blake2b(bytes(schema.schema), digest_size=4).hexdigest()
        self._schema = schema
        self._places = places
        self._holds = holds

    def change(self, call: Call, models: Sequence[str], beside: frozenset[str]) -> Change | None:
        where = deployments(self._places, models)
        if not where or not can_carry(call.wire, self._schema):
            return None
        for place in where:
            if not self._holds(place.model) or ("claude" in place.model and not self._schema.strict):
                return None
        if call.asked is None:
            call.asked = read_asked(call.wire, call.body)
        asked = call.asked
        if asked is None or asked.tools or asked.schema:
            return None
        if not asked.json and "json" not in asked.instructions.lower() and "json" not in asked.text.lower():
            return None
        made = with_schema(call.wire, call.body, self._schema)
        return (
            None if made is call.body else Change(made, f"the schema {self._schema.name}", "the prompt asks for JSON")
        )
