import pytest

from farthing.model.call import Deployment, Proceed
from farthing.model.errors import UnknownModel
from farthing.steps.balance import Balance
from unit.steps.conftest import MakeCall


class Places:
    def deployment(self, model: str) -> Deployment:
        if model == "nowhere":
            raise UnknownModel("no")
        return Deployment(model, "azure", "eu-3" if model == "ours" else model, "azure")


async def test_the_call_knows_where_it_goes(make_call: MakeCall, proceed: Proceed) -> None:
    call = make_call("ours")
    await Balance(Places())(call, proceed)
    assert call.deployment == Deployment("ours", "azure", "eu-3", "azure")
    assert [(note.step, note.what) for note in call.trail.decisions] == [("balance", "azure/eu-3")]


async def test_no_note_where_the_name_is_the_model(make_call: MakeCall, proceed: Proceed) -> None:
    call = make_call("gpt-4o")
    await Balance(Places())(call, proceed)
    assert call.trail.decisions == []


async def test_nowhere_to_go(make_call: MakeCall, proceed: Proceed) -> None:
    with pytest.raises(UnknownModel):
        await Balance(Places())(make_call("nowhere"), proceed)
