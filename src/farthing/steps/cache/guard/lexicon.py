"""What the guard knows of English: closed classes, number words, units, spellings, and groups of words that mean the same.

Written as plain text, one group a line, so that a reader can judge every entry. It knows nothing of texts or of pairs.
A group may hold only words that can replace each other in nearly every question; where two senses are common the
words stay apart, because a wrong answer costs more than a missed one.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _groups(text: str) -> dict[str, str]:
    """Each word of a line stands for the first word of the line."""
    table: dict[str, str] = {}
    for line in text.strip().splitlines():
        head, *rest = line.split()
        for word in rest:
            table[word] = head
    return table


def _pairs(text: str) -> frozenset[tuple[str, str]]:
    both: set[tuple[str, str]] = set()
    for item in text.split():
        left, right = item.split("/")
        both |= {(left, right), (right, left)}
    return frozenset(both)


# --- closed classes -------------------------------------------------------------------------------------------------

ARTICLES = _words("a an the this that these those such")
BE = _words("be am is are was were been being")
DO = _words("do does did done doing")
HAVE = _words("have has had having")
AUXILIARIES = BE | DO | HAVE | _words("can could may might must shall should will would ought")
NOTHING = _words("it its there so well just-now et cetera etc as-well which-is ones get got ain gets getting")
"""Words that carry no answer of their own once the sentence is read."""

SOFT = _words(
    "already yet now currently presently today's available exactly really actually very-much ever even-so anyway possible "
    "exists possibly properly any own then quite"
)
"""Adverbs that one side may have and the other not."""

QUESTION_WORDS = _words("what which who whom whose where when why how")
SUBORDINATORS = _words("if unless when while because although though whether until since once whenever wherever")
PREPOSITIONS_WEAK = _words(
    "inside using in on at of for with about by as into onto regarding concerning upon toward towards"
)
"""Prepositions that paraphrases swap freely; which noun they go with still counts."""

STRONG = _words(
    "from to-dir before after without above below under over between among until since except besides including against "
    "instead outside during while if unless when because than like off out up down through across along around behind "
    "beyond despite per via versus within towards-not whether although though once or and-then "
    "all some most several both either neither few many much little enough too also only even still again always "
    "sometimes often usually rarely more less at-least at-most more-than less-than or-more or-less no-longer as-as "
    "same other else another next last previous current would not never nor none nobody nothing nowhere almost nearly "
    "partly fully completely entirely slightly together alone back away far abroad apart whenever wherever once where so-that"
)
"""Function words that change the answer: both sides must have the same ones."""

PERSONS = _words("i you we he she they one-self me us him them")
OWNERS = _words("my your our his her their mine yours ours hers theirs")
OWNERS_NEAR = _words("my your our")

MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "january jan",
            "february feb",
            "march",
            "april apr",
            "may-month",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ],
        1,
    )
    for name in names.split()
}

# --- numbers and units ----------------------------------------------------------------------------------------------

NUMBER_WORDS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    word: 10 * value
    for value, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
MULTIPLIERS = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "dozen": 12}
ORDINALS = {
    word: value
    for value, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ],
        1,
    )
}
UNITS = _groups(
    """
    gram g gramme grams grammes gr
    kilogram kg kgs kilo kilos kilograms
    milligram mg mgs milligrams
    microgram mcg micrograms
    milliliter ml milliliters millilitre millilitres
    liter l liters litre litres
    ounce oz ounces
    pound-mass lb lbs
    meter m meters metre metres
    kilometer km kms kilometers kilometre kilometres
    centimeter cm centimeters centimetre centimetres
    millimeter mm millimeters millimetre millimetres
    mile mi miles
    foot ft feet
    inch inches
    second s sec secs seconds
    minute min mins minutes
    hour h hr hrs hours
    day days
    week weeks wk
    month months mo
    year years yr yrs
    gigabyte gb gigabytes
    megabyte mb megabytes
    kilobyte kb kilobytes
    terabyte tb terabytes
    celsius °c c
    fahrenheit °f f
    percent % pct
    dollar $ dollars bucks usd
    euro € euros eur
    pound £ pounds gbp quid
    yen ¥ jpy
    am a.m
    pm p.m
    """
)
SYMBOLS = {
    "$": " dollar ", "€": " euro ", "£": " pound ", "¥": " yen ", "₹": " rupee ", "%": " percent ", "°c": " celsius ",
    "°f": " fahrenheit ", "°": " degree ", "&": " and ", "+": " plus ", "@": " at ", "=": " equals ", "<": " less-than ",
    ">": " more-than ", "\u00d7": " times ", "*": " times ", "#": " ",
}  # fmt: skip

# --- spellings ------------------------------------------------------------------------------------------------------

CONTRACTIONS = {
    "can't": "can not", "cannot": "can not", "cant": "can not", "won't": "will not", "wont": "will not",
    "shan't": "shall not", "dont": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not",
    "arent": "are not", "wasnt": "was not", "werent": "were not", "havent": "have not", "hasnt": "has not",
    "couldnt": "could not", "shouldnt": "should not", "wouldnt": "would not", "im": "i am", "ive": "i have",
    "whats": "what is", "wheres": "where is", "hows": "how is", "whos": "who is", "whens": "when is", "thats": "that is",
    "youre": "you are", "theyre": "they are", "let's": "let us", "lets": "let us", "y'all": "you", "gonna": "going to",
    "wanna": "want to", "gotta": "have to", "gimme": "give me", "u": "you", "ur": "your", "r": "are", "pls": "please",
    "plz": "please", "thx": "thanks", "tmrw": "tomorrow", "w/o": "without", "w/": "with", "ok": "okay",
    "til": "until", "till": "until", "'til": "until", "vs": "versus", "cos": "because", "coz": "because",
    "unable": "not able", "nobody": "not anybody", "nothing": "not anything", "nowhere": "not anywhere",
    "e-mail": "email", "e-mails": "emails", "mails": "mail", "on-line": "online", "wi-fi": "wifi", "log-in": "login",
    "sign-in": "login", "signin": "login", "sign-up": "signup", "check-in": "checkin", "check-out": "checkout",
    "cut-off": "cutoff", "set-up": "setup", "back-up": "backup", "post-code": "postcode", "web-site": "website",
    "mph": "mile per hour", "kph": "kilometer per hour", "km/h": "kilometer per hour", "usa": "usa", "u.s": "usa",
    "u.k": "uk", "e.g": "example", "etc": "", "mr": "", "mrs": "", "ms": "", "dr": "doctor",
}  # fmt: skip
"""Whole tokens, lower case; `n't`, `'s`, `'re`, `'ll`, `'ve`, `'d`, `'m` are handled by form."""

BRITISH = _groups(
    """
    color colour
    favor favour
    favorite favourite
    behavior behaviour
    neighbor neighbour
    labor labour
    honor honour
    flavor flavour
    humor humour
    harbor harbour
    center centre
    theater theatre
    fiber fibre
    program programme
    license licence
    defense defence
    offense offence
    enroll enrol
    fulfill fulfil
    installment instalment
    tire tyre
    gray grey
    check-money cheque
    math maths mathematics
    aluminum aluminium
    pajamas pyjamas
    mold mould
    plow plough
    jewelry jewellery
    skeptical sceptical
    catalog catalogue
    dialog dialogue
    analyze analyse
    organization organisation
    """
)

IRREGULAR = _groups(
    """
    go goes went gone going
    get gets got gotten getting
    make makes made making
    take takes took taken taking
    come comes came coming
    see sees saw seen seeing
    know knows knew known
    give gives gave given giving
    find finds found
    think thinks thought
    tell tells told
    become becomes became
    leave leaves left-verb leaving
    feel feels felt
    bring brings brought
    begin begins began begun beginning
    keep keeps kept
    hold holds held
    write writes wrote written writing
    stand stands stood
    hear hears heard
    mean means meant
    meet meets met
    run runs ran running
    pay pays paid paying
    sit sits sat sitting
    speak speaks spoke spoken speaking
    lead leads led
    grow grows grew grown
    lose loses lost losing
    fall falls fell fallen falling
    send sends sent
    build builds built
    understand understands understood
    draw draws drew drawn
    break breaks broke broken breaking
    spend spends spent
    rise rises rose risen rising
    drive drives drove driven driving
    buy buys bought
    wear wears wore worn
    choose chooses chose chosen choosing
    seek seeks sought
    throw throws threw thrown
    catch catches caught
    teach teaches taught
    sell sells sold
    steal steals stole stolen
    freeze freezes froze frozen
    forget forgets forgot forgotten
    sleep sleeps slept
    eat eats ate eaten
    drink drinks drank drunk
    win wins won winning
    sing sings sang sung
    swim swims swam swum
    fly flies flew flown flying
    bite bites bit bitten biting
    hide hides hid hidden hiding
    ride rides rode ridden riding
    shake shakes shook shaken
    wake wakes woke woken
    lend lends lent
    child children
    man men
    woman women
    person persons
    foot feet
    tooth teeth
    mouse mice
    wife wives
    life lives
    knife knives
    leaf leaves-plant
    criterion criteria
    bacterium bacteria
    datum data
    die dies died dying
    lie lies lied lying
    tie ties tied tying
    """
)
PAST_FORMS = _words(
    "went took came saw knew gave told became began wrote ran paid spoke led grew lost fell sent built drew broke "
    "spent rose drove bought wore chose threw caught taught sold stole froze forgot slept ate drank won sang flew bit hid "
    "rode woke lent made got found thought left felt brought kept held stood heard meant met"
)
PARTICIPLES = PAST_FORMS | _words(
    "been gone taken come seen known given written spoken grown fallen broken driven worn chosen thrown stolen frozen "
    "forgotten eaten drunk sung flown bitten hidden ridden woken become begun run done had put set cut read let hit shut"
)

NOUNS_IN_ING = _words(
    "building meeting training marketing accounting banking engineering housing clothing wedding painting evening morning "
    "thing nothing something anything everything during king ring string spring wing sing bring swing ceiling sibling pudding "
    "ping bing boeing beijing earring sterling being outing lightning offspring darling filing listing posting nursing "
    "dressing seasoning funding staffing gaming pricing setting feeling rating hearing"
)
"""Words in -ing that are no form of a verb, or whose noun means something else than the verb."""
NOUNS_TOO = _words(
    "shipping parking opening ending booking saving recording drawing mailing warning learning billing heading"
)
"""Words in -ing that may be the noun or the verb."""

NOUNS_IN_S = _words(
    "news status bus gas lens glass class access address business process analysis basis bonus campus virus focus "
    "less across always perhaps series species physics economics politics mathematics athletics kubernetes texas paris "
    "windows express express pass mass loss boss cross dress press stress success witness wireless yes this his its was "
    "is has does as us plus minus versus bias atlas canvas christmas diabetes redis postgres jenkins aws ios dns sms gps tls"
)

COUPLES = _pairs(
    "enable/disable lock/unlock increase/decrease open/close start/stop begin/finish hide/show subscribe/unsubscribe "
    "safe/dangerous early/late earliest/latest first/last buy/sell borrow/lend import/export upload/download send/receive "
    "inbound/outbound incoming/outgoing include/exclude accept/reject approve/deny add/remove create/remove gain/lose "
    "win/lose advantage/disadvantage good/bad best/worst better/worse big/small bigger/smaller biggest/smallest long/short "
    "longer/shorter longest/shortest high/low higher/lower highest/lowest hot/cold fast/slow faster/slower fastest/slowest "
    "cheap/expensive cheaper/expensive easy/hard hard/soft old/new old/young older/younger oldest/youngest more/less "
    "most/least maximum/minimum max/min legal/illegal allow/forbid public/private online/offline internal/external "
    "inside/outside up/down in/out on/off before/after above/below left/right front/rear top/bottom arrive/depart "
    "arrival/departure push/pull encrypt/decrypt encode/decode compress/decompress attach/detach connect/disconnect "
    "install/uninstall mount/unmount follow/unfollow block/unblock freeze/unfreeze hire/fire asset/liability debit/credit "
    "profit/loss cause/effect cause/treat cause/cure question/answer teacher/student buyer/seller landlord/tenant "
    "employer/employee positive/negative success/failure succeed/fail pass/fail strength/weakness war/peace love/hate "
    "wet/dry full/empty light/dark light/heavy deep/shallow wide/narrow strong/weak rich/poor male/female man/woman "
    "husband/wife mother/father son/daughter brother/sister alive/dead true/false right/wrong ascending/descending "
    "sync/async frontend/backend client/server horizontal/vertical row/column input/output read/write give/take "
    "raw/cooked single/double formal/casual formal/informal mild/severe morning/evening yesterday/tomorrow "
    "domestic/international annual/monthly daily/weekly part/full wholesale/retail inflation/deflation manual/automatic"
)

# --- what may replace what ------------------------------------------------------------------------------------------

SYNONYMS = _groups(
    """
    enable activate
    disable deactivate
    change modify alter
    cancel terminate
    buy purchase
    begin start commence
    stop cease
    finish complete
    fix repair mend
    solve resolve
    delete remove erase
    show display
    create make
    help assist
    answer reply respond
    choose select pick
    give provide
    allow permit let
    use utilize utilise
    recommend suggest
    retrieve recover
    obtain acquire
    close shut
    increase raise
    decrease reduce lower
    keep retain
    require need
    happen occur
    improve enhance
    examine inspect
    verify validate
    connect link
    copy duplicate
    search look-for
    cost price
    movie film
    photo photograph picture pic
    phone telephone cellphone smartphone mobile
    vacation holiday
    child kid
    company firm
    shop store
    doctor physician
    illness disease sickness
    sick ill
    car automobile
    apartment flat
    lift elevator
    trash rubbish garbage
    parcel package
    register enroll
    problem issue
    reservation booking
    trip journey
    advantage benefit pro upside
    disadvantage drawback con downside
    people human humans folks
    author writer
    present gift
    purpose goal aim
    method approach
    tv television
    fridge refrigerator
    employee worker
    coworker colleague
    cv resume
    payslip paystub
    zip postcode
    place location
    big large huge
    bigger larger
    biggest largest
    small little
    fast quick quickly rapidly rapid
    faster quicker
    fastest quickest
    hard difficult tough
    easy simple
    easily simply
    wrong incorrect
    correct accurate
    cheap inexpensive
    expensive costly
    smart intelligent clever
    rich wealthy
    near close-to nearby
    nearest closest
    nearer closer
    annual yearly
    dangerous unsafe hazardous
    famous well-known
    important essential
    mandatory compulsory obligatory
    okay alright fine
    all every each entire whole
    several multiple various
    only solely exclusively merely
    almost nearly
    maybe perhaps
    often frequently
    rarely seldom
    fully completely entirely totally
    usually typically normally generally
    immediately instantly
    who whom
    what which
    america usa
    uk britain
    internet web
    adult grown-up
    kind type
    student pupil
    attorney lawyer
    reverse invert
    only just
    ask inquire enquire
    client customer
    hire recruit
    approve authorize
    mother mom mum
    father dad
    tip advice
    quit resign
    someone somebody
    anyone anybody
    everyone everybody
    warranty guarantee
    sofa couch
    tap faucet
    schedule timetable
    luggage baggage
    truck lorry
    sidewalk pavement
    highway motorway
    soccer football
    diaper nappy
    stroller pram
    eggplant aubergine
    zucchini courgette
    cilantro coriander
    talk speak
    inform notify
    find-out discover figure-out
    repay reimburse
    job occupation profession
    duration length
    submit hand-in
    rent lease
    beautiful pretty
    safe secure
    """
)


PHRASES_TEXT = """
how come = why
in what way = how
in which way = how
in what manner = how
what is the reason why = why
what is the reason that = why
what is the reason for = why
what is the reason = why
what are the reasons for = why
for what reason = why
what is the best way to = how
what is the best way of = how
what is the right way to = how
what is a good way to = how
what is the way to = how
what is the proper way to = how
what is the easiest way to = how easiest
what are the best ways to = how
what are the steps to = how
what are the steps for = how
what steps do i take to = how
what is the procedure for = how
what is the procedure to = how
what is the process for = how
what is the process to = how
what do i do to = how
what do i have to do to = how
what do i need to do to = how
what should i do to = how
what must i do to = how
what can i do to = how
what would be the best way to = how
how do i go about = how
how would i go about = how
how should i go about = how
how does one = how
how to = how
what time = when
at what time = when
on what date = when
on which day = when day
what day = when day
what sort of = what kind
what kind of = what kind
what type of = what kind
what kinds of = what kind
what types of = what kind
what number of = how-many
what is the number of = how-many
how many times = how-often
how much time = how-long
how many = how-many
how much money = how-much
how much = how-much
how long = how-long
how often = how-often
how frequently = how-often
how old = how-old
how far = how-far
how big = how-big
how large = how-big
how tall = how-tall
how fast = how-fast
how quickly = how-fast
how soon = how-soon
what is the age of = how-old
what does it cost to = how-much cost
is it possible to = @can
is it possible for me to = @can i
would it be possible to = @can
is it allowed to = @can
is it permitted to = @can
am i able to = @can i
am i allowed to = @can i
am i permitted to = @can i
are we able to = @can we
are we allowed to = @can we
are you able to = @can you
are you allowed to = @can you
is able to = @can
are able to = @can
be able to = @can
able to = @can
not able to = @can not
allowed to = @can
permitted to = @can
do i have to = @must i
do we have to = @must we
do you have to = @must you
do i need to = @must i
do we need to = @must we
do you need to = @must you
does one have to = @must
have to = @must
has to = @must
had to = @must
need to = @must
needs to = @must
must be = @must be
is it necessary to = @must
is it mandatory to = @must
am i required to = @must i
am i obliged to = @must i
required to = @must
obliged to = @must
supposed to = @should
ought to = @should
is it a good idea to = @should
should be = @should be
going to = @will
about to = @will about
is there a way to = @can
is there any way to = @can
is there a possibility to = @can
no longer = no-longer
not any longer = no-longer
not any more = no-longer
not anymore = no-longer
any more = more
at least = at-least
no less than = at-least
no fewer than = at-least
a minimum of = at-least
at most = at-most
no more than = at-most
a maximum of = at-most
up to = at-most
more than = more-than
greater than = more-than
less than = less-than
fewer than = less-than
or more = or-more
or less = or-less
or fewer = or-less
as well as = and
as well = also
as long as = while
as soon as = after
even if = even if
even though = although
in case = if
in the event that = if
provided that = if
assuming that = if
prior to = before
ahead of = before
subsequent to = after
following the = after the
apart from = except
other than = except
aside from = except
except for = except
in addition to = besides
instead of = instead
rather than = instead
because of = because
due to = because
owing to = because
in order to = to
so as to = to
with regard to = about
with respect to = about
in regard to = about
out of order = broken
next to = next-to
close to = near
in front of = in-front
on top of = on-top
a lot of = many
lots of = many
plenty of = many
a couple of = 2
a pair of = 2
half a million = 500000
a quarter million = 250000
quarter of a million = 250000
half a dozen = 6
a dozen = 12
a hundred = 100
a thousand = 1000
a million = 1000000
the majority of = most
the rest of = rest
every day = daily
each day = daily
per day = daily
a day = daily
every week = weekly
each week = weekly
per week = weekly
a week = weekly
every month = monthly
each month = monthly
per month = monthly
a month = monthly
every year = annual
each year = annual
per year = annual
a year = annual
per annum = annual
per hour = hourly
an hour = hourly
every hour = hourly
every other day = every 2 day
every second day = every 2 day
two times = 2 times
twice = 2 times
once an hour = 1 times hourly
once a day = 1 times daily
once a week = 1 times weekly
once a month = 1 times monthly
once a year = 1 times annual
no one = not anybody
turn on = enable
turning on = enable
switch on = enable
turn off = disable
turning off = disable
switch off = disable
go up = increase
goes up = increase
gone up = increased
went up = increased
going up = increase
go down = decrease
goes down = decrease
gone down = decreased
went down = decreased
get rid of = delete
getting rid of = delete
gets rid of = delete
log in = login
logging in = login
log into = login
log on = login
sign in = login
signing in = login
sign into = login
log out = logout
log off = logout
sign out = logout
sign up = register
a few = several
a little = a bit
by post = by mail
hand in = hand-in
find out = find-out
figure out = figure-out
is there = exists is
there is = exists is
there are = exists are
are there = exists are
explain how = how
explain to me how = how
explain why = why
explain to me why = why
explain what = what
explain to me what = what
in what year = when
in which year = when
thank you = thank-you
know if = know whether
tell if = know whether
tell whether = know whether
see if = know whether
check if = check whether
once the = after the
once i = after i
once you = after you
once my = after my
once we = after we
what do you mean by = what is
what is meant by = what is
is it okay to = @can
is it okay for me to = @can i
is it all right to = @can
what is the best time to = when is the best time to
give me a summary of = summarize
give a summary of = summarize
write a summary of = summarize
give me an explanation of = explain
give me the = what is the
give me a list of = list
make a list of = list
show me a list of = list
sign me up = register
set up = setup
setting up = setup
back up = backup
check in = checkin
check out = checkout
fill in = fill-in
fill out = fill-in
find out = find-out
look for = look-for
carry out = perform
throw away = discard
throw out = discard
give up = quit
pick up = collect
put off = postpone
call off = cancel
shut down = shutdown
take part in = participate
get in touch with = contact
get hold of = contact
get a hold of = contact
reach out to = contact
make money = earn money
making money = earn money
on the internet = online
on the web = online
in the world = worldwide
on earth = worldwide
in the whole world = worldwide
stand for = short-for
short for = short-for
united states of america = usa
the united states = usa
united states = usa
the us = usa
united kingdom = uk
the united kingdom = uk
great britain = uk
cell phone = phone
mobile phone = phone
web site = website
working day = weekday
working days = weekday
business day = weekday
business days = weekday
us dollar = dollar
us dollars = dollar
human being = people
human beings = people
new york = new-york
credit card = credit-card
debit card = debit-card
right now = now
at the moment = now
at present = now
these days = now
nowadays = now
of all time = ever
was there = was
were there = were
such as = like
for example = example
for instance = example
some of the = the
some good = good
want to = want
would like to = want
that is why = why
years old = year-old
year old = year-old
years of age = year-old
the age of =
wake up = wake
grow up = grow
slow down = slow-down
speed up = speed-up
in detail = detailed
step by step = stepwise
one another = each-other
each other = each-other
right away = immediately
straight away = immediately
at once = immediately
make sure = ensure
take care of = care
kinds of = kind
types of = kind
"""

FILLERS_TEXT = """
hi
hello
hey
hi there
hello there
good morning
good afternoon
good evening
dear team
please
kindly
thanks
thank you
thanks a lot
many thanks
thank you very much
thanks in advance
cheers
sorry
excuse me
quick question
i have a question
one question
just wondering
i was wondering
i am wondering
i wonder
i would like to know
i want to know
i need to know
i would love to know
can you tell me
could you tell me
would you tell me
can you please tell me
could you please tell me
please tell me
tell me
can anyone tell me
can someone tell me
does anyone know
does anybody know
do you know
do you happen to know
any idea
any ideas
let me know
may i ask
can i ask
i need help
help me
can you help me
could you help me
can you help
could you help
for me
by the way
btw
in general
basically
simply put
you know
i think
i guess
i believe
i mean
ok so
okay so
so
well
um
uh
"""

POLITE_REQUEST = ("can you", "could you", "would you", "will you", "can you please", "could you please", "would you please",
                  "would you mind", "i want you to", "i need you to", "i would like you to", "can u", "could u")  # fmt: skip

IMPERATIVES = _words(
    "add analyze answer book build calculate call cancel change check classify close compare compute convert copy correct "
    "count create debug define delete describe design draft draw edit explain extract fill find fix format generate give "
    "help implement import improve install list make move name open order outline paint paraphrase pick plan play post "
    "predict print proofread propose put rank read recommend record refactor remind remove rename reply reset rewrite run "
    "save say schedule search select send set ship show simplify solve sort split start state stop suggest summarize tell "
    "track translate turn update upload use verify water write remove display schedule rate setup enable disable pay"
)
LISTING = _words("list show give name display print enumerate")
ORDERING = _words("sort order rank group prioritize nest arrange chain minus divide subtract multiply then")
"""With these verbs the order of an enumeration is part of the question."""

FOREIGN = _words(
    "der die das und ist nicht ich wie wo wann warum was wer ein eine einen einem einer mein meine meinen mit für auf von zu "
    "kann dem den des sich werden haben le la les des du est et je vous nous comment où quand pourquoi quel quelle mon ma mes "
    "dans avec pour sur une el los las es y yo cómo como dónde cuándo qué cuál mi con para por una il lo gli che è sono mio "
    "dove quando perché della nella een het niet ik hoe waar wanneer waarom mijn met voor van naar og och jag hvor hvordan "
    "jest nie jak gdzie kiedy moje dlaczego o um uma não meu minha onde você que para ve bir nerede"
)
"""Function words of other languages in Latin letters; those that English also has are counted against it."""

ENGLISH = (
    ARTICLES | AUXILIARIES | QUESTION_WORDS | PERSONS | OWNERS | _words(
        "to of in for on with at by from and or if not no do how what please about as it there all any some my your"
    )
)  # fmt: skip

FLOATING = _words(
    "still again also too often usually sometimes always rarely almost nearly partly fully completely slightly together alone "
    "at-least at-most more-than less-than or-more or-less enough all"
)
"""Strong words that may stand at several places of a sentence without another meaning."""

PREPOSITION_GROUPS = (
    _words("of in on at inside"),
    _words("for on at"),
    _words("of about regarding concerning on upon"),
    _words("about for"),
    _words("to into onto"),
    _words("to for"),
    _words("with by using"),
    _words("with to"),
)
"""Prepositions in one group may replace each other before the same noun."""

NO_ADVERB = _words(
    "family reply supply apply assembly july italy anomaly monopoly butterfly jelly belly bully rally ally tally daily weekly "
    "monthly yearly hourly friendly early likely elderly only"
)
"""Words in -ly that do not move freely as adverbs do."""

SAYING = _words("say said saying mean means word words phrase write translate spell pronounce reply type called")

WEEKDAYS = _words("monday tuesday wednesday thursday friday saturday sunday tomorrow today noon midnight")

KNOWN: frozenset[str] = _words(
    "desert dessert principle principal collage college martial marital casual causal dairy diary stationary stationery "
    "lose loose quite quiet angel angle trial trail sliver silver form from united untied costumer customer personal personnel "
    "complement compliment carrier career broad board statue statute parameter perimeter tired tried later latter coma comma "
    "super supper diner dinner filing filling planed planned hoping hopping staring starring scraping scrapping taping tapping "
    "robed robbed moping mopping below bellow holly holy furry fury minuets minutes sacred scared coats coast lions loins "
    "calvary cavalry spilt split signed singed"
)
"""English words that are one slip away from another English word: never taken for a slip."""
