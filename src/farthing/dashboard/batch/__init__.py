"""Parts of the pages about work that can wait."""
