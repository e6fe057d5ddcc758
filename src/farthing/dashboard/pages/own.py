"""Own models: what their paid hours were used for, students and what they save, what fewer bits lost, and whether own GPUs
would beat an API."""

from typing import Any

from farthing.dashboard.own import made, models, paid, shown, steer, students
from farthing.dashboard.own.asked import PREFIX, asked_of, sliders, typed_of
from farthing.dashboard.own.comparing import Compared, Traffic, compared, offer_of, traffic
from farthing.dashboard.page import Action, Page, Values
from farthing.dashboard.view import View
from farthing.gateway.guard import EDITOR, VIEWER, Need
from farthing.model.errors import BadRequest
from farthing.selfhost import gpus
from farthing.selfhost.formats import COMPARED

GATEWAY = Need("viewer", whole=True)
"""Own deployments serve all tenants."""


async def read(view: View) -> Values:
    taught = await students.read(view)
    typed = typed_of(view.query)
    calls = await traffic(view, typed["feature"])
    values: dict[str, Any] = {
        "tiles": students.tiles(taught), "is_used": bool(taught.versions or view.sources.settings.selfhost.deployments),
        "has_calls": bool(calls.features or calls.models or calls.demand), "taught": bool(taught.versions), "students": students.table(taught), "versions": students.versions(taught),
        "may": _may(taught), "file": view.sources.settings_file or "farthing.toml", "student_mode": view.sources.settings.student.mode,
        **await _compare(view, typed, calls),
    }  # fmt: skip
    if view.meets(GATEWAY):
        found = await paid.read(view)
        models_made = await made.read(view)
        values |= {
            "waits": found is None,
            "soon": found is None,
            "deployments": paid.table(view, found or []),
            "quantized": made.table(models_made.quantized),
            "tuned": made.tuned_table(models_made.tuned),
        }
        values["is_used"] = values["is_used"] or bool(models_made.quantized or models_made.tuned)
        values["tiles"] = [*paid.tiles(found or []), *values["tiles"]]
    return values


def _may(taught: students.Found) -> dict[tuple[str, int], str]:
    """What can be done with the versions that are at work."""
    live = {"serving", "shadow"}
    return {(each.version.scope, each.version.version): each.version.state for each in taught.heads if each.version.state in live}  # fmt: skip


async def _compare(view: View, typed: dict[str, str], calls: Traffic) -> Values:
    """The form as it stands, and what came of it. Without calls to compare with there is no result."""
    form: dict[str, Any] = {
        "typed": typed, "prefix": PREFIX, "features": calls.features, "models": calls.models, "own_models": list(models.CONFIGS),
        "gpus": [each.name for each in gpus.every()], "formats": COMPARED, "problem": "", "param": "",
        "api": typed["api"] or next(iter(calls.models), ""),
    }  # fmt: skip
    try:
        offer = offer_of(view, typed["gpu"])
        form["sliders"] = sliders(typed, offer.median if offer is not None else None)
        found = await _result(view, typed, calls, form["api"])
    except BadRequest as error:
        form.setdefault("sliders", sliders(typed, None))
        form |= {"problem": error.message, "param": error.param or ""}
        return {"form": form}
    return {"form": form} if found is None else {"form": form, **_shown(found)}


async def _result(view: View, typed: dict[str, str], calls: Traffic, api: str) -> Compared | None:
    asked = asked_of(typed)
    if calls.demand is None or not api:
        if typed["feature"]:
            raise BadRequest("These calls have no tokens in the last four weeks.", param="feature")
        return None
    return await compared(view, asked, calls.demand, api)


def _shown(found: Compared) -> Values:
    return {
        "compared": shown.tiles(found), "bills": shown.bills(found), "steps": shown.steps(found), "tornado": shown.bars(found),
        "even": shown.chart(found), "assumed": shown.assumed(found), "noted": shown.noted(found),
    }  # fmt: skip


PAGE = Page(
    "own", "/own", "Own models", VIEWER, read, section="Levers", filters=("period",),
    actions={"roll-back": Action(EDITOR, steer.roll_back), "retire": Action(EDITOR, steer.retire)},
)  # fmt: skip
