"""What the benchmark of budgets is made of: a stage of gateways on one store, callers, and the usual ways beside ours."""
