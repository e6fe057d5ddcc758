"""What the page of one call is made of: its record in parts that a template can show, with every amount exact."""
