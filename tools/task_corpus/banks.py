"""Banks of words and sentences that prompts are filled with. Everything here was made up for this purpose."""

import random

NAMES = ["Anna", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Katya", "Liam", "Mara", "Noah", "Olga", "Pavel", "Quinn", "Rosa", "Samir", "Tessa", "Uma", "Victor", "Wanda", "Xenia", "Yusuf", "Zoe", "Aisha", "Bruno", "Chen", "Dora", "Emil", "Fiona", "Gustav", "Hana", "Ivan", "Julia", "Kofi", "Lena", "Marco", "Nadia", "Oskar"]
SURNAMES = ["Abbott", "Berger", "Castillo", "Dubois", "Eriksen", "Fischer", "Gupta", "Haddad", "Ito", "Jansen", "Kowalski", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quispe", "Rossi", "Schmidt", "Tanaka", "Ulrich", "Varga", "Weber", "Yilmaz", "Zhang", "Keller", "Brandt", "Marchetti", "Olsen", "Diaz"]
CITIES = ["Lisbon", "Oslo", "Nairobi", "Toronto", "Osaka", "Lima", "Prague", "Dublin", "Ghent", "Turin", "Graz", "Leeds", "Cairo", "Pune", "Quito", "Riga", "Austin", "Malmo", "Seville", "Lyon", "Bern", "Krakow", "Tampere", "Accra"]
COMPANIES = ["Nordwind Logistics", "Acorn Bank", "Helio Energy", "Brightleaf Foods", "Quanta Robotics", "Marigold Insurance", "Tidal Airlines", "Kestrel Software", "Ovation Hotels", "Pinecrest Clinic", "Vulcan Steel", "Lumen Telecom", "Fathom Analytics", "Oakridge School"]
THINGS = ["apples", "pencils", "marbles", "tickets", "books", "cookies", "bricks", "chairs", "bottles", "stamps", "boxes", "tiles", "ribbons", "plants", "coins", "shirts", "eggs", "candles", "cupcakes", "balloons", "stickers", "lamps", "batteries", "mugs", "postcards", "seeds"]
TOPICS = ["remote work", "urban gardening", "electric cars", "sleep", "the history of chess", "ocean currents", "compound interest", "bees", "quantum computing", "minimalism", "public libraries", "coffee", "learning a language", "marathon training", "wind power", "the Silk Road", "vaccines", "typography", "jazz", "data privacy", "glaciers", "school uniforms", "artificial intelligence", "beekeeping", "street food", "time management", "space tourism", "honesty", "winter in the mountains", "an old lighthouse", "a lost dog", "grandmother's kitchen", "the first day at work", "a city without cars", "friendship", "a broken clock"]
PRODUCTS = ["a reusable water bottle", "noise-cancelling headphones", "a standing desk", "organic dog food", "a budgeting app", "trail shoes", "a smart thermostat", "an online pottery course", "a foldable bike", "a sleep tracker", "handmade soap", "a project planner"]
LANGUAGES = (
    ["Python", "JavaScript", "TypeScript", "Java", "Go", "Rust", "C++", "C#", "Ruby", "PHP", "Kotlin", "Swift", "SQL", "Bash", "Scala", "R", "Haskell", "Perl", "Lua"]
)
HUMAN_LANGUAGES = ["German", "French", "Spanish", "Italian", "Portuguese", "Dutch", "Polish", "Japanese", "Turkish", "Swedish", "Arabic", "Korean"]

SENTENCES: dict[str, list[str]] = {
    "news": [
        "The city council of {city} voted on Tuesday to close the old bridge for repairs that are expected to last {n} months.",
        "Officials said the decision followed an inspection which found cracks in two of the main supports.",
        "Shop owners on the eastern bank fear that they will lose customers during the closure.",
        "A ferry will run every {n} minutes between six in the morning and midnight, the mayor promised.",
        "The opposition criticised the plan as late and poorly prepared.",
        "{company} announced quarterly revenue of {n} million dollars, slightly above what analysts had expected.",
        "Its chief executive, {name} {surname}, said demand in Asia had recovered faster than in Europe.",
        "Shares rose by {n} percent in early trading before giving up most of the gains.",
        "Heavy rain caused flooding in the valley, and about {n} households lost power overnight.",
        "Volunteers handed out blankets and hot soup in the gym of the local school.",
        "The museum will show letters by the painter that were found in an attic last year.",
        "Researchers warned that the results should be read with care because the sample was small.",
    ],
    "support": [
        "I ordered the blue jacket on the third of the month and it still has not arrived.",
        "The tracking page has said 'in transit' for {n} days now and nobody answers the phone.",
        "My order number is {id} and I paid with a credit card.",
        "The app crashes every time I open the settings page on my tablet.",
        "I was charged twice for the same subscription and would like my money back.",
        "Your colleague was very friendly, but the problem is still there.",
        "I tried to reset my password, but the e-mail never came, not even in the spam folder.",
        "The left earphone stopped working after {n} weeks, and I have kept the receipt.",
        "Please cancel my plan before it renews at the end of the month.",
        "When I click on export, the screen goes blank and I have to start all over again.",
        "I moved to {city} and need to change the delivery address.",
        "Thank you for the quick help, the replacement works perfectly!",
    ],
    "review": [
        "The room was clean and the staff went out of their way to help us.",
        "Breakfast was cold and we had to wait {n} minutes for coffee.",
        "Battery life is amazing, I charge it only once a week.",
        "The screen scratches far too easily, and the case feels cheap.",
        "Honestly the best pasta I have had outside of Italy.",
        "It arrived late, the box was damaged and one part was missing.",
        "For this price you cannot expect more, it does what it should.",
        "I would buy it again at once and have told all my friends about it.",
        "The plot drags in the middle, but the last act makes up for it.",
        "Never again. The seller ignored three of my messages.",
        "Sound quality is decent, though the bass is a bit weak.",
        "My kids love it, and it survived two falls from the balcony.",
    ],
    "contract": [
        "This Agreement is entered into on {date} between {company} ('Supplier') and {name} {surname} ('Customer').",
        "The Supplier shall deliver the goods within {n} days of receiving a written order.",
        "Either party may terminate this Agreement with a notice period of {n} months.",
        "Payment is due within thirty days of the date of the invoice; late payments bear interest at {n} percent a year.",
        "Neither party shall be liable for delays caused by events beyond its reasonable control.",
        "The Customer shall keep all information received under this Agreement confidential for {n} years.",
        "Any dispute shall be settled by the courts of {city}.",
        "Changes to this Agreement must be made in writing and signed by both parties.",
    ],
    "medical": [
        "The patient, a {n}-year-old woman, presented with chest pain and shortness of breath since the morning.",
        "She takes metformin 500 mg twice a day and ramipril 5 mg once a day.",
        "Blood pressure was 150 over 90, pulse {n}, temperature normal.",
        "There is no history of smoking; her father died of a heart attack at 61.",
        "The ECG showed no signs of acute ischaemia, and troponin was negative twice.",
        "She was discharged with advice to see her general practitioner within a week.",
        "An allergy to penicillin was noted in the chart.",
        "A follow-up ultrasound is planned for {date}.",
    ],
    "meeting": [
        "{name}: Let's start with the release, where do we stand?",
        "{name2}: The login page is done, but the payment tests still fail on the staging server.",
        "{name}: Can you fix that by {weekday}?",
        "{name2}: Yes, if {name3} gives me access to the logs.",
        "{name3}: I'll send you the credentials this afternoon.",
        "{name}: Good. Marketing wants to announce on the {n}th, so we have little slack.",
        "{name2}: Then we should drop the new dashboard from this version.",
        "{name}: Agreed, it moves to the next one. Anything else?",
        "{name3}: The budget for the conference has been approved, we can book flights.",
        "{name}: Great, same time next week.",
    ],
    "invoice": [
        "Invoice no. {id}", "Date: {date}", "{company}, {n} Harbour Street, {city}",
        "Bill to: {name} {surname}, {n} Mill Lane", "{n} x {thing} at 4.20 each", "Consulting, {n} hours at 95.00",
        "Subtotal {n}10.00", "VAT 20 % {n}2.00", "Total due: {n}32.00 EUR", "IBAN DE{id}{id}", "Payable within 14 days.",
        "Contact: {name}.{surname}@example.com, +49 30 {id}",
    ],
    "science": [
        "We study how the growth of moss on city walls depends on light, moisture and the age of the mortar.",
        "Samples were taken at {n} sites in {city} over a period of three years.",
        "Coverage increased with humidity but not with temperature once shade was accounted for.",
        "A mixed model explains about two thirds of the variance between walls.",
        "Our method needs no labelled data and runs on a single processor in a few minutes.",
        "Compared with the strongest earlier approach the error falls by {n} percent on four of five benchmarks.",
        "The effect vanishes when participants are told beforehand what is measured.",
        "These findings suggest that older buildings deserve more attention in urban ecology.",
    ],
    "log": [
        "{date} 10:{n}:07 ERROR payment-service connection to db-{n} refused, retry 3 of 5",
        "{date} 10:{n}:09 WARN queue depth 1{n}00 above threshold",
        "{date} 10:{n}:12 INFO user {id} logged in from 10.0.0.{n}",
        "{date} 10:{n}:15 ERROR timeout after 3000 ms calling /v1/orders/{id}",
        "{date} 10:{n}:21 INFO worker restarted with pid {id}",
        "{date} 10:{n}:30 DEBUG cache miss for key session:{id}",
    ],
    "cv": [
        "{name} {surname}, {city}, {name}.{surname}@example.com", "Senior accountant at {company} since 2019.",
        "Before that {n} years as a project manager at {company}.", "Speaks English, Polish and some Spanish.",
        "BSc in economics, University of {city}, 2011.", "Skills: SQL, negotiation, budgeting, team leadership.",
        "Led a team of {n} through the move to a new ERP system.", "Enjoys climbing and restoring old radios.",
    ],
    "story": [
        "The harbour was still asleep when {name} untied the boat.",
        "Somewhere behind the fog a bell rang twice, and then it was quiet again.",
        "'You are late,' said the old man without looking up from his nets.",
        "She had rehearsed the answer all night, but now it would not come.",
        "The letter in her pocket was damp, and the ink had begun to run.",
        "By noon the whole village knew, or believed it knew.",
        "He laughed, and for a moment he looked like the boy in the photograph.",
        "Nobody spoke of the storm, although everyone watched the sky.",
    ],
    "listing": [
        "{name} likes hiking and owns two cats.", "The flat has {n} rooms, a balcony and a cellar.",
        "Rent is {n}50 euros a month without heating.", "Table for {n} on {weekday} at half past seven, please.",
        "We land in {city} at 9:{n} and need a taxi to the hotel.", "Please book me on the morning train to {city}.",
        "Play something by Nina Simone from the sixties.", "Remind me to call {name} on {weekday} at four.",
        "My account number is {id} and I live at {n} Station Road.", "We are three adults and two children.",
    ],
    "de": [
        "Die Lieferung kam {n} Tage zu spät und der Karton war beschädigt.",
        "Ich möchte meinen Vertrag zum Monatsende kündigen.",
        "Der Stadtrat von {city} hat beschlossen, die alte Brücke für {n} Monate zu sperren.",
        "Herr {surname} bestellte am {date} bei der Firma {company} insgesamt {n} Stühle.",
        "Das Zimmer war sauber, aber das Frühstück hat uns enttäuscht.",
        "Die Untersuchung ergab, dass zwei der tragenden Pfeiler Risse haben.",
        "Bitte überweisen Sie den Betrag innerhalb von vierzehn Tagen.",
        "Der Umsatz stieg im zweiten Quartal um {n} Prozent.",
    ],
    "fr": [
        "Le colis est arrivé avec {n} jours de retard et la boîte était abîmée.",
        "Je souhaite résilier mon abonnement à la fin du mois.",
        "Le conseil municipal de {city} a décidé de fermer le vieux pont pendant {n} mois.",
        "Monsieur {surname} a commandé {n} chaises le {date} auprès de {company}.",
        "La chambre était propre, mais le petit déjeuner nous a déçus.",
        "Le chiffre d'affaires a augmenté de {n} pour cent au deuxième trimestre.",
    ],
    "es": [
        "El paquete llegó con {n} días de retraso y la caja estaba rota.",
        "Quiero cancelar mi suscripción a final de mes.",
        "El ayuntamiento de {city} decidió cerrar el puente viejo durante {n} meses.",
        "El señor {surname} pidió {n} sillas el {date} a la empresa {company}.",
        "La habitación estaba limpia, pero el desayuno nos decepcionó.",
        "Las ventas subieron un {n} por ciento en el segundo trimestre.",
    ],
}
"""Sentences by kind of text."""

CODE: list[str] = [
    "def total(items):\n    result = 0\n    for item in items:\n        result += item['price'] * item['count']\n    return result",
    "def f(s):\n    out = []\n    for i, c in enumerate(s):\n        if i % 2 == 0:\n            out.append(c.upper())\n    return ''.join(out)",
    "function debounce(fn, ms) {\n  let timer;\n  return (...args) => {\n    clearTimeout(timer);\n    timer = setTimeout(() => fn(...args), ms);\n  };\n}",
    "SELECT c.name, SUM(o.amount)\nFROM customers c\nJOIN orders o ON o.customer_id = c.id\nWHERE o.created_at > '2024-01-01'\nGROUP BY c.name;",
    "public class Stack<T> {\n    private final List<T> items = new ArrayList<>();\n    public void push(T item) { items.add(item); }\n    public T pop() { return items.remove(items.size()); }\n}",
    "fn largest(values: &[i32]) -> i32 {\n    let mut best = values[0];\n    for v in values {\n        if *v > best { best = *v; }\n    }\n    best\n}",
    "for i in range(len(xs)):\n    for j in range(i):\n        if xs[i] == xs[j]:\n            pairs.append((i, j))",
    "#include <stdio.h>\nint main(void) {\n    int a[5];\n    for (int i = 0; i <= 5; i++) a[i] = i;\n    printf(\"%d\\n\", a[4]);\n}",
    "class Account:\n    def __init__(self, owner, balance=0):\n        self.owner = owner\n        self.balance = balance\n\n    def withdraw(self, amount):\n        self.balance -= amount",
    "const users = await fetch('/api/users').then(r => r.json());\nconst names = users.map(u => u.name).filter(Boolean);",
    "def f(nums, k):\n    d = {}\n    for x in nums:\n        d[x % k] = d.get(x % k, 0) + 1\n    return sorted(d.items(), key=lambda p: -p[1])",
    "package main\n\nfunc Reverse(s string) string {\n\tr := []rune(s)\n\tfor i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {\n\t\tr[i], r[j] = r[j], r[i]\n\t}\n\treturn string(r)\n}",
    "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"main.py\"]",
    "import pandas as pd\ndf = pd.read_csv('sales.csv')\ndf['month'] = df['date'].str[:7]\nprint(df.groupby('month').revenue.sum())",
    "#!/bin/bash\nfor f in *.log; do\n  if [ $(wc -l < $f) > 100 ]; then\n    gzip $f\n  fi\ndone",
    "interface User { id: number; name?: string }\nfunction greet(u: User) {\n  return 'Hello ' + u.name.toUpperCase();\n}",
]

FACTS: list[str] = [
    "What is the capital of {country}?", "Who wrote the novel about the white whale?", "When did the Berlin Wall fall?",
    "What does the pancreas do?", "How does a refrigerator work?", "Why is the sky blue?", "What is the difference between a virus and a bacterium?",
    "Which river flows through {city}?", "What are the symptoms of iron deficiency?", "Who invented the printing press?",
    "How long does it take for a letter to get from {city} to {city2}?", "What is an index fund?", "Is a tomato a fruit or a vegetable?",
    "What language do people speak in {country}?", "How many planets does the solar system have?", "What is photosynthesis?",
    "Can I keep cooked rice in the fridge for a week?", "What is the tallest mountain in Africa?", "Explain what inflation is.",
    "What does GDP stand for?", "What causes tides?", "Who was the first person in space?", "What is the boiling point of water at high altitude?",
    "How do I renew a passport?", "What is a mortgage?", "Tell me about the French Revolution.", "What is the meaning of 'habeas corpus'?",
    "Which vitamins are in carrots?", "How do vaccines work?", "What is the difference between weather and climate?",
    "What happened at the Congress of Vienna?", "What is the function of mitochondria?", "How do noise-cancelling headphones work?",
    "What is machine learning, in simple words?", "Do cats need baths?", "What is the population of {country}?", "What does a notary do?",
    "How far is it from {city} to {city2}?", "What time zone is {city} in?", "Who painted the Night Watch?", "What is blockchain?",
    "What are good books about {topic}?", "What should I know about {topic}?", "How often should I water a cactus?", "What does HTTP stand for?",
    "Why do leaves change colour in autumn?", "What is the role of a central bank?", "Is {city} worth a visit in winter?", "What is sourdough?",
    "How do you treat a mild burn?", "Was ist der Unterschied zwischen Umsatz und Gewinn?", "Wie funktioniert eine Wärmepumpe?",
    "Wer hat das Telefon erfunden?", "Warum ist der Himmel blau?", "Welche Unterlagen brauche ich für eine Ummeldung?",
    "Quelle est la capitale de l'Australie ?", "Pourquoi le ciel est-il bleu ?", "Comment fonctionne un moteur diesel ?", "Qui a peint la Joconde ?",
    "¿Cuál es la capital de Canadá?", "¿Por qué el mar es salado?", "¿Cómo funciona una batería?", "¿Quién escribió Don Quijote?",
    "What is the refund policy?", "What are your opening hours?", "Where can I find my invoices?", "Do you ship to {country}?",
    "How do I change the delivery address?", "What documents do I need to open an account?", "How long is the notice period?",
    "Does the basic plan include phone support?", "Can I bring a dog on the train?", "How do I connect the printer to my wifi?",
]  # fmt: skip
COUNTRIES = ["Australia", "Peru", "Norway", "Kenya", "Vietnam", "Bolivia", "Latvia", "Morocco", "Canada", "Nepal", "Chile", "Ghana", "Slovenia", "Oman"]

CHOICES: list[tuple[str, tuple[str, ...]]] = [
    ("Which of the following is a function of the liver?", ("Producing bile", "Filtering air", "Storing urine", "Making insulin")),
    ("Which amendment to the US constitution protects freedom of speech?", ("The first", "The fourth", "The eighth", "The fourteenth")),
    ("According to Kant, an action has moral worth only if it is done", ("from duty", "from inclination", "for happiness", "for the greatest number")),
    ("The Treaty of Westphalia ended", ("the Thirty Years' War", "the Hundred Years' War", "the Crimean War", "the Napoleonic Wars")),
    ("A nurse notices that a patient's wound is red and warm. This is most likely a sign of", ("infection", "normal healing", "shock", "allergy")),
    ("In marketing, which of these is not one of the four Ps?", ("People", "Price", "Place", "Promotion")),
    ("Which protocol is used to translate host names into addresses?", ("DNS", "FTP", "SMTP", "ARP")),
    ("Classical conditioning was first described by", ("Pavlov", "Skinner", "Freud", "Piaget")),
    ("The enzyme that unwinds the double helix during replication is", ("helicase", "ligase", "polymerase", "primase")),
    ("A contract made under duress is", ("voidable", "void from the start", "always enforceable", "a tort")),
    ("Which religion regards the Guru Granth Sahib as its scripture?", ("Sikhism", "Jainism", "Islam", "Zoroastrianism")),
    ("What is the primary purpose of an audit committee?", ("To oversee financial reporting", "To set wages", "To approve adverts", "To hire interns")),
    ("Which of the following best describes opportunity cost?", ("The value of the best alternative forgone", "The price of a good", "Sunk cost", "Fixed cost")),
    ("In sociology, the term anomie refers to", ("a breakdown of norms", "a form of kinship", "social mobility", "economic growth")),
    ("Which planet has the strongest magnetic field?", ("Jupiter", "Venus", "Mars", "Mercury")),
    ("Monsoon climates are characterised by", ("a seasonal reversal of winds", "constant rain", "dry winters and summers", "polar air")),
    ("Which drug is used to reverse an opioid overdose?", ("Naloxone", "Atropine", "Heparin", "Insulin")),
    ("The author of the Leviathan argued that the state of nature is", ("a war of all against all", "peaceful", "a golden age", "a market")),
    ("Which of these is a symptom of hypothyroidism?", ("Weight gain", "Tremor", "Heat intolerance", "Diarrhoea")),
    ("A buyer signs a lease without reading it. Under the common law the buyer is", ("bound by its terms", "not bound", "bound for one year", "entitled to damages")),
    ("The statement 'all swans are white' was disproved by", ("one black swan", "a majority vote", "a definition", "deduction")),
    ("Mitochondria are thought to have come from", ("engulfed bacteria", "the nucleus", "viruses", "the cell wall")),
    ("Which of the following data structures works first in, first out?", ("A queue", "A stack", "A heap", "A tree")),
    ("In the policy cycle the stage after formulation is", ("adoption", "evaluation", "agenda setting", "termination")),
    ("Utilitarians judge an act by its", ("consequences", "motives", "tradition", "form")),
    ("The main export of colonial Brazil in the 17th century was", ("sugar", "coffee", "rubber", "gold")),
    ("Which bone is found in the leg?", ("Fibula", "Ulna", "Scapula", "Radius")),
    ("Deterrence theory in international relations assumes that states are", ("rational", "moral", "federal", "small")),
    ("A patient with sudden loss of vision in one eye and no pain should be examined for", ("retinal artery occlusion", "conjunctivitis", "a stye", "dry eye")),
    ("Which accounting principle requires expenses to be recorded with the revenue that they produce?", ("Matching", "Prudence", "Materiality", "Going concern")),
    ("Plaintiff slipped on a wet floor in the defendant's shop. To prevail in negligence, the plaintiff must show", ("duty, breach, causation and damage", "intent", "malice", "a contract")),
    ("The Harlem Renaissance was primarily", ("a cultural movement", "a war", "a treaty", "a law")),
    ("Which vitamin deficiency causes scurvy?", ("Vitamin C", "Vitamin A", "Vitamin D", "Vitamin K")),
    ("Public relations differs from advertising mainly in that it", ("earns media rather than buying them", "is free", "uses radio only", "is illegal")),
    ("In Erikson's theory the conflict of adolescence is", ("identity versus confusion", "trust versus mistrust", "intimacy versus isolation", "integrity versus despair")),
    ("Who was the Athenian statesman associated with the building of the Parthenon?", ("Pericles", "Solon", "Draco", "Lysander")),
    ("Statement 1| Linear models can overfit. Statement 2| Trees cannot be pruned.", ("True, False", "False, True", "True, True", "False, False")),
    ("A symmetric cipher uses", ("the same key on both sides", "two public keys", "no key", "a certificate")),
    ("Darwin's finches are an example of", ("adaptive radiation", "genetic drift", "mutation pressure", "convergence")),
    ("Which gas contributes most to the natural greenhouse effect?", ("Water vapour", "Argon", "Nitrogen", "Helium")),
    ("A firm in perfect competition is a", ("price taker", "price maker", "monopolist", "cartel")),
    ("Which statement about the epidermis is correct?", ("It has no blood vessels", "It contains fat", "It lies under the dermis", "It makes bone")),
    ("The Bretton Woods conference created", ("the International Monetary Fund", "NATO", "the European Union", "OPEC")),
    ("Informed consent requires that the patient", ("understands the risks", "pays in advance", "is married", "has a lawyer")),
    ("What does the term 'stare decisis' mean?", ("To stand by decided cases", "To look away", "To let the buyer beware", "To act in good faith")),
]  # fmt: skip

RIDDLES = (
    "the red book is to the left of the blue one", "the dentist lives next to the baker", "the oldest child sits at the window",
    "the green car is faster than the white one", "the cat owner does not drink tea", "the tallest runner finished before the shortest",
)  # fmt: skip


def filled(pattern: str, rng: random.Random) -> str:
    """The pattern with its slots filled at random."""
    if "{" not in pattern:
        return pattern
    names = rng.sample(NAMES, 5)
    slots = {
        "name": names[0], "name2": names[1], "name3": names[2], "name4": names[3], "name5": names[4],
        "surname": rng.choice(SURNAMES), "city": rng.choice(CITIES), "city2": rng.choice(CITIES),
        "country": rng.choice(COUNTRIES), "company": rng.choice(COMPANIES), "thing": rng.choice(THINGS),
        "thing2": rng.choice(THINGS), "topic": rng.choice(TOPICS), "product": rng.choice(PRODUCTS),
        "n": str(rng.randint(2, 98)), "n2": str(rng.randint(2, 98)), "n3": str(rng.randint(2, 40)),
        "m": str(rng.randint(3, 12)), "k": str(rng.randint(2, 9)), "big": str(rng.randint(120, 9800)),
        "x": rng.choice("xyzabnk"), "id": str(rng.randint(10_000, 99_999)), "p": str(rng.choice((5, 10, 15, 20, 25, 30, 40, 60))),
        "date": rng.choice(("3 March 2024", "2024-11-05", "12/01/2023", "July 9th", "the 1st of May 2025")),
        "weekday": rng.choice(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")),
        "lang": rng.choice(LANGUAGES), "human": rng.choice(HUMAN_LANGUAGES), "dec": f"{rng.randint(1, 99)}.{rng.randint(1, 99)}",
        "dec2": f"{rng.randint(1, 99)}.{rng.randint(1, 9)}", "dec3": f"{rng.randint(1, 9)}.{rng.randint(1, 99)}",
    }  # fmt: skip
    text = pattern
    for name, value in slots.items():
        text = text.replace("{" + name + "}", value)
    return text


PROSE = ("news", "support", "review", "contract", "medical", "meeting", "science", "story", "cv")


def document(rng: random.Random, kinds: tuple[str, ...] = PROSE, least: int = 1, most: int = 14) -> str:
    """Some sentences of one kind of text."""
    kind = rng.choice(kinds)
    bank = SENTENCES[kind]
    count = min(len(bank), rng.randint(least, most))
    start = rng.randrange(len(bank))
    picked = [bank[(start + at) % len(bank)] for at in range(count)] if rng.random() < 0.6 else rng.sample(bank, count)
    joint = "\n" if kind in ("meeting", "invoice", "log") or rng.random() < 0.1 else " "
    text = joint.join(filled(sentence, rng) for sentence in picked)
    if rng.random() < 0.15 and count > 4:
        text = text.replace(". ", ".\n\n", 2)
    return text
