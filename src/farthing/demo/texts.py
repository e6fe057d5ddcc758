"""What the company's prompts are made of: its handbook and conventions, its customers' troubles and questions."""

import json
import random
from functools import lru_cache
from typing import Any

from farthing.upstream.simulator import prose

PARTS = ("lamp", "desk", "chair", "shelf", "cable", "monitor", "keyboard", "drawer")

_RULES = (
    "Greet the customer by name and thank them for writing.",
    "An order that is more than five days late is sent again at no cost, by express.",
    "A refund up to 40 euros needs no approval; above that, pass the case to a person and say so.",
    "Never promise a delivery date; name the carrier and the tracking number instead.",
    "For damaged goods ask for a photograph before anything else.",
    "An invoice with a wrong amount goes to accounting with the order number and the amount that was expected.",
    "Subscriptions end at the end of the month in which they were cancelled.",
    "Answer in the customer's language, in at most five sentences, without exclamation marks.",
    "If the customer asks for a person, do not argue: give the telephone number and the opening hours.",
    "Passwords are never asked for, and never sent.",
)
AGAIN = (
    "IMPORTANT: never promise a delivery date.",
    "Remember: at most five sentences, in the language that the customer writes in.",
    "It is very important that no password is asked for or sent.",
    "Do not argue with customers who want to talk to a person. Give them the telephone number.",
    "Again: without a photograph nothing is done about damaged goods.",
    "Refunds above 40 euros MUST be passed to a person.",
    "Please make sure to thank the customer for writing.",
    "NO exclamation marks.",
)
"""Rules that people have said once more at the end of a prompt, after something went wrong."""


def _policy(at: int, part: str) -> str:
    return (
        f"{part.capitalize()}s may be sent back within {14 + 2 * at} days if their packing is whole, and within {7 + at} if it is not. "
        f"The way back costs {4 + at},90 euros below an order of {40 + 10 * at} euros and nothing above it. The warranty on a {part} "
        f"is {2 + at % 4} years on the frame and one on what moves or wears; a {part} from the outlet has none. Spare parts for a {part} "
        f"are kept for {5 + at % 5} years after the last one was sold and are sent free of charge in the first year. A {part} that does "
        f"not fit through the door is taken back by the carrier, who notes it on the slip; the fee of {19 + 5 * at} euros is waived once "
        f"for each customer. Whoever buys {3 + at % 3} {part}s or more gets {3 + at} percent off, but not on sale prices."
    )


_POLICIES = "\n".join(f"{at}. {_policy(at, part)}" for at, part in enumerate(PARTS, start=1))
HANDBOOK = "\n".join(
    (
        "# Rules",
        *(f"- {rule}" for rule in _RULES),
        "# What we sell",
        _POLICIES,
        "# Once more",
        *(f"- {rule}" for rule in AGAIN),
    )
)
"""Long enough that providers keep it in their prompt caches. Its last part says again what was said."""

GUIDE = " ".join(
    f"Convention {number}: {rule}"
    for number, rule in enumerate(
        (
            "amounts are integers of cents; a float on the way from a price to an invoice is a mistake, whatever it rounds to.",
            "a function does one thing and its name says which; a comment says why, never what.",
            "every change of behaviour comes with a test that failed before it and passes after it.",
            "tables are changed by a migration that runs while the shop is open; a column is dropped one release later.",
            "errors name what was wrong, where, and what to do; nothing is caught that cannot be mended.",
            "a branch lives for a day; what is larger goes in behind a switch, in pieces that each make sense.",
            "dependencies are pinned, few, and looked at before they are added: age, upkeep, weight, licence.",
            "logs never hold names, addresses, card numbers or anything else that a customer would not print.",
        )
        * 22,
        start=1,
    )
)
"""A long prompt that an agent sends with each turn: longer than the 4,096 tokens from which Opus caches."""

TROUBLES = (
    "my order {n} has not come and the tracking page says nothing since Monday",
    "the invoice for order {n} says {m} euros but the shop showed less",
    "the lamp in order {n} arrived with a broken shade, what now",
    "please cancel my subscription, the number is {n}",
    "I was charged twice for order {n}, {m} euros each time",
    "can I change the address of order {n} before it leaves",
)

QUEUES = ("delivery", "billing", "damage", "subscription", "address", "other")

FILES = ("billing/invoice.py", "shop/cart.py", "stock/reserve.py", "mail/render.py")

FREQUENT = (
    "How long does delivery take?",
    "How do I return a lamp that I do not like?",
    "Can I pay by invoice?",
    "Do you deliver to Switzerland?",
    "How do I cancel my subscription?",
    "Where do I find my order number?",
    "How do I change my delivery address?",
    "What does express delivery cost?",
    "Do you take back old furniture?",
    "Can I pick up my order at a store?",
    "How long is the warranty on desks?",
    "Which bulbs fit the lamp Nordlys?",
)
"""What a help page is asked, the most frequent first."""

