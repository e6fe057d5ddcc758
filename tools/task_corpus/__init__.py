"""Prompts written for training the task classifier: banks of texts, and families of phrasings that put them to work."""
