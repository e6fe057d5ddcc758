"""Work that can wait: packed into providers' batches, watched, settled line by line, promoted before it is late."""
