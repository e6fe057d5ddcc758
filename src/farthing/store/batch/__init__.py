"""Jobs, lines, shards and files of work that can wait."""
