"""The pages in a real browser. A package, so that one browser serves all of its tests and is gone before those of others."""
