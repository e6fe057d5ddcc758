"""Pins are found by the calls that they are for, through the cache step's own fingerprints."""

from typing import Any

import msgspec
import pytest

from farthing.model.call import Ask
from farthing.model.principal import Principal
from farthing.steps.cache.pins import WIRES, CannotPin, Pin, again, answer_of, pinned
from farthing.steps.cache.place import Place
from farthing.steps.cache.policy import Rules, sharing
from farthing.store.entries import Entry
from farthing.wire.question import question
from farthing.wire.replay import replay, storable
from farthing.wire.replay.words import words_of

NOW_US = 1_700_000_000_000_000
RULES = Rules(exact=True, semantic=True, ttl_s=60, max_temperature=0.0, share="team")
WHO = Principal(tenant="acme", team="web", feature="faq")
Q, Q2 = "How do I get a refund?", "What's our refund policy?"
VECTORS = {Q: b"v1", Q2: b"v2"}


def a_pin(**more: Any) -> Pin:
    return Pin(**{"questions": (Q, Q2), "answer": "In May.", "model": "gpt-5", "principal": WHO, **more})


def keys(wire: str, body: dict[str, Any], who: Principal = WHO, share: str = "team") -> tuple[bytes, bytes]:
    """What the cache step looks a call up by."""
    asked = question(wire, msgspec.json.encode(body))
    assert asked is not None
    place = Place(
        tenant=who.tenant, share=sharing(who, None, share), feature=who.feature, wire=wire, model=body["model"]
    )
    return place.key(asked.exact), place.group(asked.context)


def made(pin: Pin, rules: Rules = RULES) -> set[tuple[bytes, bytes]]:
    return {(entry.exact, entry.context) for entry in pinned(pin, rules, VECTORS, "enc", now_us=NOW_US).entries}


CHAT = {"model": "gpt-5", "messages": [{"role": "user", "content": Q}], "temperature": 0}


@pytest.mark.parametrize(
    ("wire", "body", "more"),
    [
        ("openai.chat", CHAT, {}),
        ("openai.chat", CHAT | {"temperature": 0.0, "stream": True, "user": "ann", "n": 1}, {}),
        (
            "openai.chat",
            CHAT | {"messages": [{"role": "system", "content": "S"}, *CHAT["messages"]], "max_tokens": 9},
            {"system": "S", "more": {"max_tokens": 9}},
        ),
        ("openai.chat", CHAT | {"messages": [{"role": "developer", "content": "S"}, *CHAT["messages"]]}, {"system": "S"}),
        ("openai.responses", {"model": "gpt-5", "input": Q, "temperature": 0}, {}),
        ("openai.responses", {"model": "gpt-5", "input": CHAT["messages"], "temperature": 0}, {}),
        (
            "openai.responses", {"model": "gpt-5", "input": Q, "instructions": "S", "temperature": 0}, {"system": "S"}
        ),
        ("anthropic.messages", CHAT | {"max_tokens": 5, "metadata": {"user_id": "a"}}, {"more": {"max_tokens": 5}}),
        ("anthropic.messages", CHAT | {"max_tokens": 5, "system": "S"}, {"more": {"max_tokens": 5}, "system": "S"}),
        (
            "anthropic.messages", CHAT | {"max_tokens": 5, "system": [{"type": "text", "text": "S"}]},
            {"more": {"max_tokens": 5}, "system": "S"},
        ),
    ],
)  # fmt: skip
def test_a_plain_call_finds_its_pin(wire: str, body: dict[str, Any], more: dict[str, Any]) -> None:
    assert keys(wire, body) in made(a_pin(wire=wire, **more))


@pytest.mark.parametrize(
    ("body", "who"),
    [
        (CHAT, Principal(tenant="other", team="web", feature="faq")),
        (CHAT, Principal(tenant="acme", team="shop", feature="faq")),
        (CHAT, Principal(tenant="acme", team="web", feature="chat")),
        (CHAT, Principal(tenant="acme", key_id="web", feature="faq")),
        (CHAT | {"model": "gpt-4o"}, WHO),
        (CHAT | {"temperature": 0.5}, WHO),
        ({name: value for name, value in CHAT.items() if name != "temperature"}, WHO),
        (CHAT | {"max_tokens": 9}, WHO),
        (CHAT | {"messages": [{"role": "system", "content": "S"}, *CHAT["messages"]]}, WHO),
        (CHAT | {"messages": [*CHAT["messages"], {"role": "assistant", "content": "?"}, *CHAT["messages"]]}, WHO),
    ],
)
def test_a_call_that_differs_does_not(body: dict[str, Any], who: Principal) -> None:
    exact, context = keys("openai.chat", body, who)
    found = made(a_pin())
    assert exact not in {each for each, _ in found}
    assert context not in {each for _, each in found}


