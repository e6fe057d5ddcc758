"""Links that sign somebody in once, within minutes: for whoever has the gateway's machine, and for demonstrations."""

import secrets

from farthing.dashboard.signing import Signer
from farthing.model.principal import Key

LASTS_S = 600
PATH = "/sign-in/link"


def sign_in_link(signer: Signer, base_url: str, key: Key, now_us: int) -> str:
    """Opens the pages at `base_url` as `key`, if its secret is still the same then."""
    said = {"id": secrets.token_hex(12), "key": key.id, "mark": signer.mark(key.hash)}
    return f"{base_url.rstrip('/')}{PATH}?pass={signer.sign('link', said, now_us)}"
