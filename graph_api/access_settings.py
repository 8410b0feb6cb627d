"""Settings: who may come in, and as what."""

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, FilePath
from pydantic_settings import BaseSettings, NoDecode

from graph_api.access.principal import Role

EVERYBODY = "*"
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Asymmetric ones: whoever can check a signature cannot make one."""


def split(value: object) -> object:
    """Split a text with commas, which is what a list is in the environment."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    if (parts.scheme == "https" and parts.hostname) or (parts.scheme == "http" and is_loopback(parts.hostname)):
        return url
    raise ValueError("write an https URL")


def _check_algorithms(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or (unknown := [name for name in names if name not in ALGORITHMS]):
        raise ValueError(f"{', '.join(unknown) if names else 'none'}: choose among {', '.join(ALGORITHMS)}")
    return names


def _roles(value: object) -> object:
    """Read a mapping that is one text in the environment: VALUE=ROLE with commas."""
    parts = split(value)
    if isinstance(parts, list):
        if wrong := next((part for part in parts if not isinstance(part, str) or "=" not in part), None):
            raise ValueError(f"{wrong} is not of the form VALUE=ROLE")
        return dict(part.rpartition("=")[::2] for part in parts)
    return parts


def _check_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for network in networks:
        ip_network(network)
    return networks


_Url = Annotated[str, AfterValidator(_check_url)]
_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]
_Algorithms = Annotated[_Names, AfterValidator(_check_algorithms)]
_Networks = Annotated[_Names, AfterValidator(_check_networks)]
_Roles = Annotated[Mapping[str, Role], NoDecode, BeforeValidator(_roles)]


class AccessSettings(BaseSettings):
    insecure_anonymous: bool = Field(
        default=False,
        description="Let everybody who reaches the server in without a token, with all roles; on loopback only.",
    )
    insecure_anonymous_anywhere: bool = Field(
        default=False, description="With insecure_anonymous: on any address, so that whoever reaches it may write."
    )
    oidc_issuer: _Url | None = Field(
        default=None, description="Issuer of the tokens (JWT) that are believed, exactly as in their claim `iss`."
    )
    oidc_audience: str | None = Field(
        default=None, min_length=1, description="What the tokens' claim `aud` must name; needed with oidc_issuer."
    )
    oidc_jwks_url: _Url | None = Field(
        default=None,
        description="Where the issuer's public keys are. Left out, its /.well-known/openid-configuration tells.",
    )
    oidc_algorithms: _Algorithms = Field(
        default=("RS256", "ES256"), description=f"Algorithms of signatures that are believed: {', '.join(ALGORITHMS)}."
    )
    oidc_user_claim: str = Field(
        default="sub",
        description="The claim that says who it is; where it is a name or a ref of a user, that user of the catalog.",
    )
    oidc_groups_claim: str = Field(
        default="groups",
        description="The claim that lists the user's groups: names or refs. In a token without it, they are those "
        "that the user is a member of in the catalog. A path with dots leads into objects.",
    )
    oidc_roles_claim: str = Field(
        default="roles", description="The claim that lists what oidc_roles makes roles of, besides groups."
    )
    oidc_roles: _Roles = Field(
        default={EVERYBODY: "viewer"},
        validate_default=True,
        description="Which role a value of the claims of groups and roles gives: an object, or in the environment "
        f"`VALUE=ROLE`. `{EVERYBODY}` is whoever has a valid token. Roles: {', '.join(Role)}; no ingestor, "
        "who needs a key.",
    )
    oidc_leeway: float = Field(
        default=30, ge=0, le=60, description="Seconds that the issuer's clock may differ from ours."
    )
    neo4j_password_file: FilePath | None = Field(
        default=None, description="A file with neo4j_password, such as a mounted secret, in its place."
    )
    trusted_proxies: _Networks = Field(
        default=(),
        description="Addresses and networks of proxies whose X-Forwarded-For is believed; no others.",
    )


def check_access(values: AccessSettings, host: str) -> None:
    """Raise ValueError for settings that contradict each other."""
    if values.oidc_issuer and not values.oidc_audience:
        raise ValueError("oidc_issuer needs oidc_audience: without it, tokens for any other service would be let in")
    if not values.oidc_issuer and (values.oidc_audience or values.oidc_jwks_url):
        raise ValueError("oidc_audience and oidc_jwks_url need oidc_issuer")
    if Role.INGESTOR in values.oidc_roles.values():
        raise ValueError("oidc_roles gives no role ingestor, which is bound to a source: make a key for it")
    if values.insecure_anonymous and not is_loopback(host) and not values.insecure_anonymous_anywhere:
        raise ValueError(
            f"insecure_anonymous is for loopback, and {host} is not: whoever reaches it could write. If that is meant, "
            "set insecure_anonymous_anywhere too"
        )
