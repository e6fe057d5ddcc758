"""What each prompt could have read of the latest ones, within bounds of memory and time."""

import json
from collections.abc import Sequence

from farthing.steps.shape.watching import (
    ALL_BODIES,
    COMPARED_A_SECOND,
    LATEST,
    LONGEST_BODY,
    MOST_FAMILIES,
    Prompt,
    Watch,
    common_blocks,
)

KEY = ("acme", "chat", "gpt-5.5")
RULES = "Answer in two sentences, name the carrier, and promise no date. " * 60


def body(*texts: str) -> bytes:
    roles = ["system", *["user"] * (len(texts) - 1)]
    return json.dumps(
        {"messages": [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]}
    ).encode()


def prompt(texts: Sequence[str], now: float = 0.0, deployment: str = "a") -> Prompt:
    raw = body(*texts)
    return Prompt("openai.chat", raw, deployment, "gpt-5.5", now, now)


def test_a_conversation_that_goes_on_breaks_nothing() -> None:
    watch = Watch()
    assert watch.see(KEY, prompt([RULES, "Hello."])) is None
    parted = watch.see(KEY, prompt([RULES, "Hello.", "And then?"], 40.0))
    assert parted is not None and parted.broken is None and parted.since == 40.0
    assert parted.shared > len(RULES)


def test_another_question_shares_what_is_fixed() -> None:
    watch = Watch()
    watch.see(KEY, prompt([RULES, "Hello, where is my lamp?"]))
    parted = watch.see(KEY, prompt([RULES, "Can I pay by invoice?"], 5.0))
    assert parted is not None and parted.broken is None
    assert len(RULES) < parted.shared < len(RULES) + 60 and parted.place.message == 0


def test_a_time_near_the_start_is_found_against_the_newest() -> None:
    watch = Watch()
    for minute in range(3):
        parted = watch.see(KEY, prompt([f"It is 10:0{minute}. {RULES}", "Hello."], 60.0 * minute))
    assert parted is not None and parted.broken is not None
    assert (parted.broken.kind, parted.place.message, parted.shared, parted.since) == ("date", 0, 0, 60.0)
    assert parted.broken.regained > len(RULES) - 80


def test_what_was_read_is_kept_and_taken_apart_later() -> None:
    watch = Watch()
    watch.keep(KEY, prompt([f"It is 10:04. {RULES}", "Hello."]))
    watch.keep(KEY, Prompt("openai.chat", b"x" * (LONGEST_BODY + 1), "a", "m", 0.0, 0.0))
    watch.keep(KEY, Prompt("openai.chat", b"no JSON", "a", "m", 0.0, 0.0))
    assert watch.see(KEY, Prompt("openai.chat", b"no JSON", "a", "m", 0.0, 0.0)) is None
    parted = watch.see(KEY, prompt([f"It is 10:05. {RULES}", "Hello."], 5.0))
    assert parted is not None and parted.broken is not None and parted.broken.kind == "date"


def test_families_do_not_see_each_other() -> None:
    watch = Watch()
    watch.see(KEY, prompt([RULES, "Hello."]))
    for other in (("other", *KEY[1:]), ("acme", "agent", "gpt-5.5"), ("acme", "chat", "gpt-4.1")):
        assert watch.see(other, prompt([RULES, "Hello."])) is None


def test_texts_are_looked_at_only_so_often_and_the_reason_is_taken_to_be_the_last_one() -> None:
    watch = Watch()
    found = [watch.see(KEY, prompt([f"It is 10:{at // 60:02}:{at % 60:02}. {RULES}"], 100.0)) for at in range(3_00)]
    assert all(each is not None and each.broken is not None and each.broken.kind == "date" for each in found[1:])
    assert watch._left < 1 and COMPARED_A_SECOND < 300


def test_prompts_that_part_for_good_are_let_pass_more_and_more() -> None:
    watch = Watch()
    dice = [f"{at}".join(chr(97 + (at * 7 + step * step) % 26) for step in range(2_000)) for at in range(40)]
    for at, text in enumerate(dice):
        parted = watch.see(KEY, prompt([text], at * 1.0))
        assert parted is None or parted.broken is None
    (family,) = watch._families.values()
    assert family.pause > 8


def test_memory_has_an_end() -> None:
    watch = Watch()
    for at in range(MOST_FAMILIES + 50):
        for turn in range(LATEST + 3):
            watch.see(("acme", f"feature {at}", "m"), prompt([f"{turn} {RULES}"], 0.0))
    assert len(watch._families) == MOST_FAMILIES
    assert watch.bytes == sum(len(each.body) for family in watch._families.values() for each in family.prompts)
    assert all(len(family.prompts) <= LATEST for family in watch._families.values())
    large = "x" * (LONGEST_BODY - 200)
    for at in range(3 * ALL_BODIES // LONGEST_BODY):
        watch.see(("acme", f"large {at}", "m"), prompt([large]))
    assert watch.bytes <= ALL_BODIES
    watch.see(("acme", "huge", "m"), prompt([2 * large]))
    parted = watch.see(("acme", "huge", "m"), prompt([f"1{large}{large}"]))
    assert parted is not None and parted.broken is None


def test_common_blocks() -> None:
    assert common_blocks([], [1]) == 0
    for size in range(6):
        for other in range(6):
            for common in range(min(size, other) + 1):
                one = [*range(common), *(100 + at for at in range(size - common))]
                two = [*range(common), *(200 + at for at in range(other - common))]
                assert common_blocks(one, two) == common