def test_a_question_in_parts_is_near_it() -> None:
    parts = CHAT | {"messages": [{"role": "user", "content": [{"type": "text", "text": Q}]}]}
    assert keys("openai.chat", parts)[1] in {context for _, context in made(a_pin())}


def test_calls_without_a_temperature_find_it_where_the_settings_allow_one() -> None:
    body = {"model": "gpt-5", "messages": CHAT["messages"]}
    rules = msgspec.structs.replace(RULES, max_temperature=1.0)
    assert keys("openai.chat", body) in made(a_pin(), rules)
    assert keys("openai.chat", CHAT) in made(a_pin(), rules)
    assert keys("openai.chat", CHAT | {"temperature": 0.3}) in made(a_pin(more={"temperature": 0.3}), rules)


@pytest.mark.parametrize(
    ("share", "who"),
    [
        ("tenant", Principal(tenant="acme", feature="faq")),
        ("user", Principal(tenant="acme", user="ann", feature="faq")),
        ("team", Principal(tenant="acme", key_id="key-7", feature="faq")),
    ],
)
def test_it_is_shared_as_the_settings_say(share: str, who: Principal) -> None:
    rules = msgspec.structs.replace(RULES, share=share)
    assert keys("openai.chat", CHAT, who, share) in made(a_pin(principal=who), rules)


def test_further_questions_are_links_of_each_entry() -> None:
    found = pinned(a_pin(system="S"), RULES, VECTORS, "enc", now_us=NOW_US)
    assert [(link.entry_id, link.question, link.vector, link.source) for link in found.links] == [
        (entry.id, Q2, b"v2", "pin") for entry in found.entries
    ]
    for entry in found.entries:
        assert (entry.pinned, entry.expires_us, entry.cost, entry.question) == (True, 0, 0, Q)
        assert (entry.vector, entry.encoder, entry.tags[0]) == (b"v1", "enc", found.id)
        assert words_of(entry.format, entry.answer) == "In May."


def test_where_only_exact_hits_are_given_each_question_has_an_entry() -> None:
    rules = msgspec.structs.replace(RULES, semantic=False)
    found = pinned(a_pin(), rules, {}, "", now_us=NOW_US)
    assert not found.links
    exact = {entry.exact for entry in found.entries}
    for text in (Q, Q2):
        assert keys("openai.chat", CHAT | {"messages": [{"role": "user", "content": text}]})[0] in exact


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("stream", [False, True])
def test_its_answer_is_one_that_can_be_told_anew(wire: str, stream: bool) -> None:
    whole = answer_of(wire, "gpt-5", "In May.", now_s=7)
    assert storable(wire, whole)
    assert b"May" in replay(wire, whole, Ask("gpt-5", stream=stream), usage="original", call_id="call-1", now=8)


def test_a_stored_answer_is_approved_for_the_same_calls() -> None:
    whole = answer_of("openai.chat", "gpt-5", "Old.", now_s=1)
    stored = Entry(
        id="ent-1", tenant="acme", scope="faq", format="openai.chat", model="gpt-5", exact=b"e", context=b"c", question=Q,
        answer=whole, cost=7, created_us=1, expires_us=2, source_call="call-1", tags=("v1",), hits=3,
    )  # fmt: skip
    kept = again(stored, (Q2, Q), "", VECTORS, "enc", now_us=NOW_US)
    (entry,) = kept.entries
    assert (entry.exact, entry.context, entry.answer, entry.cost) == (b"e", b"c", whole, 7)
    assert (entry.pinned, entry.expires_us, entry.source_call) == (True, 0, "call-1")
    assert entry.id != "ent-1" and entry.tags == (kept.id, "v1")
    assert [link.question for link in kept.links] == [Q2]
    other = again(stored, (), "New.", VECTORS, "enc", now_us=NOW_US).entries[0]
    assert words_of(other.format, other.answer) == "New."


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"questions": ()}, "question"),
        ({"questions": (" ",)}, "question"),
        ({"questions": ("x" * 3_000,)}, "longer"),
        ({"answer": "  "}, "answer has no words"),
        ({"wire": "openai.embeddings"}, "wire"),
        ({"more": {"tools": [{"type": "function"}]}}, "tools"),
        ({"more": {"n": 2}}, "choices"),
        ({"more": {"messages": []}}, "messages"),
        ({"more": {"temperature": 0.5}}, "max_temperature"),
    ],
)
def test_what_cannot_be_pinned_says_why(more: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotPin, match=said):
        pinned(a_pin(**more), RULES, VECTORS, "enc", now_us=NOW_US)
