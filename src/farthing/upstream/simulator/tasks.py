"""placeholder until the bank follows"""


def attempt(prompt: str, model: object, seed: int) -> str | None:
    return None
