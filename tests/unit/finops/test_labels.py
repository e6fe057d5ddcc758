"""Features whose answers may be labels, from the outside."""

from farthing.finops.labels import LEAST, LENGTHS, Seen, alike, shares
from farthing.model.record import Record
from farthing.store import Store
from farthing.store.rollups import DAY_US


def test_labels_have_few_lengths_and_a_kind_of_work_that_has_labels() -> None:
    assert alike([Seen("", 2)] * 3 + [Seen("classification", 3), Seen("rewrite", 2), Seen("qa", 0)]) == 4
    assert alike([Seen("qa", tokens) for tokens in range(1, 31)]) == LENGTHS


async def test_the_latest_answers_of_a_feature_are_looked_at(store: Store) -> None:
    calls = [
        Record(
            f"{feature}-{no}", 20_000 * DAY_US + no, "openai.chat", feature=feature, task="rewrite" if no % 3 == 0 else "",
            out_tokens=2 + no % 4,
        )
        for feature in ("triage", "rare")
        for no in range(LEAST if feature == "triage" else 3)
    ]  # fmt: skip
    await store.write(calls)
    found = await store.do(lambda each: shares(each, ["triage", "rare", "none"], 0, 20_001 * DAY_US, "default"))
    assert found == {"triage": 2 / 3}
