import os
import stat
from pathlib import Path

import pytest

from farthing.lab.runs import Answers, RunError, name_of


def test_answers_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "a.lab.jsonl"
    with Answers(path) as answers:
        answers.start("run", 1000)
        answers.put("key", b'{"a":"\xc3\xa4"}', 10, 2, 30)
        answers.put("other", b"{}", 1, 1, None)
        assert answers.spent == 30
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with Answers(path) as answers:
        kept = answers.get("key")
        assert kept is not None and (kept.body, kept.in_tokens, kept.out_tokens, kept.cost) == ('{"a":"ä"}', 10, 2, 30)
        assert answers.get("nobody") is None and len(answers) == 2
        begun = answers.started("run")
        assert begun is not None and begun.bound == 1000 and answers.started("another") is None
        answers.start("run", 1000)
        assert answers.spent == 30
        answers.start("another", 5)
        assert answers.spent == 0


def test_a_line_that_a_crash_tore_is_left_out_and_what_follows_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Answers(path) as answers:
        answers.put("one", b"1", 1, 1, 1)
        answers.put("two", b"2", 1, 1, 1)
    path.write_bytes(path.read_bytes()[:-9])
    with Answers(path) as answers:
        assert len(answers) == 1 and answers.get("two") is None
        answers.put("three", b"3", 1, 1, 1)
    assert len(Answers(path)) == 2


def test_a_file_of_others_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("mine\n")
    with pytest.raises(RunError, match="no file of the lab's"):
        Answers(path)
    assert path.read_text() == "mine\n"
    with pytest.raises(RunError), Answers(tmp_path / "no" / "folder"):
        pass
    with pytest.raises(RunError):
        Answers(tmp_path)


def test_names_depend_on_where_parts_end() -> None:
    assert name_of(b"ab", b"c") != name_of(b"a", b"bc") and name_of(b"a") == name_of(b"a")


def test_jobs_are_open_until_their_answers_were_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with Answers(path) as answers:
        answers.start("run", None)
        answers.open_job("job-1")
        answers.open_job("job-2")
        answers.close_job("job-1")
        answers.start("another", None)
        answers.open_job("job-3")
    with Answers(path) as answers:
        answers.start("run", None)
        assert answers.open_jobs() == ["job-2"]


def test_an_answer_that_is_there_stays_and_is_paid_once(tmp_path: Path) -> None:
    with Answers(tmp_path / "a.jsonl") as answers:
        first = answers.put("key", b"one", 1, 1, 7)
        assert answers.put("key", b"two", 1, 1, 7) == first and answers.spent == 7 and len(answers) == 1


def test_what_a_run_cost_is_unknown_where_one_answer_s_price_is(tmp_path: Path) -> None:
    with Answers(tmp_path / "a.jsonl") as answers:
        answers.start("run", None)
        answers.put("one", b"1", 1, 1, 7)
        assert answers.cost == 7
        answers.put("two", b"2", 1, 1, None)
        assert answers.cost is None and answers.spent == 7
        answers.start("another", None)
        assert answers.cost == 0