ROOMS = ("living room", "bedroom", "home office", "hall", "kitchen", "nursery", "balcony", "studio flat")
STYLES = ("oak", "birch", "black steel", "linen", "walnut", "white lacquer")


OVERVIEW = "\n".join(
    f"{folder}/{name}.py: " + prose.text(random.Random(f"{folder}/{name}"), f"{folder} {name} module", 60)
    for folder in ("billing", "shop", "stock", "mail", "search", "accounts", "delivery", "returns")
    for name in (
        "models",
        "views",
        "rules",
        "tasks",
        "reports",
        "imports",
        "tests_helpers",
        "migrations",
        "api",
        "events",
    )
)
"""The map of the repository that a coding agent carries along, some 6,000 tokens."""


def trouble(dice: random.Random) -> str:
    """What a customer writes."""
    return dice.choice(TROUBLES).format(n=dice.randint(40_000, 49_999), m=dice.randint(15, 240))


def listing(dice: random.Random, path: str) -> str:
    """What a tool of a coding agent gives back, some 1,000 tokens."""
    return "\n".join(
        f"{number:4}  total += round(price_{dice.randint(1, 99)} * count, 2)  # {path}" for number in range(1, 50)
    )


NAMES = ("Müller", "Dvořák", "Sørensen", "Renée Petit", "Åkesson", "Kowalski", "Jiménez", "Brown")
RECORDS = 400
"""Of each kind, that the shop's systems have."""
_TOWNS = ("Köln", "Brno", "Århus", "Besançon", "Malmö", "Łódź", "León", "Leeds")
_STEPS = ("label printed", "picked up", "in the depot", "sorted", "on the van", "not at home", "left at a shop")


@lru_cache(maxsize=RECORDS)
def order(number: int) -> str:
    """What the shop knows of an order, as its own system spells it: indented, with escapes and with members that are empty."""
    dice = random.Random(f"order {number}")
    place = dice.randrange(len(NAMES))
    lines = [
        {
            "item": dice.choice(PARTS), "sku": f"SKU-{dice.randrange(10**5):05}", "pieces": dice.randint(1, 4),
            "cents": dice.randrange(900, 39_000), "vat_percent": 19, "discount": None, "returned": False, "note": None,
        }
        for _ in range(dice.randint(1, 4))
    ]  # fmt: skip
    events = [
        {"at": f"2026-11-{dice.randint(1, 28):02}T{dice.randint(6, 20):02}:{dice.randrange(60):02}:00Z", "what": step,
         "where": dice.choice(_TOWNS), "scanned_by": None}
        for step in _STEPS[: dice.randint(3, 7)]
    ]  # fmt: skip
    earlier = [
        {
            "order": dice.randint(20_000, 39_999),
            "cents": dice.randrange(900, 90_000),
            "state": "delivered",
            "complaint": None,
        }
        for _ in range(dice.randint(2, 8))
    ]
    found: dict[str, Any] = {
        "order": dice.randint(40_000, 49_999), "state": dice.choice(("packed", "sent", "delivered")), "channel": "web",
        "customer": {"name": NAMES[place], "town": _TOWNS[place], "since": dice.randint(2015, 2025), "phone": None, "tags": []},
        "lines": lines, "payment": {"way": dice.choice(("card", "invoice")), "state": "settled", "refunds": []},
        "parcel": {"number": f"P{dice.randrange(10**8):08}", "carrier": "Nordpost", "events": events},
        "earlier": earlier,
    }  # fmt: skip
    return json.dumps(found, indent=2)


_SAID = (
    "Für {a} gilt: Rückgabe innerhalb von 30 Tagen, die Gebühr für große Möbel beträgt 19,90 €.",
    "Prüfen Sie zuerst, ob die Lieferung vollständig ist; fehlende Stücke schicken wir kostenlos nach.",
    "{b} wird in mehreren Paketen geliefert; spätestens drei Tage nach dem ersten müssen alle da sein.",
    "Bei Schäden genügt ein Foto: wir tauschen {a} gegen ein neues Stück oder erstatten den Preis.",
    "Für die Küche empfehlen wir {b} mit geölter Oberfläche, für Räume mit Kindern abgerundete Füße.",
    "Die Höhe lässt sich ändern; dafür lösen Sie die Schrauben an den Füßen, wie auf Seite 4 gezeigt.",
    "Ersatzteile für {a} gibt es fünf Jahre über den Kundenservice, auch für frühere Größen.",
    "Wählen Sie beim Aufbau «ohne Möbelmitnahme», wenn das alte Stück nicht abgeholt werden soll.",
)
"""What the shop's articles say in its own language."""


