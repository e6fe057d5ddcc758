"""Whose price list holds for a model that is named without a provider."""

from fnmatch import fnmatchcase

from farthing.upstream.hosts import HOSTS
from farthing.wire import FORMATS


def maker_of(model: str, format_name: str) -> str:
    """The price list of the host whose models are called so, else that of the format's own house."""
    own = (host.prices for host in HOSTS.values() if any(fnmatchcase(model, pattern) for pattern in host.models))
    return next(own, FORMATS[format_name].family)
