"""Entries for tests."""

from typing import Any

from farthing.store.entries import Entry

NOW_US = 1_790_000_000_000_000
SECOND = 1_000_000
HOUR = 3600 * SECOND
ANSWER = b'{"choices": [{"message": {"role": "assistant", "content": "Within thirty days, with the receipt."}}]}'


def an_entry(name: str = "e1", **changes: Any) -> Entry:
    """One of tenant acme; its exact fingerprint comes from its name."""
    values: dict[str, Any] = {
        "id": name, "tenant": "acme", "scope": "support", "owner": "ana", "team": "care", "format": "openai.chat",
        "model": "gpt-5.4-mini", "asked": "auto", "encoder": "minilm", "exact": f"print of {name}".encode(),
        "context": b"context 1", "question": "How do I get a refund?", "vector": b"\x01\x7f\x80\x00 vector",
        "answer": ANSWER, "cost": 120_000, "in_tokens": 40, "out_tokens": 12, "created_us": NOW_US,
        "expires_us": NOW_US + HOUR, "source_call": "call-1", "tags": ("faq", "v2"),
    }  # fmt: skip
    return Entry(**{**values, **changes})
