"""The step that keeps calls to learn from, and what it is made of."""
