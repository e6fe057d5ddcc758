"""What the company's prompts are made of: its handbook and conventions, its customers' troubles and questions."""

import json
import random
from functools import lru_cache
from typing import Any

from farthing.upstream.simulator import prose

HANDBOOK = " ".join(
    f"Rule {number}: {rule}"
    for number, rule in enumerate(
        (
            "greet the customer by name and thank them for writing.",
            "an order that is more than five days late is sent again at no cost, by express.",
            "a refund up to 40 euros needs no approval; above that, pass the case to a person and say so.",
            "never promise a delivery date; name the carrier and the tracking number instead.",
            "for damaged goods ask for a photograph before anything else.",
            "an invoice with a wrong amount goes to accounting with the order number and the amount that was expected.",
            "subscriptions end at the end of the month in which they were cancelled.",
            "answer in the customer's language, in at most five sentences, without exclamation marks.",
            "if the customer asks for a person, do not argue: give the telephone number and the opening hours.",
            "passwords are never asked for, and never sent.",
        )
        * 9,
        start=1,
    )
)
"""Long enough that providers keep it in their prompt caches."""

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

PARTS = ("lamp", "desk", "chair", "shelf", "cable", "monitor", "keyboard", "drawer")

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


def _articles() -> tuple[str, ...]:
    dice = random.Random("articles")
    return tuple(
        f"Article {number}: {part} and {room}. "
        + prose.text(dice, f"{part} {room} {style} delivery warranty returns", 480)
        for number, (part, room, style) in enumerate(
            ((dice.choice(PARTS), dice.choice(ROOMS), dice.choice(STYLES)) for _ in range(60)), start=1
        )
    )


ARTICLES = _articles()
"""The help desk's articles, some 500 tokens each: what a search puts into a prompt."""

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


def order(dice: random.Random) -> str:
    """What the shop knows of an order, as its own system spells it: indented, with escapes."""
    lines = [
        {
            "item": dice.choice(PARTS),
            "pieces": dice.randint(1, 4),
            "cents": dice.randrange(900, 39_000),
            "note": None,
        }
        for _ in range(dice.randint(1, 4))
    ]
    found: dict[str, Any] = {
        "order": dice.randint(40_000, 49_999), "customer": {"name": dice.choice(NAMES), "since": dice.randint(2015, 2025)},
        "lines": lines, "state": dice.choice(("packed", "sent", "delivered")), "parcel": f"P{dice.randrange(10**8):08}",
    }  # fmt: skip
    return json.dumps(found, indent=2)


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
EXAMPLES = "\n".join(
    f"Ticket: {ticket} -> {label}"
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
LEDGER_GUIDE = "You read messages for the accounts of a furniture shop. " + prose.text(
    random.Random("ledger"), "accounts order customer city date total currency rounding", 900
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
