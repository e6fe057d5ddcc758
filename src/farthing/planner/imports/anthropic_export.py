"""Anthropic's usage and cost reports by day, as its admin API and its console export them. No single calls."""

from farthing.finops.reconcile.anthropic import read as read_bill
from farthing.planner.imports.reading import Sample

NAME = "anthropic-export"
TITLE = "Anthropic usage or costs (sums by day)"
PROVIDER = "anthropic"
bill = read_bill
_ONE_OF = {
    "uncached_input_tokens", "usage_input_tokens_no_cache", "input_tokens_no_cache", "usage_date_utc", "cost_usd", "token_type",
    "cost_type",
}  # fmt: skip


def looks_like(sample: Sample) -> float:
    if len(_ONE_OF & set(sample.layout.columns)) >= 2:
        return 0.95
    for row in sample.rows[:50]:
        found = row.get("results")
        if "starting_at" in row and isinstance(found, list):
            inner = [each for each in found if isinstance(each, dict)]
            return 1.0 if any(_ONE_OF & set(each) or "amount" in each for each in inner) else 0.7
    return 0.0
