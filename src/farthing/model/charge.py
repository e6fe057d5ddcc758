"""What one call costs one budget: on its way to the store together with the call's record, and in the journal until then."""

import msgspec


class Charge(msgspec.Struct):
    """While an attempt is under way the amount is what was reserved for it; in the end it is what was used."""

    budget: str
    member: str
    window: str
    """Id of the window in which the call was admitted: it is charged there, whenever it ends."""
    holder: str
    """Whose lease it is taken from; empty where there is none."""
    amount: int
    """In the budget's unit: nano-dollars, tokens or calls."""
