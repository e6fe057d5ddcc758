"""What the page on spend is made of: sums, those of the newest calls where none are kept, and the table of them."""
