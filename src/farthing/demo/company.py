"""Who works at the company and what they ask of models: eight features of four teams, each as one script a piece of work.

A script yields requests and gets the answers, so that the same one is played in a moment or over the network. It says what
the client sends, and knows nothing of how, nor of the gateway. Texts come from its dice.
"""

import random
from collections.abc import Callable, Generator
from typing import Any, Literal

import msgspec

from farthing.demo import texts
from farthing.upstream.simulator import tasks

Wire = Literal["openai.chat", "anthropic.messages"]


class Ask(msgspec.Struct, frozen=True):
    """One request of a script."""

    wire: Wire
    body: dict[str, Any]
    tags: dict[str, str] = {}
    """Header names without `x-farthing-`, and their values."""
    pause_s: float = 0.0
    """Seconds that pass before it, since the answer before."""


class Heard(msgspec.Struct, frozen=True):
    """What came of a request."""

    status: int
    call_id: str = ""
    text: str = ""
    blocks: list[dict[str, Any]] = []
    """An Anthropic answer's content."""


class Moment(msgspec.Struct, frozen=True):
    """What is special while a piece of work is done."""

    routed: bool = False
    """Features that can leave the choice of the model do so."""
    repeats: int = 1
    """How often a client with a fault in it sends each request."""
    stamped: str = ""
    """What a new prompt begins with; that breaks the providers' prompt caches."""
    recalled: bool = False
    """A lamp is called back: most tickets are about broken ones."""


class User(msgspec.Struct, frozen=True):
    name: str
    plan: str = ""
    """What a customer pays for; empty for the company's own people."""


Script = Generator[Ask, Heard, None]
Work = Callable[[random.Random, User, Moment, str], Script]
"""Dice, who does it, what is special, and a name for the piece that no other has."""
Hours = tuple[float, ...]
"""How much happens in each hour of the day (UTC)."""

OFFICE: Hours = (0,) * 7 + (1, 4, 6, 7, 6, 3, 5, 6, 6, 4, 2) + (0,) * 6
SHOP: Hours = (1, 0, 0, 0, 0, 1, 2, 4, 6, 7, 8, 8, 7, 7, 7, 7, 8, 9, 11, 13, 13, 10, 6, 3)
NIGHT: Hours = (0, 0, 1) + (0,) * 21
MORNING: Hours = (0,) * 6 + (2, 5, 3) + (0,) * 15


class Feature(msgspec.Struct, frozen=True):
    """Something that the company built on models."""

    name: str
    team: str
    users: tuple[User, ...]
    a_day: float
    """Pieces of work on a weekday."""
    weekend: float
    """Share of that on a Saturday or Sunday."""
    hours: Hours
    work: Work
    from_day: int = 0
    """The day of the story on which it is launched."""


CUSTOMERS = tuple(
    User(f"customer-{number:03}", ("free", "free", "plus", "plus", "pro")[number % 5]) for number in range(1, 169)
)
SUPPORT = ("ana", "ben", "chloe", "dmitri", "emil", "fatou", "goran", "hye-jin")
ENGINEERS = ("kira", "liam", "mei", "noor", "oskar", "paula")
FINANCE = ("farah", "gus", "ruth")
SALES = ("hana", "ivo", "jon", "lea", "marco", "nina", "olga", "pablo", "quentin", "rosa", "sven", "tara")


def _people(*names: str) -> tuple[User, ...]:
    return tuple(User(name) for name in names)


def support_chat(dice: random.Random, user: User, moment: Moment, name: str) -> Script:
    """Two or three streamed turns. The handbook is the same each time, so providers cache it; articles are searched for each
    customer, and mostly the shop's own system says what it knows of an order. A transaction that ends well or not."""
    rules = f"You answer customers of a furniture shop.\n{texts.HANDBOOK}"
    found = dice.sample(texts.ARTICLES, 8)
    looked_up = dice.random() < 0.7
    asks = f"Hello, {texts.trouble(dice)}."
    messages: list[Any] = [
        {"role": "system", "content": f"{moment.stamped}{rules}"},
        {
            "role": "user",
            "content": _parts(*found, *([texts.order(dice.randrange(texts.RECORDS))] if looked_up else ()), asks),
        },
    ]
    tags = {
        "feature": "support chat", "user": user.name, "tag-plan": user.plan, "session": name,
        "transaction": f"support_resolution/{name}", "tag-tools": "order_lookup" if looked_up else "",
    }  # fmt: skip
    pause = 0.0
    for turn in range(dice.choice((2, 2, 3))):
        body = {
            "model": "gpt-5.5", "messages": list(messages), "stream": True, "max_completion_tokens": 1500,
            "reasoning_effort": "medium",
        }  # fmt: skip
        for again in range(moment.repeats):
            heard = yield Ask("openai.chat", body, tags, pause if not again else 3.0)
        pause = dice.uniform(40, 150)
        messages += [
            {"role": "assistant", "content": heard.text or "..."},
            {
                "role": "user",
                "content": "And when will that be?" if not turn else f"One more thing: {texts.trouble(dice)}.",
            },
        ]


