"""Parts of the page about own models."""
