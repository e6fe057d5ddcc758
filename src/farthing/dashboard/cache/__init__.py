"""What the page on the cache is made of, a part a file."""
