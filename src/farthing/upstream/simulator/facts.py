"""What the tasks are made of: names, sentences and a few facts that do not change. Data only."""

NAMES = (
    "Ada", "Ben", "Carla", "Dmitri", "Emma", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kenji", "Lena", "Marta", "Nils",
    "Olga", "Pedro", "Quinn", "Rosa", "Sven", "Tara", "Uma", "Victor", "Wanda", "Yusuf", "Zoe",
)  # fmt: skip
SURNAMES = (
    "Novak", "Okafor", "Ruiz", "Sokolov", "Lindqvist", "Haddad", "Kim", "Moreau", "Costa", "Berg", "Tanaka", "Weber",
    "Silva", "Larsen", "Petrova", "Gomez", "Walsh", "Rossi", "Nyman", "Mensah",
)  # fmt: skip
CITIES = (
    "Lyon", "Graz", "Turin", "Bergen", "Porto", "Ghent", "Leeds", "Malmo", "Gdansk", "Brno", "Basel", "Utrecht", "Bilbao",
    "Split", "Tartu", "Cork",
)  # fmt: skip
THINGS = ("pens", "apples", "stamps", "candles", "bolts", "cups", "tickets", "books", "batteries", "tiles")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")
WORDS = (
    "amber", "anchor", "basket", "beacon", "candle", "cedar", "desert", "dolphin", "ember", "falcon", "garden", "glacier",
    "harbor", "hazel", "island", "ivory", "jacket", "jungle", "kettle", "ladder", "lantern", "marble", "meadow", "needle",
    "nutmeg", "orchard", "oyster", "pebble", "pepper", "quartz", "quiver", "ribbon", "river", "saddle", "silver", "thunder",
    "timber", "umbrella", "valley", "velvet", "walnut", "window", "yarrow", "zephyr",
)  # fmt: skip

TICKETS = {
    "billing": (
        "I was charged twice for invoice {number}.",
        "The amount on invoice {number} does not match the quote.",
        "Please send me a receipt for the payment of last {day}.",
        "My card was declined although the bank says that all is well.",
        "We need the VAT number on our invoices from now on.",
        "The refund that you promised on {day} has not reached my account.",
    ),
    "delivery": (
        "Parcel {number} should have arrived on {day}, but the tracking has not moved.",
        "The courier left order {number} at the wrong house.",
        "Can the goods be sent to our branch instead?",
        "Half of order {number} is missing from the box.",
        "The tracking link of parcel {number} shows another city.",
    ),
    "account": (
        "I cannot sign in since {day}, the reset mail never comes.",
        "Please change the e-mail address of customer {number}.",
        "A colleague has left, her user must be removed.",
        "The second factor asks for a phone that I no longer have.",
        "How do I add three more users to our workspace?",
    ),
    "defect": (
        "The pump stops after ten minutes and shows error {number}.",
        "The app crashes whenever I open the second tab.",
        "One leg of the chair broke on {day}.",
        "The export writes an empty file, whatever I choose.",
        "Device {number} gets too hot to touch.",
    ),
    "feedback": (
        "I would love to see a dark theme.",
        "The new search is much better than the old one, well done.",
        "It would help if reports could be sent every {day}.",
        "Your team was friendly and quick, I wanted to say thank you.",
        "Please think about a discount for schools.",
    ),
}
"""Label -> sentences that decide it."""

TICKET_SMALL_TALK = (
    "Hello, I hope that you are well.",
    "I have been a customer for six years.",
    "I tried to call, but the line was busy.",
    "We have a meeting about it tomorrow.",
    "I read the help pages first.",
    "My manager asked me to write to you.",
    "Thanks in advance for a quick answer.",
    "I am out of office in the afternoon.",
    "Attached you find a picture.",
)
REVIEWS = {
    "positive": (
        "I would buy it again without a second thought.",
        "It does everything that was promised, and more.",
        "This is the best one that I have ever owned.",
        "After {number} hours of use it still works like new.",
    ),
    "negative": (
        "It broke on the first {day} and nobody answers.",
        "I want my money back.",
        "A waste of time from start to end.",
        "The description and what came in the box have little in common.",
    ),
    "neutral": (
        "It is neither better nor worse than the one before.",
        "It works, no more and no less.",
        "I have used it {number} times and have no strong opinion.",
        "Average in every way that I can think of.",
    ),
}
REVIEW_SMALL_TALK = (
    "I bought it for my brother.",
    "The colour is blue.",
    "It came in a cardboard box.",
    "I use it mostly in the evening.",
    "The manual has forty pages.",
    "My neighbour has the same model.",
    "It weighs about two kilograms.",
)

