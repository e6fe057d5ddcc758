"""How far off counts of tokens are that nobody was asked for, by language and content.

What counts as true is what a vocabulary says: o200k for whoever has only bytes, cl100k for whoever has o200k and meets a
provider with another vocabulary. The ratio is learned from the first half of the texts and tried on the second, a text a
call. `mixed` has seen calls of all kinds in turn and tells scripts apart, `learned` only those of its own kind.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rs_bpe.bpe import openai

from farthing.catalog.token_ratio import TokenRatios, by_bytes, plain, script_of

ROOT = Path(__file__).resolve().parents[2]
CHARACTERS = 600
"""Of a call."""
CALLS = 80
"""Of each kind, at least."""
# ruff: noqa: RUF001 (punctuation of other languages)
LANGUAGES = {
    "German": "Die Lieferung kam am Dienstag an, aber zwei Teile fehlten. Bitte schicken Sie uns die fehlenden Schrauben und eine "
    "neue Rechnung. Wir haben den Betrag bereits überwiesen und möchten keine Mahnung mehr bekommen. Die Geschäftsführung wurde "
    "benachrichtigt, und die Versandabteilung prüft den Vorgang. Außerdem wünschen wir eine Bestätigung per E-Mail. ",
    "French": "La livraison est arrivée mardi, mais il manquait deux pièces. Veuillez nous envoyer les vis manquantes et une nouvelle "
    "facture. Nous avons déjà viré le montant et ne souhaitons plus recevoir de rappel. La direction a été informée, et le service "
    "d'expédition examine l'affaire. Nous aimerions aussi une confirmation par courriel. ",
    "Chinese": "货物星期二到了，但是少了两个零件。请把缺少的螺丝和新的发票寄给我们。我们已经付款，不想再收到催款通知。管理层已经知道这件事，"
    "发货部门正在检查。另外我们希望收到电子邮件确认。",
    "Hindi": "सामान मंगलवार को आया, लेकिन दो पुर्जे कम थे। कृपया हमें छूटे हुए पेंच और नया बिल भेजें। हमने पैसे भेज दिए हैं और अब कोई याद दिलाने वाला पत्र नहीं चाहते। "
    "प्रबंधन को बता दिया गया है और भेजने वाला विभाग जाँच कर रहा है। ",
    "Arabic": "وصلت الشحنة يوم الثلاثاء لكن كان ينقصها قطعتان. نرجو إرسال البراغي الناقصة وفاتورة جديدة. لقد حولنا المبلغ ولا نريد "
    "أي تذكير آخر. تم إبلاغ الإدارة ويقوم قسم الشحن بفحص الأمر. ",
}  # fmt: skip


def contents() -> dict[str, str]:
    """Kind of content -> a long text of it."""
    facts = (ROOT / "src/farthing/catalog/models.json").read_bytes()
    compact = msgspec.json.encode(msgspec.json.decode(facts)).decode()
    known = {
        "English": (ROOT / "README.md").read_text() + (ROOT / "docs/explanation/design.md").read_text(),
        "Python": (ROOT / "src/farthing/quality/evalset.py").read_text(),
        "JSON, compact": compact,
        "JSON, indented": msgspec.json.format(compact, indent=4),
        **LANGUAGES,
    }
    return {name: text * -(-CALLS * CHARACTERS // len(text)) for name, text in known.items()}


def table() -> list[dict[str, Any]]:
    """Prints it; gives its rows."""
    truths: dict[str, Callable[[str], int]] = {
        "o200k": openai.o200k_base().count, "cl100k": openai.cl100k_base().count
    }  # fmt: skip
    calls = {name: _cut(text) for name, text in contents().items()}
    rows = []
    print(f"\n{'counted by':<12}{'true':<8}{'content':<18}{'as it is':>9}{'mixed':>9}{'learned':>9}")
    for by, true, count in (("bytes", "o200k", _bytes), ("o200k", "cl100k", plain)):
        mixed = TokenRatios()
        for each in zip(*(texts[: len(texts) // 2] for texts in calls.values()), strict=False):
            for text in each:
                mixed.learn("m", count(text), truths[true](text), by, script_of(text))
        for name, texts in calls.items():
            half = len(texts) // 2
            own = TokenRatios()
            for text in texts[:half]:
                own.learn("m", count(text), truths[true](text), by)
            plainly, blended, learned = (
                _error(texts[half:], count, truths[true], ratio)
                for ratio in (1.0, mixed.ratio("m", by, script_of(texts[0])), own.ratio("m", by))
            )
            rows.append(
                {"by": by, "true": true, "content": name, "plain": plainly, "mixed": blended, "learned": abs(learned)}
            )
            print(f"{by:<12}{true:<8}{name:<18}{plainly:>+9.1%}{blended:>+9.1%}{learned:>+9.1%}")
    return rows


def _bytes(text: str) -> int:
    return by_bytes(len(text.encode()))


def _cut(text: str) -> list[str]:
    """Into calls, in an order that mixes its parts."""
    pieces = [text[at : at + CHARACTERS] for at in range(0, len(text) - CHARACTERS, CHARACTERS)]
    return [*pieces[::2], *pieces[1::2]] or [text]


def _error(texts: Sequence[str], count: Callable[[str], int], true: Callable[[str], int], ratio: float) -> float:
    """Of the sum."""
    return ratio * sum(map(count, texts)) / max(1, sum(map(true, texts))) - 1
