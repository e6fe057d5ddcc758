"""To take a student back: to its former version, or altogether."""

from farthing.dashboard.forms import Form
from farthing.dashboard.view import View
from farthing.model.errors import BadRequest, NotFound
from farthing.store.students import LIVE, Students, Version


async def roll_back(view: View, form: Form) -> str:
    """The newest former version serves instead; without one the teacher answers. Raises NotFound, BadRequest."""
    version = await _live(view, form)
    if version.state != "serving":
        raise BadRequest("This version does not serve; only what serves can be rolled back.", param="version")
    found = await Students(view.sources.store).rollback(view.tenant, version.scope, view.entered.who)
    now = f"version {found} serves again" if found else "no former version is left: the teacher answers"
    return f"Version {version.version} of {version.scope} is taken back; {now}. Gateways follow within seconds."


async def retire(view: View, form: Form) -> str:
    """Nothing of this version is given or tried any more. Raises NotFound."""
    version = await _live(view, form)
    who = view.entered.who
    done = await Students(view.sources.store).retreat(
        view.tenant, version.scope, version.version, f"retired by {who}", who
    )
    if not done:
        raise NotFound("This version is not at work any more.")
    return (
        f"Version {version.version} of {version.scope} is retired: the teacher answers. Gateways follow within seconds."
    )


async def _live(view: View, form: Form) -> Version:
    scope, number = form.get("scope", ""), form.get("version", "")
    found = await Students(view.sources.store).versions(tenant=view.tenant, scope=scope, live=True) if scope else []
    version = next((each for each in found if f"{each.version}" == number and each.state in LIVE), None)
    if version is None:
        raise NotFound("There is no such student at work.")
    return version