def _in_german(dice: random.Random, a: str, b: str) -> str:
    return " ".join(each.format(a=a, b=b) for each in dice.sample(_SAID, 5))


def _articles() -> tuple[str, ...]:
    dice = random.Random("articles")
    found = []
    for number in range(1, 91):
        part, room, style = dice.choice(PARTS), dice.choice(ROOMS), dice.choice(STYLES)
        text = prose.text(dice, f"{part} {room} {style} delivery warranty returns", 110)
        is_german = dice.random() < 0.6
        found.append(
            {
                "id": f"kb-{number:04}", "title": f"{part.capitalize()} and {room}", "section": dice.choice(QUEUES), "language": "de" if is_german else "en",
                "url": f"https://help.example.com/articles/{number:04}", "updated": f"2026-{dice.randint(1, 10):02}-{dice.randint(1, 28):02}",
                "score": round(dice.uniform(0.5, 0.95), 4), "views": dice.randrange(10, 9_000), "author": None,
                "tags": [part, style, "customer"], "text": _in_german(dice, part, style) if is_german else text,
            }
        )  # fmt: skip
    return tuple(json.dumps(each, indent=2) for each in found)


ARTICLES = _articles()
"""What the help desk's search finds, some 250 tokens each, indented as it is sent."""


def _products() -> tuple[str, ...]:
    dice = random.Random("products")
    found = []
    for number in range(1, 81):
        part, style = dice.choice(PARTS), dice.choice(STYLES)
        found.append(
            {
                "sku": f"SKU-{number:05}", "name": f"{dice.choice(NAMES).split()[0]} {part}", "kind": part, "style": style,
                "rooms": dice.sample(ROOMS, 2), "price": {"cents": dice.randrange(1_500, 90_000, 100), "currency": "EUR", "was": None},
                "size_cm": {"width": dice.randint(20, 200), "depth": dice.randint(20, 90), "height": dice.randint(10, 210)},
                "stock": dice.randrange(60), "rating": {"stars": round(dice.uniform(3, 5), 1), "votes": dice.randrange(400)}, "badge": None,
            }
        )  # fmt: skip
    return tuple(json.dumps(each, indent=2) for each in found)


PRODUCTS = _products()
"""What the catalogue's search finds, some 150 tokens each."""


@lru_cache(maxsize=RECORDS)
def purchase(number: int) -> str:
    """What accounts have ordered, which a message is held against."""
    dice = random.Random(f"purchase {number}")
    lines = [
        {"position": at, "item": dice.choice(PARTS), "pieces": dice.randint(1, 40), "cents": dice.randrange(900, 90_000), "cost_centre": None}
        for at in range(10, 10 * dice.randint(3, 6), 10)
    ]  # fmt: skip
    found = {
        "purchase": f"PO-{dice.randrange(10**6):06}",
        "buyer": dice.choice(NAMES),
        "terms": "30 days",
        "approved": True,
        "lines": lines,
    }
    return json.dumps(found, indent=2)


_LETTERHEADS = ("Möbelhaus {n} GmbH", "Hafenstraße {d}", "2450 København SV", "Tel. +45 33 {d} 18 04", "IBAN DK50 0040 0440 1162 {d}", "Unser Zeichen: {d}/26",
    "Bitte bei Zahlung angeben", "Seite 1 von 1", "Geschäftsführerin: {n}", "USt-IdNr. DE2{d}817", "Zahlbar binnen 30 Tagen", "Vielen Dank für Ihren Auftrag")  # fmt: skip


@lru_cache(maxsize=RECORDS)
def scan(number: int) -> str:
    """What the scanner read around the message, line by line with its place on the page."""
    dice = random.Random(f"scan {number}")
    lines = [
        {
            "line": text.format(n=dice.choice(NAMES), d=dice.randint(1000, 9999)), "confidence": round(dice.uniform(0.8, 1), 3),
            "box": [dice.randrange(60, 400), 40 * at, dice.randrange(420, 1_100), 40 * at + 28], "language": None,
        }
        for at, text in enumerate(_LETTERHEADS, start=1)
    ]  # fmt: skip
    return json.dumps({"page": 1, "dpi": 200, "lines": lines}, indent=2)


@lru_cache(maxsize=RECORDS)
def store_figures(number: int) -> str:
    """A store's week by day and kind."""
    dice = random.Random(f"store_figures {number}")
    rows = [
        {"day": at, "kind": part, "visitors": dice.randrange(40, 900), "sold": dice.randrange(60), "cents": dice.randrange(10**6), "returns": dice.randrange(5)}
        for at in range(1, 4) for part in PARTS
    ]  # fmt: skip
    return json.dumps({"week": dice.randint(40, 47), "rows": rows}, indent=2)


SUPPLIERS = 120
CONTRACT_QUESTIONS = (
    "Which of these deliveries came too late by the contract?",
    "What do we get back for the late ones?",
    "By when must damage be reported, and to whom?",
    "May they raise prices during the term?",
    "How do we end this contract, and by when?",
    "Who bears the freight for what is sent back?",
    "What does it say about samples and returns?",
)
_MAKERS = ("Holzwerk", "Sägerei Nord", "Lumière", "Ølund", "Fábrica Sur", "Stolárna", "Northmill", "Velvet & Sons")


def _clauses() -> tuple[str, ...]:
    topics = "delivery price damage term notice freight returns liability samples payment"
    return tuple(prose.text(random.Random(f"clause {number}"), topics, 190) for number in range(40))


_CLAUSES = _clauses()


def supplier(number: int) -> str:
    """Its name."""
    return f"{_MAKERS[number % len(_MAKERS)]} {number + 1}"


@lru_cache(maxsize=SUPPLIERS)
def contract(number: int) -> str:
    """The contract with a supplier, some 2,500 tokens."""
    chosen = random.Random(f"contract {number}").sample(_CLAUSES, 13)
    return "\n".join(
        (f"Contract with {supplier(number)}", *(f"Clause {at}. {text}" for at, text in enumerate(chosen, start=1)))
    )


def deliveries(dice: random.Random, number: int) -> str:
    """A supplier's latest deliveries, as the shop's own system spells them."""
    rows = [
        {
            "delivery": f"D-{dice.randrange(10**6):06}", "supplier": supplier(number), "item": dice.choice(PARTS),
            "pieces": dice.randint(5, 400), "agreed_week": dice.randint(1, 52), "days_late": max(0, dice.randint(-6, 9)),
            "cents": dice.randrange(50_000, 900_000), "received_by": dice.choice(NAMES), "damage": None,
        }
        for _ in range(24)
    ]  # fmt: skip
    return json.dumps({"deliveries": rows}, indent=2)


ROUTING_GUIDE = " ".join(
    f"{queue}: tickets about {queue}, {prose.text(random.Random(queue), f'{queue} tickets customers priority team', 90)}"
    for queue in QUEUES
)
EXAMPLES = "\n\n".join(
    f"Ticket: {ticket}\nLabel: {label}"
    for ticket, label in (
        ("My parcel is at the wrong house.", "delivery"),
        ("The driver did not ring, and now it is gone again.", "delivery"),
        ("You took the money for my desk two times.", "billing"),
        ("One leg of the chair is shorter than the others.", "defect"),
        ("I do not get into my account any more.", "account"),
        ("Your store in the old town is lovely.", "feedback"),
    )
)
"""What people leave in a prompt: more examples than it needs."""
TICKET_RULES = "\n".join(
    f"- {rule}"
    for rule in (
        "Read the whole ticket before you decide.",
        "Answer with the label alone, in lower case, without a full stop.",
        "If two labels fit, take the one that the customer names first.",
        "Never make up a label.",
        "Remember: the label and nothing else.",
        "Do NOT invent labels that are not in the list.",
        "It is important to read all of the ticket before deciding.",
    )
)
"""The last three say again what the first ones say."""
LEDGER_GUIDE = "You read messages for the accounts of a furniture shop. " + prose.text(
    random.Random("ledger"), "accounts order customer city date total currency rounding", 900
)

ADVICE = "\n".join(
    (
        "You advise customers of a furniture shop. Suggest what the catalogue's search has found, and nothing else.",
        "- Name at most two things, each with its price and one reason that fits the room.",
        "- What is out of stock is named only if nothing else fits, with the word that it is.",
        "- If nothing fits the wish, say so and ask one question.",
        "# What fits where",
        _POLICIES,
        "# Once more",
        "- Never suggest what the search has not found.",
        "- Two things at most. Do not list the whole catalogue.",
        "- Always say the price.",
    )
)

_WAYS = ("{}", "Hi, {}", "{} Thanks!", "Quick question: {}", "Good day. {}", "{} I could not find it.")


def _questions() -> tuple[str, ...]:
    """The frequent ones, and what people make of them, the most frequent first."""
    dice = random.Random("questions")
    written = [way.format(question) for way in _WAYS[1:] for question in FREQUENT]
    dice.shuffle(written)
    rare = [f"Do you have a {dice.choice(PARTS)} in {style} for a {room}?" for room in ROOMS for style in STYLES]
    return (*FREQUENT, *written, *rare)


QUESTIONS = _questions()
"""What a help page is asked, the most frequent first."""
