"""The settings of the demo: what the company begins with, and what it adds with each turn of the story.

The last one is the `farthing.toml` of the live gateway, for people to change.
"""

from farthing.demo import calendar

BEGINNING = """\
# Written by the demo; look around, it is made anew each time.
[server]
port = {port}

[store]
url = "sqlite:///farthing.db"

[logs]
level = "warning"
format = "text"

[providers.openai]
base_url = "{simulator}/v1"
api_key = "simulated"

[providers.anthropic]
base_url = "{simulator}/v1"
api_key = "simulated"

[prompts]
doctor = true
{prompts}
[capture]
features = ["ticket queue"]
percent = 70

[finops]
revenue_per_user_month = 24

[plan]
weekly = false  # the month is still being written

[transactions]
hourly_rate = 42

[transactions.tools]
order_lookup = 0.004

[transactions.plans]
free = 0
plus = 19
pro = 79

[transactions.types.support_resolution]
human_minutes = 9

[budgets.company]
amount = 450
hard = false

[budgets.support]
amount = 240
scope = {{ team = "support" }}
hard = false

[budgets.sales]
amount = 60
scope = {{ team = "sales" }}
hard = false

[budgets.engineering]
amount = 60
scope = {{ team = "engineering" }}
hard = false
"""

ADDED = {
    calendar.CACHE: """
[cache]
max_temperature = 0.0
features."help page".mode = "exact"
""",
    calendar.BATCH: """
[batch]
linger_s = 900
""",
    calendar.STUDENT: """
[student]
mode = "on"
features = "words"
""",
    calendar.ROUTING: """
[routing]
hold_out_percent = 12
small = ["gpt-5.4-nano"]
mid = ["gpt-5.4-mini"]
flagship = ["gpt-5.5"]
quality_floor = 0.95
changes = "apply"
judge = "gpt-5.4"
shadow_percent = 15
shadow_dollars_a_day = "6"

[routing.features."product advisor"]
baseline = "gpt-5.5"
task = "qa"

[routing.features."invoice fields"]
baseline = "gpt-5.5"
task = "extraction"

[routing.features."weekly report"]
baseline = "gpt-5.5"
task = "summarisation"
""",
    calendar.BALANCE: """
[providers.azure]
base_url = "{simulator}/openai/v1"
api_key = "simulated"

[[prices.contracts]]
provider = "azure"
percent_off = 12

"""
    + "\n".join(
        f'[[models."{model}".deployments]]\nprovider = "openai"\n\n[[models."{model}".deployments]]\nprovider = "azure"\n'
        for model in ("gpt-5.5", "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-4.1")
    ),
}


SHAPED = """\
provider_caching = "auto"
lossless = "on"
"""
"""What `[prompts]` says beside, from the turn on."""

HOLD_OUT = """
[routing]
hold_out_percent = 12
"""
"""Of the cache, before there is routing."""


def text_of(day: int, port: int, simulator: str) -> str:
    """The file as it is on a day of the story; `simulator` is where the simulated providers are."""
    added = [more for turn, more in ADDED.items() if day >= turn.day]
    if calendar.CACHE.day <= day < calendar.ROUTING.day:
        added.append(HOLD_OUT)
    prompts = SHAPED if day >= calendar.PROMPTS.day else ""
    return "".join((BEGINNING, *added)).format(port=port, simulator=simulator, prompts=prompts)
