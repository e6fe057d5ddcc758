import pytest

from farthing.model.call import Deployment, Proceed
from farthing.model.errors import Unavailable, UnpricedModel
from farthing.model.record import Record
from farthing.prices import PriceBook
from farthing.steps.admit import Admit
from unit.steps.conftest import MakeCall


class Notes:
    def __init__(self) -> None:
        self.notes: list[Record] = []

    def open(self, record: Record) -> None:
        self.notes.append(record)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook.load()


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def test_what_is_sent_is_written_down_first(
    book: PriceBook, notes: Notes, make_call: MakeCall, proceed: Proceed
) -> None:
    call = make_call("gpt-4o", deployment=Deployment("x", "openai", "gpt-4o", "openai"))
    await Admit(book, notes)(call, proceed)
    (note,) = notes.notes
    assert (note.id, note.outcome, note.model, note.provider) == ("call-1", "interrupted", "gpt-4o", "openai")


async def test_a_model_without_a_price_is_refused(
    book: PriceBook, notes: Notes, make_call: MakeCall, proceed: Proceed
) -> None:
    call = make_call("gpt-17-imaginary-x", deployment=Deployment("x", "openai", "imaginary-x", "openai"))
    with pytest.raises(UnpricedModel, match="allow_unpriced"):
        await Admit(book, notes)(call, proceed)
    assert notes.notes == []
    await Admit(book, notes, allow_unpriced=True)(call, proceed)
    assert len(notes.notes) == 1


async def test_a_deployment_is_priced_as_its_settings_say(
    book: PriceBook, notes: Notes, make_call: MakeCall, proceed: Proceed
) -> None:
    call = make_call("ours", deployment=Deployment("ours", "azure", "eu-deployment-3", "azure", "gpt-4o"))
    await Admit(book, notes)(call, proceed)
    assert len(notes.notes) == 1


async def test_no_room_for_the_note_is_decided_by_policy(
    book: PriceBook, make_call: MakeCall, proceed: Proceed
) -> None:
    class Full:
        def open(self, record: Record) -> None:
            raise Unavailable("the disk is full")

    call = make_call("gpt-4o", deployment=Deployment("x", "openai", "gpt-4o", "openai"))
    with pytest.raises(Unavailable):
        await Admit(book, Full())(call, proceed)
    assert (await Admit(book, Full(), serve_without_ledger=True)(call, proceed)).status == 200
