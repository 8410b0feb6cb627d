"""What Terraform's and Pulumi's attributes say of a resource: the names that others know it by, and its tags.

- `owner`, `team` -> OWNED_BY (`payments` is `group:default/payments`; an e-mail address is a person's)
- `service`, `component` -> PART_OF that component; `system`, `application`, `app` -> PART_OF that system
- `env`, `environment`, `stage` -> DEPLOYED_TO that environment

Keys in any case, of `tags`, `tags_all`, `labels` and the like, or as `key:value` in a list. No other attribute is kept.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graph_api.catalog.kinds import OWNER_KINDS
from graph_api.catalog.ref import DEFAULT_NAMESPACE, BadRefError, Ref, kind_of, make_ref, parse_ref
from graph_api.sources.documents import Place, mapping, texts
from graph_api.sources.findings import Findings
from graph_api.sources.naming import image_name, name_of, ref_of, scoped
from graph_api.sources.resource_classes import provider_of

TAGS = ("tags", "tags_all", "tagsAll", "labels", "effective_labels", "user_labels")
NAMES = ("arn", "self_link", "selfLink", "id")
HOSTS = (
    "address", "endpoint", "dns_name", "dnsName", "fqdn", "public_dns", "publicDns", "hostname",
    "default_hostname", "defaultHostname", "fully_qualified_domain_name", "fullyQualifiedDomainName",
    "primary_endpoint_address", "primaryEndpointAddress", "reader_endpoint", "readerEndpoint",
    "reader_endpoint_address", "readerEndpointAddress",
    "configuration_endpoint_address", "configurationEndpointAddress",
)  # fmt: skip
IMAGES = ("repository_url", "repositoryUrl")
TITLES = ("name", "identifier", "bucket", "title", "display_name", "displayName")

_KEPT = frozenset({*TAGS, *NAMES, *HOSTS, *IMAGES, *TITLES})
_KEPT_WITHIN = (("git_repository", ("url",)), ("metadata", ("name", "namespace")))

_OWNER, _COMPONENT = ("owner", "team"), ("service", "component")
_SYSTEM, _ENVIRONMENT = ("system", "application", "app"), ("env", "environment", "stage")
_EMAIL = re.compile(r"[^@\s]+@(?=[^@\s]+\.[^@\s])[^@\s]+")
_UNIQUE = re.compile(r"[a-z]+-[0-9a-f]{8}(?:[0-9a-f]{9})?|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Ids of a provider that no other thing of it has: `i-0abc...` and UUIDs."""
_PATHS = re.compile(r"/subscriptions/.+|projects/[^/\n]+/.+")
_HOST = re.compile(r"(?:[a-z]+://)?(?P<host>(?:[\w-]+\.){2,}[a-z]{2,})\.?(?::\d+)?(?:/.*)?", re.IGNORECASE)


def kept(attributes: Any, hidden: Iterable[str] = ()) -> dict[str, Any]:
    """The attributes that are looked at, without those that are marked as sensitive."""
    values, hidden = mapping(attributes), set(hidden)
    found = {key: value for key, value in values.items() if key in _KEPT and key not in hidden}
    for key, inner in _KEPT_WITHIN:
        first = values.get(key)
        first = first[0] if isinstance(first, list) and first else first
        if isinstance(first, dict) and key not in hidden:
            found[key] = {name: first[name] for name in inner if isinstance(first.get(name), str)}
    return found


def names_of(type_: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Identifiers. `random_*` has none: its ids are its secrets."""
    provider = provider_of(type_)
    if provider == "random":
        return
    for text in _texts(values, NAMES):
        if text.startswith(("arn:", "https://")) or _PATHS.fullmatch(text):
            yield text
        elif _UNIQUE.fullmatch(text):
            yield scoped(provider, text)
    for text in _texts(values, HOSTS):
        if match := _HOST.fullmatch(text):
            yield scoped("host", match["host"])
    for text in _texts(values, IMAGES):
        yield f"image:{image_name(text)}"


def workload_name(values: Mapping[str, Any]) -> list[str]:
    """The identifier of a workload or service of Kubernetes, by its metadata."""
    metadata = mapping(values.get("metadata"))
    return (
        [scoped("kubernetes", f"{metadata.get('namespace') or 'default'}/{name}")]
        if (name := metadata.get("name"))
        else []
    )


def title_of(values: Mapping[str, Any]) -> str | None:
    """What people call it: the tag Name, or a name among the attributes."""
    return tags_of(values).get("name") or next(_texts(values, TITLES), None)


def tags_of(values: Mapping[str, Any]) -> dict[str, str]:
    """Tags by their keys in lower case."""
    found: dict[str, str] = {}
    for key in TAGS:
        listed = (text.partition(":")[::2] for text in texts(values.get(key)))
        for name, value in (*mapping(values.get(key)).items(), *listed):
            if isinstance(value, str) and value.strip():
                found.setdefault(str(name).lower(), value.strip())
    return found


def state_tags(ref: Ref, values: Mapping[str, Any], at: Place, findings: Findings) -> None:
    """The links that tags mean."""
    tags = tags_of(values)
    for owner in _chosen(tags, _OWNER):
        findings.owner(ref, _owner(owner, at, findings), at)
    for kind, relation, keys in (
        ("component", "PART_OF", _COMPONENT),
        ("system", "PART_OF", _SYSTEM),
        ("environment", "DEPLOYED_TO", _ENVIRONMENT),
    ):
        for value in _chosen(tags, keys)[:1]:
            target = _ref(kind, value)
            if target != ref:
                findings.link(ref, relation, target, at)


def _owner(text: str, at: Place, findings: Findings) -> Ref:
    if _EMAIL.fullmatch(text):
        return findings.entity(ref_of("user", "email", text), at, name=text, identifiers=[text])
    return _ref("group", text)


def _ref(kind: str, text: str) -> Ref:
    try:
        ref = parse_ref(text, kind=kind)
    except BadRefError:
        ref = None
    fits = OWNER_KINDS if kind == "group" else (kind,)
    return ref if ref and kind_of(ref) in fits else make_ref(kind, DEFAULT_NAMESPACE, name_of(text))


def _chosen(tags: Mapping[str, str], keys: tuple[str, ...]) -> list[str]:
    return [tags[key] for key in keys if key in tags]


def _texts(values: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[str]:
    return (value for key in keys if isinstance(value := values.get(key), str) and value)
