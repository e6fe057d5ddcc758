"""The catalog: what each model is and can do, which models stand for which tier, and what a call is expected to cost.

Knows nothing of the quality of answers: that is measured, in `quality/`.
"""

from farthing.catalog.catalog import Catalog
from farthing.catalog.costs import Costs
from farthing.catalog.expect import Expect
from farthing.catalog.facts import KINDS, Kind, ModelFacts, facts_of

__all__ = ["KINDS", "Catalog", "Costs", "Expect", "Kind", "ModelFacts", "facts_of"]
