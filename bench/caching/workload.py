"""A repetitive support workload: three tenants, 400 questions each, with the true answer of each known.

Written before the cache was run on it, and not changed to suit it. A third of the questions come once: near misses of
frequent ones, and questions with another product, number or place in them. The rest follow Zipf's law with exponent 1
over 40 things that people ask; the frequent half of these have four wordings each, all with equal chance. Four questions
in ten are typed otherwise than written: small letters, greetings, a slip of the fingers. Some wordings occur at all
tenants, with other answers. Knows nothing of caches.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

QUESTIONS = 400
"""Of each tenant."""
ONCE = 1 / 3
"""The share of questions whose answer nobody else needs."""
EXPONENT = 1.0


@dataclass(frozen=True)
class Asked:
    """One question of the stream."""

    tenant: str
    text: str
    answer: str
    """What is truly asked for: questions with the same one, and no others, have the same right answer."""


@dataclass(frozen=True)
class Tenant:
    """A company, and what its customers ask."""

    name: str
    frequent: tuple[tuple[str, str, str, str], ...]
    """Four wordings each."""
    rare: tuple[str, ...]
    near: tuple[str, ...]
    """Like a frequent one, with another answer."""
    patterns: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    """Questions with two places to fill in; each filling is another question."""


SHOP = Tenant(
    "larch-outdoor",
    (
        ("Where is my order?", "Can you tell me where my order is?", "Has my parcel been shipped yet?", "What is the status of my order?"),
        ("What is your refund policy?", "How do I get a refund?", "Can I get my money back if I don't like it?", "What's the refund policy?"),
        ("How do I return an item?", "How can I return an item?", "I want to send something back, what do I do?", "What are the steps to return an item?"),
        ("How long does delivery take?", "How many days does shipping take?", "When will my parcel arrive after I order?", "What is the delivery time?"),
        ("How do I change my delivery address?", "How can I change my delivery address?", "I entered the wrong shipping address, can I fix it?", "Where do I update the delivery address?"),
        ("Can I cancel my order?", "How do I cancel my order?", "I ordered by mistake, please stop the order. How?", "Is it possible to cancel my order?"),
        ("How do I reset my password?", "How can I reset my password?", "I forgot my password, what now?", "What do I do to reset my password?"),
        ("Which payment methods do you accept?", "What payment methods do you accept?", "How can I pay?", "What are the accepted payment methods?"),
        ("Do you ship to Switzerland?", "Can you ship to Switzerland?", "Is delivery to Switzerland possible?", "Do you deliver to Switzerland?"),
        ("How much is shipping?", "What does shipping cost?", "What are the delivery charges?", "How much do you charge for shipping?"),
        ("How do I use a discount code?", "Where do I enter a discount code?", "How can I use a discount code?", "I have a voucher, where does it go?"),
        ("What size boots should I order?", "How do your boots fit?", "Do the boots run small or large?", "How do I choose the size of my boots?"),
        ("How do I care for my rain jacket?", "How should I wash my rain jacket?", "What is the best way to wash a rain jacket?", "How can I care for my rain jacket?"),
        ("Is there a warranty on tents?", "Do tents come with a warranty?", "How long is the warranty on tents?", "Are tents under warranty?"),
        ("How do I contact customer service?", "How can I contact customer service?", "What is the phone number of customer service?", "How do I talk to a human?"),
        ("Can I pick up my order in a store?", "Is pickup in store possible?", "Do you offer click and collect?", "Could I collect my order in a store?"),
        ("I received the wrong item, what should I do?", "You sent me the wrong item, what now?", "The wrong product arrived, what do I do?", "What should I do if I received the wrong item?"),
        ("How do I get an invoice?", "How can I get an invoice?", "Where do I find the invoice for my order?", "Can you send me an invoice?"),
        ("How do I delete my account?", "How can I delete my account?", "Please remove my account, how?", "What do I have to do to delete my account?"),
        ("Do you sell gift cards?", "Do you have gift cards?", "Can I buy a gift card?", "Are gift cards available?"),
    ),
    (
        "Do you repair torn tents?", "Can I rent a climbing harness?", "Are your down jackets free of animal cruelty?",
        "What are the opening hours of the Bergen store?", "Do you have a student discount?",
        "Can I order spare tent poles?", "Is the Alpine 60 pack carry-on sized?", "How heavy is the Fjell 2 tent?",
        "Do you buy used gear?", "How do I join the loyalty programme?", "What is the waterproof rating of the Fjell 2?",
        "Can I change the colour of an item after ordering?", "How do I leave a product review?",
        "Do you price match?", "How do I waterproof leather boots?", "Are there jobs at Larch Outdoor?",
        "Which stove fuel can I take on a plane?", "Do you engrave knives?", "How do I unsubscribe from the newsletter?",
        "Is packaging plastic free?",
    ),
    (
        "How do I change my billing address?", "Can I cancel my return?", "How long does a refund take?",
        "How do I reset the PIN of my gift card?", "Which payment methods do you not accept?", "Do you ship from Switzerland?",
        "How much is express shipping?", "How do I return a gift card?", "What size tent should I order?",
        "How should I dry my rain jacket?", "Is there a warranty on boots?", "Can I return my order in a store?",
        "I received a damaged item, what should I do?", "How do I correct an invoice?", "How do I delete my saved card?",
        "Do you accept gift cards of other shops?", "Why was my order cancelled?", "How do I change my password?",
        "Can I use two discount codes on one order?", "Do you ship to Swaziland?",
    ),
    (
        ("Do you have the {} in {}?", ("Alpine 60 pack", "Fjell 2 tent", "Storm jacket", "Mora boots", "Tarn sleeping bag", "Gale poncho"), ("red", "blue", "black", "size M", "size XL", "size 42")),
        ("Where is order {} of {}?", ("48213", "48231", "50977", "51022", "39118", "60412"), ("3 May", "12 May", "2 June", "20 June")),
        ("Can I fly to {} with a {}?", ("Oslo", "Lima", "Delhi", "Nairobi"), ("gas stove", "trekking pole", "pocket knife", "fuel bottle")),
        ("How warm is the {} at {} degrees?", ("Tarn sleeping bag", "Storm jacket", "Fjell 2 tent"), ("-5", "0", "5", "-15")),
        ("Is {} better than {} for winter?", ("the Fjell 2", "the Alpine 60", "wool", "down"), ("the Tarn", "fleece", "a bivouac", "polyester")),
        ("Can I return {} after {}?", ("worn boots", "an opened tent", "a sale item", "a knife"), ("14 days", "30 days", "60 days", "a year")),
    ),
)  # fmt: skip

CALENDAR = Tenant(
    "tidely",
    (
        ("How do I invite a team member?", "How can I invite a team member?", "How do I add someone to my team?", "What's the way to invite a team member?"),
        ("How do I reset my password?", "How can I reset my password?", "I forgot my password, what now?", "I can't remember my password, how do I get in?"),
        ("How do I cancel my subscription?", "How can I cancel my subscription?", "I want to stop paying, what do I do?", "What are the steps to cancel my subscription?"),
        ("What is your refund policy?", "How do I get a refund?", "Do you give refunds?", "What's the refund policy?"),
        ("How much does the Pro plan cost?", "What does the Pro plan cost?", "What is the price of the Pro plan?", "How expensive is Pro?"),
        ("How do I connect my Google calendar?", "How can I connect my Google calendar?", "How do I link Google Calendar?", "Where do I connect my Google calendar?"),
        ("How do I export my calendar?", "How can I export my calendar?", "Can I download my calendar as a file?", "What is the way to export my calendar?"),
        ("Why are my events not syncing?", "My events don't sync, why?", "Events are not syncing, what can I do?", "Why don't my events sync?"),
        ("How do I change my time zone?", "How can I change my time zone?", "Where do I set the time zone?", "The times are all off by an hour, how do I fix that?"),
        ("How do I delete my account?", "How can I delete my account?", "Please remove my account, how?", "Where can I delete my account?"),
        ("How do I turn on two-factor authentication?", "How can I turn on two-factor authentication?", "How do I enable two-factor authentication?", "Where do I switch on 2FA?"),
        ("Is there a mobile app?", "Do you have a mobile app?", "Is there an app for my phone?", "Does Tidely have a mobile app?"),
        ("How do I share a calendar?", "How can I share a calendar?", "How do I let others see my calendar?", "What do I do to share a calendar?"),
        ("How do I upgrade to Pro?", "How can I upgrade to Pro?", "I want more features, how do I move to Pro?", "What do I do to upgrade to Pro?"),
        ("Where do I find my invoices?", "Where can I find my invoices?", "How do I get an invoice?", "Where are my invoices?"),
        ("How do I set a reminder?", "How can I set a reminder?", "How do I get notified before an event?", "Where do I set a reminder?"),
        ("Is my data encrypted?", "Do you encrypt my data?", "Is the data encrypted?", "How safe is my data?"),
        ("How do I create a recurring event?", "How can I create a recurring event?", "How do I make an event repeat?", "What's the way to create a recurring event?"),
        ("How do I contact support?", "How can I contact support?", "Is there a support phone number?", "How do I talk to a human?"),
        ("Is there a free trial?", "Do you offer a free trial?", "Can I try it for free?", "Do you have a free trial?"),
    ),
    (
        "Can I colour events by project?", "Do you support CalDAV?", "How do I import an .ics file?",
        "What is the most people a team can have?", "Where are your servers?", "Do you have a dark mode?",
        "Can I book meeting rooms?", "How do I change the language?", "Is there an API?", "Do you sign a data processing agreement?",
        "How do I see week numbers?", "Can I hide weekends?", "How do I merge two accounts?", "Do you offer a discount for schools?",
        "How do I restore a deleted event?", "Can guests without an account see events?", "How do I make someone an admin?",
        "Does it work offline?", "How do I print a calendar?", "Which browsers are supported?",
    ),
    (
        "How do I remove a team member?", "How do I change my password?", "How do I pause my subscription?",
        "How much does the Team plan cost?", "How do I disconnect my Google calendar?", "How do I import my calendar?",
        "Why are my reminders not syncing?", "How do I change my time format?", "How do I delete my calendar?",
        "How do I turn off two-factor authentication?", "Is there a desktop app?", "How do I stop sharing a calendar?",
        "How do I downgrade from Pro?", "Where do I find my receipts from 2023?", "How do I delete a reminder?",
        "Is my data backed up?", "How do I delete a recurring event?", "How do I extend my free trial?",
        "How do I connect my Outlook calendar?", "How do I invite a guest to an event?",
    ),
    (
        ("How do I show {} in {}?", ("holidays", "birthdays", "tasks", "room bookings", "absences"), ("the week view", "the month view", "the mobile app", "exports", "emails")),
        ("Does Tidely work with {} on {}?", ("Zoom", "Slack", "Teams", "Notion", "Jira"), ("Android", "Windows 11", "an iPad", "Linux", "Chrome 120")),
        ("What happened to the meeting on {} at {}?", ("Monday", "4 March", "9 July", "Friday"), ("9:00", "9:30", "15:00", "16:45")),
        ("What does a team of {} pay for {}?", ("5", "12", "40", "300"), ("Pro monthly", "Pro yearly", "Business", "the basic plan")),
        ("Can {} edit events of {}?", ("a guest", "an admin", "a viewer"), ("another team", "the owner", "a resource", "a closed project")),
        ("Who deleted the {} on {}?", ("standup", "review", "offsite", "lunch", "audit"), ("Tuesday", "Thursday", "1 June", "2 June")),
    ),
)  # fmt: skip

MOBILE = Tenant(
    "nordfon",
    (
        ("How do I check my data usage?", "How can I check my data usage?", "How much data have I used?", "Where do I see my data usage?"),
        ("How do I pay my bill?", "How can I pay my bill?", "Where do I pay my bill?", "What are the ways to pay my bill?"),
        ("Why is my bill so high?", "Why is my bill higher than usual?", "My bill is too high, why?", "What made my bill go up this month?"),
        ("How do I activate my SIM card?", "How can I activate my SIM card?", "What do I do to activate my SIM card?", "My new SIM does not work yet, how do I start it?"),
        ("How do I keep my number when I switch?", "Can I keep my number when I switch?", "Can I bring my old number with me?", "Is it possible to keep my number when I switch?"),
        ("Does roaming cost extra in the EU?", "Is roaming in the EU free?", "What does roaming in the EU cost?", "Do I pay more when I use my phone in another EU country?"),
        ("How do I cancel my contract?", "How can I cancel my contract?", "I want to leave, how do I end my contract?", "What do I do to cancel my contract?"),
        ("I lost my phone, what should I do?", "What should I do if I lost my phone?", "My phone was stolen, what now?", "I've lost my phone, what do I do?"),
        ("How do I unlock my phone?", "How can I unlock my phone?", "How do I remove the network lock?", "What do I do to unlock my phone?"),
        ("Why is my internet so slow?", "My internet is slow, why?", "Why is mobile data so slow?", "The connection is very slow, what can I do?"),
        ("How do I change my plan?", "How can I change my plan?", "Can I switch to another plan?", "Where do I change my plan?"),
        ("What is my PUK code?", "Where do I find my PUK code?", "I need my PUK, where is it?", "Where can I find my PUK code?"),
        ("Do you support eSIM?", "Can I use an eSIM?", "Is eSIM supported?", "Do you offer eSIM?"),
        ("How do I turn off voicemail?", "How can I turn off voicemail?", "How do I disable voicemail?", "How do I switch off the mailbox?"),
        ("How do I top up my prepaid card?", "How can I top up my prepaid card?", "Where can I top up my prepaid card?", "How do I add credit?"),
        ("Is there an outage in my area?", "Is there a network outage in my area?", "Is the network down here?", "Are there problems with the network in my area?"),
        ("How do I reset my password?", "How can I reset my password?", "I forgot my password, what now?", "What do I do to reset my password?"),
        ("How do I block a number?", "How can I block a number?", "Can I stop someone from calling me?", "What is the way to block a number?"),
        ("How do I set up a mobile hotspot?", "How can I set up a mobile hotspot?", "How do I share my connection with my laptop?", "What do I do to set up a mobile hotspot?"),
        ("How do I talk to a human?", "How can I talk to a human?", "How do I reach customer service?", "Can I speak to a person?"),
    ),
    (
        "Do you have a family plan?", "Can I use my phone on a ship?", "What is VoLTE?", "How do I set up parental controls?",
        "Do you recycle old phones?", "How do I change the owner of a contract?", "Where is the next Nordfon store?",
        "How do I turn on call waiting?", "Is 5G included?", "What is the APN for iPhones?", "How do I hide my number?",
        "Can I get two SIM cards for one number?", "Do you offer phone insurance?", "How do I pay in instalments?",
        "What is the fair use limit?", "How do I sign up for paperless bills?", "Can minors get a contract?",
        "How do I forward calls?", "Are calls to 0800 numbers free?", "How do I read my contract online?",
    ),
    (
        "How do I check my call history?", "How do I dispute my bill?", "Why is my bill so low?",
        "How do I deactivate my SIM card?", "How do I change my number?", "Does roaming cost extra in the UK?",
        "How do I extend my contract?", "I lost my SIM card, what should I do?", "How do I lock my phone?",
        "Why is my internet so expensive?", "How do I pause my plan?", "What is my PIN code?",
        "Do you support dual eSIM?", "How do I turn on voicemail?", "How do I check the credit of my prepaid card?",
        "Is there planned maintenance in my area?", "How do I change my password?", "How do I unblock a number?",
        "Is a mobile hotspot included in my plan?", "How do I keep my number when I cancel?",
    ),
    (
        ("What does a call from {} to {} cost?", ("Norway", "Spain", "the UK", "Turkey", "Chile"), ("Norway", "Poland", "the US", "India", "a ship")),
        ("Does the {} work with {}?", ("Pixel 8", "Pixel 9", "iPhone 14", "iPhone 15", "Galaxy S24"), ("5G", "eSIM", "VoLTE", "Wi-Fi calling")),
        ("Why was I charged {} euros on {}?", ("4.99", "9.99", "49", "12.50", "120"), ("1 March", "3 March", "14 April", "30 May")),
        ("Is there coverage in {} on {}?", ("Tromso", "Bergen", "Narvik", "Voss"), ("4G", "5G", "the train line", "the E6")),
        ("Can I move from {} to {} before the contract ends?", ("Basic 5", "Max 50", "Prepaid"), ("Family", "Business 20", "Unlimited")),
        ("How much data is left on {} for {}?", ("Max 50", "Family", "Basic 5", "Prepaid"), ("May", "June", "this week", "my second SIM", "my tablet", "my watch")),
    ),
)  # fmt: skip

TENANTS = (SHOP, CALENDAR, MOBILE)


def workload(seed: int = 1, tenants: Sequence[Tenant] = TENANTS) -> list[Asked]:
    """The questions of all tenants, mixed, in the order in which they are asked."""
    chance = random.Random(seed)
    streams = [list(_stream(tenant, chance)) for tenant in tenants]
    turns = [number for number, stream in enumerate(streams) for _ in stream]
    chance.shuffle(turns)
    return [streams[number].pop() for number in turns]


def _stream(tenant: Tenant, chance: random.Random) -> Iterator[Asked]:
    topics = [*tenant.frequent, *((rare,) for rare in tenant.rare)]
    weights = [1 / rank**EXPONENT for rank in range(1, len(topics) + 1)]
    once = _once(tenant, chance)
    singles = round(QUESTIONS * ONCE)
    kinds = [True] * singles + [False] * (QUESTIONS - singles)
    chance.shuffle(kinds)
    for single in kinds:
        if single:
            text = next(once)
            yield Asked(tenant.name, _typed(text, chance), f"{tenant.name}: {text}")
        else:
            (topic,) = chance.choices(topics, weights)
            yield Asked(tenant.name, _typed(chance.choice(topic), chance), f"{tenant.name}: {topic[0]}")


def _once(tenant: Tenant, chance: random.Random) -> Iterator[str]:
    """The near misses and as many fillings of the patterns as a stream needs, each once."""
    filled = [
        pattern.format(*pair) for pattern, ones, others in tenant.patterns for pair in itertools.product(ones, others)
    ]
    chance.shuffle(filled)
    texts = [*tenant.near, *filled[: round(QUESTIONS * ONCE) - len(tenant.near)]]
    chance.shuffle(texts)
    yield from texts


def _typed(text: str, chance: random.Random) -> str:
    """As somebody types it."""
    habit = chance.random()
    if habit < 0.6:
        return text
    if habit < 0.75:
        return text.lower().rstrip("?")
    if habit < 0.85:
        return f"Hi, {text[0].lower() if not text.startswith('I') else text[0]}{text[1:]}"
    if habit < 0.95:
        return f"{text} Thanks!"
    words = text.split()
    long = [at for at, word in enumerate(words) if len(word) > 5 and word.isalpha()]
    if long:
        at = chance.choice(long)
        word = words[at]
        middle = len(word) // 2
        words[at] = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    return " ".join(words)