def _parts(*texts: str) -> list[Any]:
    """What a program puts before what a person writes, and that."""
    return [{"type": "text", "text": text} for text in texts]


def help_page(dice: random.Random, user: User, moment: Moment, name: str) -> Script:
    """A question of the many that were asked before: at temperature 0 the gateway need not ask the model again."""
    weights = [1 / rank for rank in range(1, len(texts.QUESTIONS) + 1)]
    yield Ask(
        "openai.chat",
        {
            "model": "gpt-4.1", "temperature": 0, "max_tokens": 300,
            "messages": [
                {"role": "system", "content": f"You are the help page of a furniture shop.\n{texts.HANDBOOK}"},
                {"role": "user", "content": dice.choices(texts.QUESTIONS, weights)[0]},
            ],
        },
        {"feature": "help page", "user": user.name, "tag-plan": user.plan},
    )  # fmt: skip


def product_advisor(dice: random.Random, user: User, moment: Moment, name: str) -> Script:
    """What fits a room, from the catalogue: launched in the second week."""
    wish = f"I have a {dice.choice(texts.ROOMS)} of {dice.randint(8, 40)} square metres and like {dice.choice(texts.STYLES)}"
    asks = f"{wish}. Which {dice.choice(texts.PARTS)} do you suggest, up to {dice.randrange(40, 900, 20)} euros?"
    yield Ask(
        "openai.chat",
        {
            "model": "auto" if moment.routed else "gpt-5.5", "max_completion_tokens": 600, "reasoning_effort": "low",
            "messages": [
                {"role": "system", "content": texts.ADVICE},
                {"role": "user", "content": _parts(*dice.sample(texts.PRODUCTS, 8), asks)},
            ],
        },
        {"feature": "product advisor", "user": user.name, "tag-plan": user.plan, "task": "qa"},
    )  # fmt: skip


def ticket_queue(dice: random.Random, user: User, moment: Moment, name: str) -> Script:
    """One ticket into one of five queues. All are alike, so a small model can learn it."""
    yield Ask(
        "openai.chat",
        {
            "model": "gpt-5.5", "reasoning_effort": "low", "max_completion_tokens": 400,
            "messages": [
                {"role": "system", "content": f"You sort the tickets of a furniture shop.\n{texts.ROUTING_GUIDE}\n{texts.TICKET_RULES}\n\n{texts.EXAMPLES}"},
                {"role": "user", "content": _ticket(dice, moment.recalled)},
            ],
        },
        {"feature": "ticket queue", "user": user.name, "session": name},
    )  # fmt: skip


def _ticket(dice: random.Random, recalled: bool) -> str:
    made = tasks.make("classification", 1, dice.getrandbits(32))
    while recalled and made.gold != "defect" and dice.random() < 0.9:
        made = tasks.make("classification", 1, dice.getrandbits(32))
    return made.prompt


def invoice_fields(dice: random.Random, user: User, moment: Moment, name: str) -> Script:
    """The fields of a scanned message as JSON, all of a day's in the night after it."""
    task = tasks.make("extraction", 2, dice.getrandbits(32)).prompt
    yield Ask(
        "openai.chat",
        {
            "model": "auto" if moment.routed else "gpt-5.5", "reasoning_effort": "medium", "max_completion_tokens": 1500,
            "response_format": {"type": "json_object"},
            "messages": [
                {"role": "system", "content": texts.LEDGER_GUIDE},
                {"role": "user", "content": _parts(texts.purchase(dice.randrange(texts.RECORDS)), texts.scan(dice.randrange(texts.RECORDS)), task)},
            ],
        },
        {"feature": "invoice fields", "user": user.name},
        dice.uniform(0.2, 2.0),
    )  # fmt: skip


def weekly_report(dice: random.Random, user: User, moment: Moment, name: str) -> Script:
    """A page of a store's notes into one sentence."""
    task = tasks.make("summary", 3, dice.getrandbits(32)).prompt
    notes = dice.sample(texts.ARTICLES, 3)
    yield Ask(
        "openai.chat",
        {
            "model": "auto" if moment.routed else "gpt-5.5", "reasoning_effort": "medium", "max_completion_tokens": 1500,
            "messages": [
                {"role": "system", "content": "You write for the management of a furniture shop, from figures and notes."},
                {"role": "user", "content": _parts(*notes, texts.store_figures(dice.randrange(texts.RECORDS)), task)},
            ],
        },
        {"feature": "weekly report", "user": user.name},
    )  # fmt: skip


