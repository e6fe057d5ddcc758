"""Who works at the company and what they ask of models: six features of four teams, each as one coroutine a piece of work.

A piece of work is one or several calls; `calls` counts them for the progress bar. Texts are made from a seed, so that
each morning is the same.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Any

from anthropic import AsyncAnthropic
from openai import AsyncOpenAI


class Colleague:
    """A user of the company with clients that carry the team's key and the feature's name."""

    def __init__(self, url: str, key: str, feature: str, user: str) -> None:
        tags = {"x-farthing-feature": feature, "x-farthing-user": user}
        self.openai = AsyncOpenAI(base_url=f"{url}/v1", api_key=key, default_headers=tags)
        self.anthropic = AsyncAnthropic(base_url=url, api_key=key, default_headers=tags)

    async def close(self) -> None:
        await self.openai.close()
        await self.anthropic.close()


Done = Callable[[], None]
"""Called after each call."""
Work = Callable[[Colleague, random.Random, Done], Awaitable[None]]


class Feature:
    """Something that the company built on models."""

    def __init__(self, name: str, team: str, users: tuple[str, ...], pieces: int, calls: int, work: Work) -> None:
        self.name = name
        self.team = team
        self.users = users
        self.pieces = pieces
        self.calls = calls
        """Calls of one piece of work."""
        self.work = work


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


def trouble(dice: random.Random) -> str:
    return dice.choice(TROUBLES).format(n=dice.randint(40_000, 49_999), m=dice.randint(15, 240))


async def support_chat(me: Colleague, dice: random.Random, done: Done) -> None:
    """Two streamed turns of a conversation; the handbook is the same each time, so providers cache it."""
    messages: list[Any] = [
        {"role": "system", "content": f"You answer customers of a furniture shop. {HANDBOOK}"},
        {"role": "user", "content": f"Hello, {trouble(dice)}."},
    ]
    for turn in range(2):
        answer = ""
        stream = await me.openai.chat.completions.create(
            model="gpt-5-mini", messages=messages, stream=True, max_completion_tokens=400
        )
        async for chunk in stream:
            answer += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        done()
        if turn == 0:
            messages += [
                {"role": "assistant", "content": answer},
                {"role": "user", "content": "And when will that be?"},
            ]


async def help_page(me: Colleague, dice: random.Random, done: Done) -> None:
    """A question of the many that were asked before: at temperature 0 the gateway need not ask the model again."""
    weights = [1 / rank for rank in range(1, len(FREQUENT) + 1)]
    await me.openai.chat.completions.create(
        model="gpt-4.1-mini",
        messages=[
            {"role": "system", "content": f"You are the help page of a furniture shop. {HANDBOOK}"},
            {"role": "user", "content": dice.choices(FREQUENT, weights)[0]},
        ],
        temperature=0,
        max_tokens=300,
    )
    done()


async def ticket_queue(me: Colleague, dice: random.Random, done: Done) -> None:
    """One ticket into one of six queues, as JSON."""
    schema = {
        "type": "object",
        "properties": {"queue": {"type": "string", "enum": list(QUEUES)}},
        "required": ["queue"],
        "additionalProperties": False,
    }
    await me.openai.chat.completions.create(
        model="gpt-4o-mini",
        messages=[
            {"role": "system", "content": f"Sort the ticket into one of these queues: {', '.join(QUEUES)}."},
            {"role": "user", "content": trouble(dice)},
        ],
        response_format={"type": "json_schema", "json_schema": {"name": "ticket", "strict": True, "schema": schema}},
        temperature=0,
    )
    done()


async def invoice_fields(me: Colleague, dice: random.Random, done: Done) -> None:
    """The lines of an invoice as JSON, from its text."""
    lines = [
        f"{dice.randint(1, 9)} x {dice.choice(PARTS)} at {dice.randint(9, 300)}.{dice.randint(10, 99)}"
        for _ in range(12)
    ]
    text = f"Invoice {dice.randint(1000, 9999)} of Nordholz GmbH, due in {dice.choice((14, 30))} days.\n" + "\n".join(
        lines
    )
    await me.anthropic.messages.create(
        model="claude-haiku-5-5",
        max_tokens=600,
        system="Give the invoice's number, its due days and its lines (count, article, price) as JSON, nothing else.",
        messages=[{"role": "user", "content": text}],
    )
    done()


async def weekly_report(me: Colleague, dice: random.Random, done: Done) -> None:
    """A page of figures into five sentences."""
    rows = [
        f"{part}: {dice.randint(20, 900)} sold, {dice.randint(0, 60)} returned, {dice.randint(1, 40)} late"
        for part in PARTS
    ]
    notes = [f"Store {place}: {trouble(dice)}." for place in ("Kiel", "Bremen", "Ulm", "Graz", "Basel")] * 6
    await me.anthropic.messages.create(
        model="claude-sonnet-5",
        max_tokens=800,
        messages=[{"role": "user", "content": "Sum up the week in five sentences.\n" + "\n".join(rows + notes)}],
    )
    done()


TOOLS: list[Any] = [
    {
        "name": "read_file",
        "description": "Read a file of the repository.",
        "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
    },
    {
        "name": "run_tests",
        "description": "Run the tests of a folder.",
        "input_schema": {"type": "object", "properties": {"folder": {"type": "string"}}, "required": ["folder"]},
    },
]


async def coding_agent(me: Colleague, dice: random.Random, done: Done) -> None:
    """Four turns of an agent that reads files and runs tests, with Anthropic's cache marks, as such agents send them."""
    path = dice.choice(FILES)
    system: list[Any] = [
        {
            "type": "text",
            "text": "You are a careful engineer in a large repository. " + GUIDE,
            "cache_control": {"type": "ephemeral"},
        }
    ]
    messages: list[Any] = [
        {"role": "user", "content": f"Use the tool read_file on {path}, then run_tests, and mend the rounding in it."}
    ]
    for _ in range(4):
        answer = await me.anthropic.messages.create(
            model="claude-opus-5-5", max_tokens=700, system=system, tools=TOOLS, messages=messages
        )
        done()
        messages.append(
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]}
        )
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": _tool_output(dice, path)}
            for block in answer.content
            if block.type == "tool_use"
        ]
        messages.append({"role": "user", "content": results or "Go on: run the tests again and say what is left."})


def _tool_output(dice: random.Random, path: str) -> str:
    lines = [f"{number:4}  total += round(price_{dice.randint(1, 99)} * count, 2)  # {path}" for number in range(1, 60)]
    return "\n".join(lines)


FEATURES = (
    Feature("support chat", "support", ("ana", "ben", "chloe", "dmitri", "emil"), 45, 2, support_chat),
    Feature("help page", "support", ("web",), 80, 1, help_page),
    Feature("ticket queue", "support", ("robot",), 120, 1, ticket_queue),
    Feature("invoice fields", "finance", ("farah", "gus"), 60, 1, invoice_fields),
    Feature("weekly report", "sales", ("hana", "ivo", "jon"), 18, 1, weekly_report),
    Feature("coding agent", "engineering", ("kira", "liam", "mei"), 12, 4, coding_agent),
)
TEAMS = tuple(dict.fromkeys(feature.team for feature in FEATURES))
CALLS = sum(feature.pieces * feature.calls for feature in FEATURES)
