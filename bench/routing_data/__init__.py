"""What `bench/routing.py` needs: recorded outcomes, measures of a routing, routers that are fitted on one part of them."""
