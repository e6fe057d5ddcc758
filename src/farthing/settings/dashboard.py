"""The settings of the pages for people: where they answer, how long a sign-in lasts, and who signs in through a provider of
identities. Read by `tree`; what is made of it is for `dashboard.access`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from farthing.settings.values import FilePath, Secret, Url

RoleName = Literal["own", "viewer", "editor", "admin"]


class OidcSettings(msgspec.Struct, frozen=True):
    """Sign-in through your own provider of identities (OpenID Connect); needs `pip install 'farthing[oidc]'`."""

    issuer: Annotated[
        Url, Meta(description="Its address, as its tokens say it, such as `https://login.example.com`. Empty: off.")
    ] = Url()
    client_id: Annotated[str, Meta(description="What it calls Farthing.")] = ""
    client_secret: Annotated[
        Secret, Meta(description="`env:NAME`, `file:PATH` or the secret itself. Empty: a public client.")
    ] = Secret()
    label: Annotated[str, Meta(description="What the button on the sign-in page says.")] = "Single sign-on"
    scopes: Annotated[list[str], Meta(description="What it is asked to tell.")] = msgspec.field(
        default_factory=lambda: ["openid", "email", "profile"]
    )
    user_claim: Annotated[
        str, Meta(description="Claim that names somebody as calls are tagged: own calls are those of this user.")
    ] = "email"
    role_claim: Annotated[str, Meta(description="Claim that says the role: `groups`, `roles`, `email`, ...")] = "groups"
    roles: Annotated[
        dict[str, RoleName],
        Meta(description="What each value of that claim may; of several the one that may most."),
    ] = {}
    other_role: Annotated[
        Literal["none", "own", "viewer"],
        Meta(description="What everybody else of the provider may. `none`: they are not let in."),
    ] = "none"
    tenant_claim: Annotated[
        str, Meta(description="Claim that says the tenant, by `tenants`. Empty: all are of the tenant `default`.")
    ] = ""
    tenants: Annotated[
        dict[str, str], Meta(description="The tenant for each value of that claim. Any other is not let in.")
    ] = {}
    ca_file: Annotated[
        FilePath, Meta(description="Authorities (PEM file) to trust for it instead of the system's.")
    ] = FilePath()


class DashboardSettings(msgspec.Struct, frozen=True):
    """The pages for people; needs `pip install 'farthing[dashboard]'`."""

    enabled: Annotated[
        Literal["admin", "loopback", "on", "off"],
        Meta(
            description="For whom they answer: as `server.admin` says, this machine only, all who sign in, or nobody."
        ),
    ] = "admin"
    url: Annotated[
        Url,
        Meta(description="Where people reach them, if it is not the gateway's own address: `https://ai.example.com`."),
    ] = Url()
    session_hours: Annotated[float, Meta(gt=0, le=720, description="Hours after which people sign in again.")] = 12.0
    address_header: Annotated[
        str,
        Meta(
            description="Header in which your proxy says who calls, such as `x-real-ip`; attempts to sign in are counted by "
            "it. Only where nobody else can reach the gateway."
        ),
    ] = ""
    oidc: Annotated[OidcSettings, Meta(description="Sign-in through your own provider of identities.")] = OidcSettings()
