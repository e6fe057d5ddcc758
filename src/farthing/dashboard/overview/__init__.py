"""The parts of the overview, each from sums to what its place on the page shows; `pages.overview` puts them together."""
