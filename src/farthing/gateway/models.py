"""`GET /v1/models` and `/v1/models/ID`: the models that callers can ask for, in the shape of the client's own SDK, and the
names that leave the choice to Farthing."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farthing.gateway.guard import Guard, Pass
from farthing.model.errors import FarthingError, UnknownModel
from farthing.model.principal import may_use
from farthing.prices import PriceBook
from farthing.upstream.providers import Providers

SINCE = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
"""Price lists do not say when a model came out; the SDKs want a date."""


CHOOSER = "farthing"
"""Who owns a name that stands for no model. Every key may ask for one: what its policy is about is the model chosen."""


def routes(providers: Providers, book: PriceBook, guard: Guard, choices: Sequence[str] = ()) -> list[Route]:
    """`choices`: names such as `auto` that calls may have instead of a model's."""
    known = dict.fromkeys(choices, CHOOSER) | _known(providers, book)

    async def models(request: Request, entered: Pass) -> Response:
        mine = [(model, owner) for model, owner in known.items() if owner == CHOOSER or may_use(entered.key, model)]
        if b"anthropic-version" in dict(request.scope["headers"]):
            return JSONResponse(_anthropic_page(mine, request))
        return JSONResponse({"object": "list", "data": [_openai(model, owner) for model, owner in mine]})

    async def model(request: Request, entered: Pass) -> Response:
        name = request.path_params["model"]
        owner = known.get(name) or _owner(providers, name)
        if not owner or not (owner == CHOOSER or may_use(entered.key, name)):
            raise UnknownModel("There is no such model here. GET /v1/models lists what there is.", param="model")
        if b"anthropic-version" in dict(request.scope["headers"]):
            return JSONResponse(_anthropic(name))
        return JSONResponse(_openai(name, owner))

    return [guard.page("/v1/models", "GET", models), guard.page("/v1/models/{model:path}", "GET", model)]


def _known(providers: Providers, book: PriceBook) -> dict[str, str]:
    """Names that settings give, then what the rate cards list of each provider's own models; each with its provider."""
    known = {name: providers.deployment(name).provider for name in providers.named_models}
    for provider in providers:
        for model in book.models(provider.prices):
            if _owner(providers, model) == provider.name:
                known.setdefault(model, provider.name)
    return known


def _owner(providers: Providers, model: str) -> str:
    try:
        return providers.deployment(model).provider
    except FarthingError:
        return ""


def _openai(model: str, owner: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": SINCE, "owned_by": owner}


def _anthropic(model: str) -> dict[str, Any]:
    created = datetime.fromtimestamp(SINCE, UTC).isoformat().replace("+00:00", "Z")
    return {"type": "model", "id": model, "display_name": model, "created_at": created}


def _anthropic_page(models: list[tuple[str, str]], request: Request) -> dict[str, Any]:
    names = [model for model, _ in models]
    after, before = request.query_params.get("after_id"), request.query_params.get("before_id")
    asked = request.query_params.get("limit", "")[:9]
    limit = min(int(asked), 1000) if asked.isdecimal() and int(asked) else 20
    if before in names:
        end = names.index(before)
        start = max(0, end - limit)
    else:
        start = names.index(after) + 1 if after in names else 0
        end = start + limit
    page = names[start:end]
    more = start > 0 if before in names else end < len(names)
    return {
        "data": [_anthropic(model) for model in page],
        "has_more": more,
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }
