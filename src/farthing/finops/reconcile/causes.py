"""The names of differences between a bill and the ledger, and what each means."""

OUTSIDE = "traffic outside the gateway"
MISSING = "missing calls"
NOT_BILLED = "not on the bill"
UNPRICED = "unpriced"
ABORTED = "aborted or unknown-cost calls"
CACHE = "cache class"
TIER = "batch or tier"
LATE = "late batch"
ZONE = "time zone"
PRICE = "other price or contract"
CREDITS = "credits"
CHARGES = "other charges"
ROUNDING = "rounding"
UNEXPLAINED = "unexplained"

MEANING = {
    OUTSIDE: "used with keys that are not the gateway's",
    MISSING: "on the bill and not in the ledger: calls that went past the gateway, or that it lost",
    NOT_BILLED: "in the ledger and not on the bill, at least not yet",
    UNPRICED: "calls that the ledger has without a cost, since no price was known",
    ABORTED: "calls that ended without usage, or whose usage we had to count",
    CACHE: "the same input, counted or priced as another class of the provider's cache",
    TIER: "the same tokens in another service tier, or at another tier's price",
    LATE: "batches that are billed on a later day than they ran here",
    ZONE: "days that begin at another hour than UTC's",
    PRICE: "the same tokens at another price: a contract, a price list that changed; see farthing rerate",
    CREDITS: "what the provider takes off",
    CHARGES: "charges that are no tokens of a model",
    ROUNDING: "the last digits of amounts",
    UNEXPLAINED: "no cause was found",
}

NOT_CAPTURED = (OUTSIDE, MISSING, ABORTED, CHARGES)
"""What is on the bill and has no counterpart in the ledger."""
