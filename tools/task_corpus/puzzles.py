"""Puzzles that are made rather than filled in: each with a setting, several facts, a question, and often options. They are
long, in words of every day and with few numbers, which is what tells a puzzle from a document only by what it asks."""

import random
from collections.abc import Callable
from itertools import pairwise

from task_corpus.banks import NAMES

_SETTINGS: list[tuple[str, str, tuple[str, ...], tuple[str, str]]] = [
    ("On a windowsill stand {count} plants", "plants", ("fern", "cactus", "orchid", "palm", "ivy", "lily", "rose", "basil"), ("to the left of", "to the right of")),
    ("{count} players took part in a chess tournament", "players", tuple(NAMES[:8]), ("ranked above", "ranked below")),
    ("A dealer has {count} vehicles", "vehicles", ("van", "truck", "sedan", "bus", "tractor", "scooter", "coupe", "jeep"), ("older than", "newer than")),
    ("{count} singers give a concert one after the other", "singers", tuple(NAMES[8:16]), ("before", "after")),
    ("In a kitchen drawer lie {count} tools in a row", "tools", ("whisk", "spoon", "knife", "ladle", "grater", "peeler", "fork", "sieve"), ("left of", "right of")),
    ("A greengrocer sells {count} kinds of fruit", "kinds", ("pears", "plums", "figs", "limes", "grapes", "cherries", "melons", "dates"), ("cheaper than", "more expensive than")),
    ("{count} friends compare their heights", "friends", tuple(NAMES[16:24]), ("taller than", "shorter than")),
    ("On a branch sit {count} birds", "birds", ("robin", "crow", "finch", "wren", "jay", "owl", "dove", "swift"), ("above", "below")),
    ("{count} parcels arrived in the post office this morning", "parcels", ("brown one", "flat one", "heavy one", "round one", "small one", "torn one", "long one", "wet one"), ("earlier than", "later than")),
    ("{count} films are shown at the festival", "films", ("comedy", "western", "thriller", "musical", "drama", "cartoon", "documentary", "romance"), ("longer than", "shorter than")),
]  # fmt: skip
_COUNTS = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}
_HINTS = (
    "All that is said is true. ", "None of the statements contradict each other. ", "Use only what is said here. ",
    "The clues are enough to find the one solution. ", "", "", "",
)  # fmt: skip


def _options(rng: random.Random, values: list[str]) -> str:
    if rng.random() < 0.25:
        return ""
    style = rng.choice(("({}) ", "{}. ", "{}) ", "- "))
    head = rng.choice(("\nOptions:\n", "\n", "\nWhich one is it?\n", "\nChoices:\n"))
    return head + "\n".join(style.format("ABCDEFGHIJ"[at]) + value for at, value in enumerate(values))


def ordering(rng: random.Random) -> str:
    setting, kind, members, (first, last) = rng.choice(_SETTINGS)
    count = rng.randint(3, 7)
    chosen = rng.sample(members, count)
    article = "" if chosen[0][0].isupper() or chosen[0].endswith("s") else "the "
    facts = []
    for one, other in pairwise(chosen):
        facts.append(
            rng.choice((f"{article}{one} is {first} {article}{other}", f"{article}{other} is {last} {article}{one}"))
        )
    place = rng.choice(("first", "second", "third", "last", "in the middle", "second to last"))
    if rng.random() < 0.6:
        facts[-1] = f"{article}{chosen[0]} is {place}"
    rng.shuffle(facts)
    listed = ", ".join(f"{article or ''}{each}" for each in rng.sample(chosen, count))
    text = f"{rng.choice(_HINTS)}{setting.format(count=_COUNTS[count])}: {listed}. "
    text += " ".join(fact[0].upper() + fact[1:] + "." for fact in facts)
    if rng.random() < 0.5:
        return text + _options(rng, [f"{article}{each} is {place}".capitalize() + "." for each in chosen])
    return text + f" Which of the {kind} is {place}?" + _options(rng, chosen)


