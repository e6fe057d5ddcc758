"""Errors as the providers say them: status, kind, code and text of each, in their own shapes."""

from farthing.upstream.simulator.faults import Plan
from farthing.upstream.simulator.wire import Family, Json, Refusal

_OPENAI = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided: sk-sim****. You can find your API key "
          "at https://platform.openai.com/account/api-keys."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Country, region, or territory not supported"),
    404: ("invalid_request_error", "model_not_found", "The model does not exist or you do not have access to it."),
    408: ("invalid_request_error", "request_timeout", "The request took too long to arrive."),
    409: ("conflict_error", None, "The resource was changed meanwhile. Please try again."),
    413: ("invalid_request_error", "request_too_large", "The request is too large."),
    422: ("invalid_request_error", None, "The request cannot be processed."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request. Sorry about that!"),
    502: ("server_error", None, "Bad gateway"),
    503: ("server_error", None, "The engine is currently overloaded, please try again later"),
    504: ("server_error", None, "Gateway timeout"),
    529: ("server_error", None, "The engine is currently overloaded, please try again later"),
}  # fmt: skip
_ANTHROPIC = {
    400: ("invalid_request_error", "The request is not valid."),
    401: ("authentication_error", "invalid x-api-key"),
    403: ("permission_error", "Your API key does not have permission to use the specified resource."),
    404: ("not_found_error", "Not found"),
    408: ("timeout_error", "The request took too long to arrive."),
    409: ("conflict_error", "The resource was changed meanwhile."),
    413: ("request_too_large", "Request exceeds the maximum size"),
    422: ("invalid_request_error", "The request cannot be processed."),
    429: ("rate_limit_error", "This request would exceed the rate limit for your organization."),
    500: ("api_error", "Internal server error"),
    502: ("api_error", "Bad gateway"),
    503: ("api_error", "Service unavailable"),
    504: ("timeout_error", "Gateway timeout"),
    529: ("overloaded_error", "Overloaded"),
}


def shape(refusal: Refusal, family: Family, request_id: str = "") -> Json:
    """The body of an error."""
    if family == "openai":
        error = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
        return {"error": error}
    body: Json = {"type": "error", "error": {"type": refusal.kind, "message": refusal.message}}
    return {**body, "request_id": request_id} if request_id else body


def check(plan: Plan, family: Family) -> None:
    """Raises Refusal for a fault that is an error of the provider, or of a proxy before it (502, 504)."""
    if plan.has("insufficient-quota"):
        message = "You exceeded your current quota, please check your plan and billing details."
        if family == "openai":
            raise Refusal(429, "insufficient_quota", message, code="insufficient_quota")
        raise Refusal(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.")
    for name, value in plan.values.items():
        if name.startswith("status-"):
            refusal = provider_error(int(name.removeprefix("status-")), family)
            if refusal.status in (429, 503) and value:
                refusal.headers["retry-after"] = f"{value:g}"
            raise refusal


def provider_error(status: int, family: Family) -> Refusal:
    if family == "anthropic":
        kind, message = _ANTHROPIC.get(status, _ANTHROPIC[500])
        return Refusal(status, kind, message)
    kind, code, message = _OPENAI.get(status, _OPENAI[500])
    return Refusal(503 if status == 529 else status, kind, message, code=code)


def no_json(family: Family) -> Refusal:
    if family == "anthropic":
        return Refusal(400, "invalid_request_error", "The request body is not valid JSON")
    return Refusal(
        400, "invalid_request_error", "We could not parse the JSON body of your request. (HINT: This likely means you "
        "aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid "
        "JSON.)",
    )  # fmt: skip
