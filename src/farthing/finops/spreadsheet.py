"""Words of callers in tables that people open in a spreadsheet."""


def harmless(text: str) -> str:
    """A word that a spreadsheet would run as a formula is marked as text, and what is no letter becomes a blank."""
    text = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text
