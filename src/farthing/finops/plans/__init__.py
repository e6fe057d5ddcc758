"""A plan as people work with it: kept whole, in stages, beside another, beside what then happened, and as settings. How one is made
is for `planner`."""