ORDER_MESSAGES = (
    "Hello, this is {customer} from {city}. My order {order}, placed on {date}, came to {a}.{b} euros, and I still wait "
    "for the goods.",
    "On {date} we received order {order} by {customer} in {city}; the total is {a}.{b} euros and payment is due in a month.",
    "Please confirm: order {order} over {a}.{b} euros, delivered to {city}, ordered by {customer} on {date}.",
    "Note of the call: {customer} asks about order {order}. The invoice of {date} says {a}.{b} euros. The parcel went to "
    "{city}.",
)

FACTS = {
    "What is the capital of {}?": {
        "France": "Paris", "Italy": "Rome", "Norway": "Oslo", "Portugal": "Lisbon", "Austria": "Vienna", "Kenya": "Nairobi",
        "Canada": "Ottawa", "Japan": "Tokyo", "Australia": "Canberra", "Brazil": "Brasilia", "Turkey": "Ankara",
        "Poland": "Warsaw", "Hungary": "Budapest", "Finland": "Helsinki", "Greece": "Athens", "Egypt": "Cairo",
        "Peru": "Lima", "Chile": "Santiago", "Vietnam": "Hanoi", "Thailand": "Bangkok", "Morocco": "Rabat",
        "Ireland": "Dublin", "Sweden": "Stockholm", "Denmark": "Copenhagen", "Spain": "Madrid", "Latvia": "Riga",
        "Mongolia": "Ulaanbaatar", "Nepal": "Kathmandu", "Senegal": "Dakar", "Ghana": "Accra", "New Zealand": "Wellington",
        "Iceland": "Reykjavik", "Croatia": "Zagreb", "Slovenia": "Ljubljana", "Estonia": "Tallinn", "Ecuador": "Quito",
    },
    "What is the chemical symbol of {}?": {
        "Hydrogen": "H", "Helium": "He", "Lithium": "Li", "Carbon": "C", "Nitrogen": "N", "Oxygen": "O", "Sodium": "Na",
        "Magnesium": "Mg", "Aluminium": "Al", "Silicon": "Si", "Sulfur": "S", "Chlorine": "Cl", "Potassium": "K",
        "Calcium": "Ca", "Iron": "Fe", "Copper": "Cu", "Zinc": "Zn", "Silver": "Ag", "Tin": "Sn", "Gold": "Au",
        "Mercury": "Hg", "Lead": "Pb", "Tungsten": "W", "Uranium": "U",
    },
    "Which planet of the solar system is number {} from the sun?": {
        "One": "Mercury", "Two": "Venus", "Three": "Earth", "Four": "Mars", "Five": "Jupiter", "Six": "Saturn",
        "Seven": "Uranus", "Eight": "Neptune",
    },
    "Who wrote {}?": {
        "Hamlet": "William Shakespeare", "Faust": "Johann Wolfgang von Goethe", "Don Quixote": "Miguel de Cervantes",
        "War and Peace": "Leo Tolstoy", "Moby Dick": "Herman Melville", "Emma": "Jane Austen",
        "Oliver Twist": "Charles Dickens", "Les Miserables": "Victor Hugo", "Dracula": "Bram Stoker",
        "Frankenstein": "Mary Shelley", "Jane Eyre": "Charlotte Bronte", "The Divine Comedy": "Dante Alighieri",
    },
    "In which currency do people pay in {}?": {
        "Japan": "yen", "India": "rupee", "Poland": "zloty", "Hungary": "forint", "Thailand": "baht", "Israel": "shekel",
        "Vietnam": "dong", "South Africa": "rand", "Brazil": "real", "Turkey": "lira", "Ukraine": "hryvnia",
        "China": "renminbi", "Morocco": "dirham", "Georgia": "lari",
    },
}  # fmt: skip
"""Question -> subject -> answer."""

TEAMS = ("support", "sales", "logistics", "platform", "marketing", "finance", "research", "hardware")
METRICS = ("cost per order", "response time", "error rate", "number of open cases", "monthly revenue", "energy use")
REASONS = (
    "the new supplier contract", "a longer holiday season", "the move to the second site", "fewer manual checks",
    "the storm in the north", "an update of the booking system", "training of the night shift", "late deliveries of parts",
)  # fmt: skip
REPORT_SENTENCES = (
    "The steering group met twice in this period.",
    "All planned reviews took place and were documented.",
    "Two positions are still open, interviews have started.",
    "The budget for travel was not used in full.",
    "A survey among the staff had a response of about two thirds.",
    "The office on the third floor was repainted.",
    "External auditors visited and had no findings of weight.",
    "The next milestone is planned for the coming quarter.",
    "Preparations for the annual meeting are on schedule.",
    "The archive was moved to a cheaper storage class.",
)