_OWNED = (
    ("dancers", "dances with", ("Peter", "Paula", "Rick", "Ruth", "Steve", "Sarah", "Tom", "Tilda"), "swap partners"),
    ("pupils", "holds the", ("atlas", "novel", "dictionary", "comic", "cookbook", "diary", "poem book", "notebook"), "exchange what they hold"),
    ("guests", "has the", ("blue present", "white present", "gold present", "pink present", "black present", "red present", "grey present"), "swap presents"),
    ("players of a team", "plays as", ("keeper", "libero", "captain", "winger", "centre back", "striker", "sweeper"), "change positions"),
    ("drivers", "drives the", ("lorry", "taxi", "tram", "ambulance", "limousine", "minibus", "pickup"), "trade vehicles"),
    ("campers", "sleeps in the", ("green tent", "old tent", "round tent", "large tent", "blue tent", "torn tent", "tall tent"), "swap places"),
)  # fmt: skip


def tracking(rng: random.Random) -> str:
    who, verb, things, swap = rng.choice(_OWNED)
    count = rng.randint(3, 7)
    people, owned = rng.sample(NAMES, count), rng.sample(things, count)
    text = f"{', '.join(people[:-1])} and {people[-1]} are {who}. "
    text += rng.choice(("To begin with, ", "At first ", "In the beginning ", ""))
    text += ", ".join(f"{one} {verb} {thing}" for one, thing in zip(people, owned, strict=True)) + ".\n"
    moves = [" and ".join(rng.sample(people, 2)) + " " + swap for _ in range(rng.randint(2, count))]
    text += (
        rng.choice(("Then ", "Later on, ", "During the evening pairs take turns: first "))
        + rng.choice((". Then ", ", then ", "; after that ")).join(moves)
        + ". "
    )
    last = rng.choice(people)
    ask = rng.choice(
        (
            f"In the end, {last} {verb}",
            f"What is true of {last} when all is over?",
            f"Who {verb} {owned[0]} now?",
            f"After all of this, {last} {verb}",
        )
    )
    return text + ask + _options(rng, owned if not ask.startswith("Who") else people)


_COLOURS = [
    "red",
    "blue",
    "green",
    "yellow",
    "black",
    "white",
    "purple",
    "orange",
    "silver",
    "brown",
    "pink",
    "turquoise",
]
_OBJECTS = [
    "cup",
    "pencil",
    "ball",
    "notebook",
    "scarf",
    "plate",
    "torch",
    "key ring",
    "toy car",
    "comb",
    "envelope",
    "glove",
    "teapot",
    "paperclip",
    "charger",
]


def things(rng: random.Random) -> str:
    count = rng.randint(3, 7)
    chosen = [
        f"{colour} {thing}"
        for colour, thing in zip(rng.sample(_COLOURS, count), rng.sample(_OBJECTS, count), strict=True)
    ]
    place = rng.choice(("On the shelf", "In the box", "On the carpet", "On my desk", "On the counter"))
    verb = rng.choice(("I see", "there is", "you notice", "lie"))
    text = (
        f"{place} {verb} the following things{rng.choice((' in a row', ' side by side', ''))}: "
        + ", ".join("a " + each for each in chosen)
        + ". "
    )
    one = rng.choice(chosen)
    ask = rng.choice((
        f"What colour is the thing just to the right of the {one.split(' ', 1)[1]}?", f"How many things are neither {chosen[0].split()[0]} nor {chosen[-1].split()[0]}?",
        f"If I take away every {chosen[0].split()[0]} thing, how many are left?", f"Is the {one.split(' ', 1)[1]} {one.split()[0]}?",
        f"Which thing is the furthest from the {one}?", "What colour is the leftmost thing?", f"How many things stand between the {chosen[0]} and the {chosen[-1]}?",
    ))  # fmt: skip
    return (
        text
        + ask
        + _options(
            rng,
            rng.sample(_COLOURS, min(6, count + 1))
            if "colour" in ask
            else [str(at) for at in range(rng.randint(3, 6))],
        )
    )


_PLACES = [
    "the pharmacy",
    "the swimming pool",
    "the bakery",
    "the zoo",
    "the cinema",
    "the bank",
    "a cafe",
    "the stadium",
    "the gallery",
    "a bookshop",
]


