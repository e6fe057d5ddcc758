"""OpenAI's usage and costs by day, as its admin API and its console export them. No single calls."""

from farthing.finops.reconcile.openai import read as read_bill
from farthing.planner.imports.reading import Sample

NAME = "openai-export"
TITLE = "OpenAI usage or costs (sums by day)"
PROVIDER = "openai"
bill = read_bill
_CSV = ({"num_model_requests", "input_tokens"}, {"line_item", "amount_value"}, {"line_item", "amount.value"})


def looks_like(sample: Sample) -> float:
    if any(each <= set(sample.layout.columns) for each in _CSV):
        return 0.95
    for row in sample.rows[:50]:
        found = row.get("results")
        results = found if isinstance(found, list) else [row]
        for each in results:
            if isinstance(each, dict) and str(each.get("object")).startswith(
                ("organization.usage", "organization.costs")
            ):
                return 1.0
        if row.get("object") == "bucket" and "start_time" in row:
            return 0.8
    return 0.0
