"""How good answers are: judges and what follows from their word. No provider is spoken to here but through the pipeline."""