def schedule(rng: random.Random) -> str:
    name, *others = rng.sample(NAMES, 6)
    goal = rng.choice(_PLACES)
    hour = rng.randint(6, 9)
    lines = [rng.choice((f"{name} got up at {hour}.", f"{name}'s day started at {hour} o'clock."))]
    for other in others[: rng.randint(2, 5)]:
        until = hour + rng.randint(1, 3)
        lines.append(rng.choice((
            f"From {hour} to {until}, {other} talked with {name} at {rng.choice(_PLACES)}.", f"{other} watched {name} at {rng.choice(_PLACES)} between {hour} and {until}.",
            f"{name} was with {other} from {hour} until {until}.",
        )))  # fmt: skip
        hour = until + rng.randint(0, 2)
    lines.append(f"{goal.capitalize()} is closed after {hour + 3}.")
    ask = rng.choice(
        (
            f"When could {name} have visited {goal}?",
            f"At what time can {name} have been at {goal}?",
            f"During which hours was a visit to {goal} possible for {name}?",
        )
    )
    joint = rng.choice(("\n", " "))
    parts = [f"{start} to {start + rng.randint(1, 4)}" for start in rng.sample(range(5, 20), 4)]
    return (joint.join([*lines, ask]) if rng.random() < 0.5 else joint.join([ask, *lines])) + _options(rng, parts)


def family(rng: random.Random) -> str:
    people = rng.sample(NAMES, 6)
    relations = ("mother", "father", "sister", "brother", "uncle", "aunt", "grandfather", "cousin", "daughter", "son")
    facts = [f"{one} is the {rng.choice(relations)} of {other}." for one, other in pairwise(people)]
    rng.shuffle(facts)
    return (
        " ".join(facts[: rng.randint(3, 5)])
        + rng.choice((f" How is {people[0]} related to {people[3]}?", f" What is {people[0]} to {people[2]}?"))
        + _options(rng, rng.sample(relations, 4))
    )


def deduction(rng: random.Random) -> str:
    nouns = rng.sample(
        [
            "painters",
            "gardeners",
            "swimmers",
            "lawyers",
            "sailors",
            "bakers",
            "poets",
            "tailors",
            "hikers",
            "pilots",
            "drummers",
        ],
        4,
    )
    facts = [
        rng.choice(("All {0} are {1}.", "Every one of the {0} is among the {1}.", "Whoever is among the {0} is among the {1}.")).format(nouns[0], nouns[1]),
        rng.choice(("No {1} are {2}.", "Some {1} are {2}.", "Being one of the {1} is enough to be one of the {2}.")).format(*nouns),
        f"{rng.choice(NAMES)} is one of the {rng.choice(nouns)}.",
    ]  # fmt: skip
    ask = rng.choice((
        "Does it follow that some {0} are {2}?", "Is the conclusion that no {0} are {2} valid or invalid?", "Which conclusion follows with necessity?",
        "Is the argument deductively valid, given the premises?", "What can be concluded?",
    )).format(*nouns)  # fmt: skip
    ends = rng.choice(
        (
            ["valid", "invalid"],
            ["yes", "no", "it cannot be known"],
            [f"Some {nouns[0]} are {nouns[2]}", f"No {nouns[3]} are {nouns[0]}", f"All {nouns[1]} are {nouns[0]}"],
        )
    )
    return " ".join(facts) + " " + ask + _options(rng, ends)


def grid(rng: random.Random) -> str:
    people = rng.sample(NAMES, rng.randint(3, 6))
    columns = rng.sample(("age", "height", "points", "goals", "weight", "year of birth", "salary", "floor"), 3)
    joint = rng.choice((", ", " | ", "; "))
    rows = [joint.join(["name", *columns])] + [
        joint.join([one, *(str(rng.randint(2, 190)) for _ in columns)]) for one in people
    ]
    change = rng.choice(
        ("", "", f" We now add {rng.choice(NAMES)}{joint}7{joint}50{joint}9.", f" Now {people[0]} is taken out.")
    )
    column = rng.choice(columns)
    ask = rng.choice(
        (
            f"Who has the largest {column}?",
            f"How many people have a {column} above 60?",
            f"What is the sum of the {column} of the first two?",
            f"Which person with a {columns[0]} below 90 has the highest {columns[1]}?",
        )
    )
    return (
        rng.choice(("Here is a table. ", "Look at the data:\n", ""))
        + "\n".join(rows)
        + "\n"
        + change.strip()
        + " "
        + ask
        + _options(rng, people)
    )


PUZZLES: dict[str, Callable[[random.Random], str]] = {
    "ordering": ordering, "tracking": tracking, "things": things, "schedule": schedule, "family": family,
    "deduction": deduction, "grid": grid,
}  # fmt: skip
