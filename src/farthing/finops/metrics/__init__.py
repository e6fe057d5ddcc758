"""The six metrics: what a query, a user, a feature cost, and how well tokens, cache and tiers are used.

`facts` reads the sums, `six` makes the metrics from them, `metric` is what one is. `read` does it all.
"""

from farthing.finops.metrics.metric import Beside, Metric, Target
from farthing.finops.metrics.report import FeatureCost, Metrics, Options, read

__all__ = ["Beside", "FeatureCost", "Metric", "Metrics", "Options", "Target", "read"]
