"""What kind of work a call does: declared, by its template, by its structure, by a classifier that may abstain."""
