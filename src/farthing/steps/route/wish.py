"""What a call wants of the choice: a model as it is named, or any that is good enough, within what it allows.

    auto            any model; auto:mid any up to that tier
    small, mid ...  a model of that tier
    a name          that model, unless policy lets a cheaper one that is as good take its place

`x-farthing-pin` names a model that nothing may replace. Where vectors or a count of tokens are asked for, another model
would give others, so a name is kept. Knows nothing of tables, prices and evidence.
"""

from collections.abc import Collection
from typing import Literal

import msgspec

from farthing.model.call import Call
from farthing.model.routes import ROUTED, TIERS, Tier
from farthing.settings import RoutingSettings

PIN = b"x-farthing-pin"
ANSWERS = frozenset(("openai.chat", "openai.responses", "anthropic.messages"))
"""Wires in which any model's answer can take the place of another's."""


class Wish(msgspec.Struct, frozen=True):
    kind: Literal["named", "auto", "tier", "substitute"]
    tiers: tuple[Tier, ...] = TIERS
    """Tiers that may serve it."""
    model: str = ""
    """The model that was named; empty where the choice is free."""


NAMED = Wish("named")
_AUTO: dict[str, Wish] = {
    "auto": Wish("auto"),
    **{f"auto:{tier}": Wish("auto", TIERS[: place + 1]) for place, tier in enumerate(TIERS)},
    **{tier: Wish("tier", (tier,)) for tier in TIERS},
}  # fmt: skip
assert _AUTO.keys() == ROUTED


class Wishes:
    """Reads wishes. `own_names` are the models that settings name: one that is called `small` is that model."""

    def __init__(self, settings: RoutingSettings, own_names: Collection[str]) -> None:
        self._substitute = settings.substitute
        self._free = {name: wish for name, wish in _AUTO.items() if name not in own_names}

    def of(self, call: Call) -> Wish:
        """What `call` wants."""
        pin = call.headers.get(PIN, b"").strip()
        if pin:
            return Wish("named", model=pin.decode("latin-1"))
        free = self._free.get(call.ask.model)
        if free is not None:
            return free
        if call.wire not in ANSWERS:
            return NAMED
        key = call.key
        allowed = key.substitute if key is not None and key.substitute is not None else self._substitute
        return Wish("substitute", model=call.ask.model) if allowed else NAMED

    def leaves_choice(self, call: Call) -> bool:
        """Whether the call is one that is routed."""
        return self.of(call).kind != "named"
