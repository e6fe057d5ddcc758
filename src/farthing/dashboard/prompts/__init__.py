"""What the page on prompts is made of."""
