"""What the page on routing is made of, a part a file."""
