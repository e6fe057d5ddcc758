"""What a request's structure says of its kind of work, whatever its words: the schema of its answer, and the few forms in
which a model is asked for what a text vector does. Only what is nearly sure; all else is left to the classifier.
"""

import re
from typing import NamedTuple

from farthing.model.asked import Asked
from farthing.model.routes import TASKS

CLASSIFICATION, EXTRACTION, CODE, EMBEDDING = "classification", "extraction", "code", "embedding"
assert {CLASSIFICATION, EXTRACTION, CODE, EMBEDDING} <= set(TASKS)
SEVERAL = 3
"""Fields of a schema from which on it looks like a form that is filled in from a text."""
GIVEN = 200
"""Characters beside the ask, or of it, that count as a given text."""
LOOKED_AT = 1500
"""Characters at each end of the ask that are searched for a form."""


_WORKED_OUT = frozenset(("reasoning",))
"""An answer from a list may have to be worked out; that the text it is about is a story or source text says nothing."""
_HARDER = frozenset(("reasoning", "creative", "code", "summarisation", "qa", "rewrite"))


class Form(NamedTuple):
    """What the structure says."""

    task: str
    why: str
    unless: frozenset[str]
    """Harder kinds of work: it holds unless the words look like one of these."""


def structure(asked: Asked) -> Form | None:
    """What the structure says; None for most calls."""
    if asked.picks and not _is_letters(asked.labels):
        return Form(CLASSIFICATION, "the answer is one of a list of labels", _WORKED_OUT)
    if asked.fields >= SEVERAL and (asked.quoted >= GIVEN or len(asked.text) >= GIVEN):
        return Form(EXTRACTION, f"{asked.fields} fields are to be filled in from a given text", _HARDER)
    if not asked.code and not asked.tools and _asks_for_vectors(asked):
        return Form(EMBEDDING, "texts are compared by meaning, which an embedding model does", frozenset())
    return None


def is_agent(asked: Asked) -> bool:
    """Tools that the model may use as it likes: the work is more than the words of the ask."""
    return asked.tools > 0 and not asked.fields


def _is_letters(labels: tuple[str, ...]) -> bool:
    """Labels that are no kinds of anything, but the answers of an exam or a scale."""
    return bool(labels) and all(len(label) < 2 for label in labels)


def _asks_for_vectors(asked: Asked) -> bool:
    text = asked.text
    if len(text) > 2 * LOOKED_AT:
        text = text[:LOOKED_AT] + "\n" + text[-LOOKED_AT:]
    words = f"{asked.instructions[:LOOKED_AT]}\n{text}" if asked.instructions else text
    lowered = words.lower()
    for mark in _MARKS:  # quicker than `any` of a generator
        if mark in lowered:
            break
    else:
        return False
    return _COMPARES.search(lowered) is not None and (len(_ITEMS.findall(text)) > 1 or text.count("\n") > 1)


_MARKS = (
    "simil", "ähnlich", "relevan", "rerank", "duplicate", "duplikat", "closest", "nearest", "paraphrase", "same meaning",
    "best match", "best-match", "matching",
)  # fmt: skip
"""One of these is in every form; looked for first, since it is fast."""
_COMPARES = re.compile(
    r"how (?:semantically )?similar (?:are|is)|(?:semantic|textual|cosine|text) similarity|similarity (?:score|rating)"
    r"|(?:score|rate|return|give|compute) (?:me )?(?:the |a )?(?:semantic )?similarity"
    r"|wie ähnlich (?:sind|ist)|sont-elles similaires|sont-ils similaires|tan similares"
    r"|(?:rank|rerank|order|sort|score|rate)\b[^.\n]{0,60}\b(?:documents?|passages?|results?|candidates?|snippets?|items?)?"
    r"[^.\n]{0,40}\b(?:by|for|most to least|from most) ?(?:their |its )?relevan"
    r"|you are a re-?ranker|relevance (?:score|rating) (?:of|for|from|between)|nach relevanz|par pertinence|por relevancia"
    r"|which (?:of )?(?:these|the following|the)?[^.\n]{0,40}(?:is|are) (?:the )?most (?:relevant|similar)"
    r"|(?:find|list|return|which)\b[^.\n]{0,60}\b(?:near-?)?duplicates?\b|welche[^.\n]{0,40}duplikate|de-?duplicate the"
    r"|closest in meaning|semantically (?:closest|nearest|most similar)|most similar (?:to|example|item|entry|product)"
    r"|closest (?:match|field|entry|label)|nearest (?:match|label|entry|neighbou?r)|best[- ]match(?:ing)? (?:entry|item|label|candidate|record)"
    r"|paraphrases of each other|(?:have|with) the same meaning"
)
_ITEMS = re.compile(
    r"^\s*(?:[-*•]|\(?\[?[0-9A-Za-z]{1,3}[.):\]]|(?:text|doc|document|passage|sentence|q)\w? ?\d?:)\s",
    re.MULTILINE | re.IGNORECASE,
)
"""Lines that hold one of several things."""