def contract_desk(dice: random.Random, user: User, moment: Moment, name: str) -> Script:
    """Questions about a supplier's contract, with its latest deliveries. The program sends the contract with each of them, and
    no cache marks, so Claude reads all of it anew."""
    number = dice.randrange(texts.SUPPLIERS)
    asks = dice.sample(texts.CONTRACT_QUESTIONS, dice.choice((3, 4, 4, 5)))
    messages: list[Any] = [{"role": "user", "content": _parts(texts.deliveries(dice, number), asks[0])}]
    pause = 0.0
    for question in (*asks[1:], ""):
        heard = yield Ask(
            "anthropic.messages",
            {
                "model": "claude-sonnet-4-6", "max_tokens": 700, "messages": list(messages),
                "system": f"You answer the buyers of a furniture shop, from this contract alone.\n\n{texts.contract(number)}",
            },
            {"feature": "contract desk", "user": user.name, "session": name},
            pause,
        )  # fmt: skip
        if not heard.blocks:
            return
        pause = dice.uniform(20, 110)
        messages += [{"role": "assistant", "content": heard.blocks}, {"role": "user", "content": question}]


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
_MARK = {"cache_control": {"type": "ephemeral"}}


def coding_agent(dice: random.Random, user: User, moment: Moment, name: str) -> Script:
    """Turns of an agent that reads files and runs tests, with Anthropic's cache marks, as such agents send them."""
    path = dice.choice(texts.FILES)
    system: list[Any] = [
        {"type": "text", "text": f"You are a careful engineer in a large repository. {texts.GUIDE}"},
        {"type": "text", "text": texts.OVERVIEW, **_MARK},
    ]
    messages: list[Any] = [
        {"role": "user", "content": f"Use the tool read_file on {path}, then run_tests, and mend the rounding in it."}
    ]
    pause = 0.0
    for _ in range(dice.randint(5, 9)):
        heard = yield Ask(
            "anthropic.messages",
            {
                "model": "claude-opus-4-8",
                "max_tokens": 900,
                "system": system,
                "tools": TOOLS,
                "messages": list(messages),
            },
            {"feature": "coding agent", "user": user.name, "session": name},
            pause,
        )
        if not heard.blocks:
            return
        pause = dice.uniform(4, 40)
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": texts.listing(dice, path)}
            for block in heard.blocks
            if block["type"] == "tool_use"
        ]
        said = results or [
            {"type": "text", "text": f"Go on: {path}, line {dice.randint(1, 49)}; what does a test say?"}
        ]
        said[-1] = {**said[-1], **_MARK}
        messages = [_unmarked(message) for message in messages]
        messages += [{"role": "assistant", "content": heard.blocks}, {"role": "user", "content": said}]


def _unmarked(message: dict[str, Any]) -> dict[str, Any]:
    """A message without its cache mark: there may be four of them, and the newest counts."""
    if isinstance(message["content"], str):
        return message
    parts = [{name: part for name, part in each.items() if name != "cache_control"} for each in message["content"]]
    return {**message, "content": parts}


LAUNCH_DAY = 9
FEATURES = (
    Feature("support chat", "support", CUSTOMERS[:120], 120, 0.5, SHOP, support_chat),
    Feature("help page", "support", CUSTOMERS, 250, 0.9, SHOP, help_page),
    Feature("ticket queue", "support", _people(*SUPPORT), 230, 0.3, OFFICE, ticket_queue),
    Feature("product advisor", "sales", CUSTOMERS[40:], 190, 1.2, SHOP, product_advisor, LAUNCH_DAY),
    Feature("weekly report", "sales", _people(*SALES), 22, 0.0, MORNING, weekly_report),
    Feature("invoice fields", "finance", _people(*FINANCE), 180, 0.0, NIGHT, invoice_fields),
    Feature("coding agent", "engineering", _people(*ENGINEERS), 9, 0.1, OFFICE, coding_agent),
    Feature("contract desk", "finance", _people(*FINANCE), 20, 0.0, OFFICE, contract_desk),
)
BY_NAME = {feature.name: feature for feature in FEATURES}
TEAMS = tuple(dict.fromkeys(feature.team for feature in FEATURES))
USERS = len({user.name for feature in FEATURES for user in feature.users})
