"""Identifiers: foreign names by which an entity is found, each in one normal spelling.

What states them, beside the annotation `graph-api/former-refs`:

| stated by                                                        | on           | identifier                        |
|------------------------------------------------------------------|--------------|-----------------------------------|
| `github.com/project-slug`, `gitlab.com/project-slug`             | Repository   | `https://github.com/org/repo`     |
| `backstage.io/source-location`, `spec.url`                       | Repository   | the URL of the whole repository   |
| `backstage.io/source-location`                                   | other kinds  | that URL, with its folder         |
| `github.com/team-slug`, `gitlab.com/team-path`                   | Group        | `@org/team`                       |
| `github.com/user-login`, `gitlab.com/user-login`                 | User         | `@login`                          |
| `spec.profile.email`                                             | Group, User  | the address                       |
| `graph-api/identifiers`, `graph-api/host`, `graph-api/image`,    | any          | each of the comma-separated texts |
| `docker.com/repository`                                          |              |                                   |
| an annotation of `NAMING`                                        | any          | its value                         |
| `spec.definition`                                                | API          | `definition:` and its digest      |

Beside its plain value, an annotation of `SCHEMED` is stated as the tools state it, so that correlation.py joins them:

| annotation                                                       | identifier                                       |
|------------------------------------------------------------------|--------------------------------------------------|
| `backstage.io/kubernetes-id`                                     | `kubernetes-id:VALUE`                            |
| `argocd/app-name`                                                | `argocd:VALUE`                                   |
| `graph-api/service-name`, `opentelemetry.io/service.name`,       | `service.name:VALUE`                             |
| `resource.opentelemetry.io/service.name`                         |                                                  |
| `graph-api/image`, `docker.com/repository`                       | `image:HOST/PATH` of each, with its registry     |
| `graph-api/host`                                                 | `host:VALUE` of each of the comma-separated ones |
| `pagerduty.com/service-id`                                       | `pagerduty:VALUE`                                |
| `jira/project-key`                                               | `jira:VALUE`                                     |
| `amazonaws.com/arn` and the other ARNs of `NAMING`               | as they are                                      |

What has no annotation is written out in `graph-api/identifiers`, such as `kubernetes:shop/checkout`.

All are case-folded but ARNs, which are case-sensitive. A value may name several entities: whoever asks gets them all.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graph_api.catalog.kinds import KINDS, OWNER_KINDS
from graph_api.catalog.ref import DEFAULT_NAMESPACE

MAX_IDENTIFIER = 1024
"""Characters; what is longer names nothing (and would not fit a database index)."""

NAMING = frozenset(
    {
        "amazonaws.com/arn",
        "argocd/app-name",
        "aws.amazon.com/amazon-ecs-service-arn",
        "aws.amazon.com/aws-codepipeline-arn",
        "aws.com/lambda-function-name",
        "backstage.io/kubernetes-id",
        "backstage.io/ldap-dn",
        "backstage.io/ldap-uuid",
        "datadoghq.com/service-name",
        "dev.azure.com/project-repo",
        "graph-api/service-name",
        "graph.microsoft.com/group-id",
        "graph.microsoft.com/user-id",
        "jenkins.io/job-full-name",
        "jira/project-key",
        "microsoft.com/email",
        "opentelemetry.io/service.name",
        "opsgenie.com/component-selector",
        "opsgenie.com/team",
        "pagerduty.com/service-id",
        "resource.opentelemetry.io/service.name",
        "sentry.io/project-slug",
        "snyk.io/project-ids",
        "sonarqube.org/project-key",
    }
)
"""Annotations whose value names the entity itself in another tool."""

SCHEMED = {
    "argocd/app-name": "argocd",
    "backstage.io/kubernetes-id": "kubernetes-id",
    "docker.com/repository": "image",
    "graph-api/host": "host",
    "graph-api/image": "image",
    "graph-api/service-name": "service.name",
    "jira/project-key": "jira",
    "opentelemetry.io/service.name": "service.name",
    "pagerduty.com/service-id": "pagerduty",
    "resource.opentelemetry.io/service.name": "service.name",
}
"""Annotations whose value other tools know under a scheme."""

_LISTS = ("graph-api/host", "graph-api/identifiers", "graph-api/image", "docker.com/repository")
SLUG_HOSTS = {"github.com/project-slug": "https://github.com/", "gitlab.com/project-slug": "https://gitlab.com/"}
_HANDLES = {
    "group": ("github.com/team-slug", "gitlab.com/team-path"),
    "user": ("github.com/user-login", "gitlab.com/user-login"),
}
_SOURCE_LOCATION = "backstage.io/source-location"

_USER = re.compile(r"^(\s*(?:[A-Za-z][A-Za-z0-9+.-]*:)+//)(?:[^/?#\s]*@|[^/?#\s@:\[]*:(?!\d*(?:[/?#\s]|$))\S*@)+")
"""Up to the last @ before the path; where no port can follow the first colon, a password with `/` or `?` does."""

_PREFIX = re.compile(r"(?:url:|mailto:|docker(?:-pullable)?://|oci://|\s)+", re.IGNORECASE)
_URL = re.compile(
    r"(?:(?P<web>(?:git\+)?https?)|(?:git\+)?ssh|git)://(?P<host>[^/:?#@\s]+)(?::(?P<port>\d*))?"
    r"(?P<path>[/?][^#]*)?(?:#.*)?"
)
_SCP = re.compile(r"[\w.-]+@(?P<host>[\w-]+(?:\.[\w-]+)+|[\w-]+(?=:[^:]*/)):/?(?P<path>[^/:?#\s][^:?#\s]*)")
_FORGE = re.compile(
    r"(?P<host>(?:github|gitlab)\.com|bitbucket\.org|codeberg\.org|(?:git|gitea|github|gitlab)\.[\w.-]+)"
    r"(?:/|:(?!\d+/))(?P<path>[^:?#\s]+)"
)
_IMAGE = re.compile(
    r"(?:(?:index\.)?docker\.io/)*(?P<name>[\w.-]+(?::\d+)?(?:/[\w.-]+)+)(?::[\w.-]{1,128})?(?:@sha\d+:[0-9a-f]+)?"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IN_CLUSTER = re.compile(r"([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.[a-z0-9.-]+)?")
_TAIL = re.compile(r"(?:\.git|[/\s])+$")
_SHORT_REF = re.compile(r"(?P<kind>[a-z][a-z0-9]*):(?P<name>[\w.-]+)")
_REPOSITORY = re.compile(
    r"(?P<two>https://[^/?]+/[^/?]+/[^/?]+)(?P<deeper>(?:/[^/?]+)*?)(?:/-)?(?P<tail>/(?:tree|blob|raw|src|edit)(?:/.*)?)?"
)
_IN_REPOSITORY = re.compile(r"/(?P<what>tree|blob|raw|src|edit)/[^/]+/(?P<path>.+)", re.IGNORECASE)
_TWO_LEVEL_HOSTS = ("https://github.com/", "https://bitbucket.org/", "https://codeberg.org/")


def normalize_identifier(text: str) -> str:
    """One spelling for all that mean the same name; normalizing twice changes nothing.

    Repository URLs (https, ssh, `git@host:org/repo.git`, `url:` before them, a known host without scheme) become
    `https://host/org/repo`; images lose tag and digest; a ref without namespace gets the default one.
    """
    if len(text) > MAX_IDENTIFIER:
        return text
    text = bare(text)
    if text[:4].casefold() == "arn:":
        return "arn:" + text[4:]
    folded = text.casefold()
    if match := _IMAGE.fullmatch(folded):
        folded = match["name"]
    if match := _URL.fullmatch(folded):
        port = match["port"] if match["web"] and match["port"] not in (None, "", "80", "443") else ""
        return _web(match["host"] + (f":{port}" if port else ""), match["path"] or "")
    if match := _SCP.fullmatch(folded) or _FORGE.fullmatch(folded):
        return _web(match["host"], "/" + match["path"])
    if (match := _SHORT_REF.fullmatch(folded)) and match["kind"] in KINDS:
        return f"{match['kind']}:{DEFAULT_NAMESPACE}/{match['name']}"
    return folded


def bare(text: str) -> str:
    """A name without what tools write before it (`url:`, `docker-pullable://`), and without the user of an address."""
    text = _PREFIX.sub("", text, count=1) if _PREFIX.match(text) else text
    return without_user(text.rstrip())


def without_user(url: str) -> str:
    """An address without the user and password that may stand before its host."""
    return _USER.sub(r"\1", url) if "@" in url else url


def repository_url(text: str) -> str | None:
    """`https://host/org/repo` of a URL of it or of a folder or file in it; None if the text names no repository."""
    match = _REPOSITORY.fullmatch(normalize_identifier(without_user(text).partition("?")[0]))
    if match is None:
        return None
    whole = match["two"] if match["two"].startswith(_TWO_LEVEL_HOSTS) else match["two"] + match["deeper"]
    return normalize_identifier(whole)


def repository_urls(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Return the repositories that a descriptor's annotations name, sorted."""
    texts = [host + annotations[key].strip("/ ") for key, host in SLUG_HOSTS.items() if annotations.get(key)]
    if _SOURCE_LOCATION in annotations:
        texts.append(annotations[_SOURCE_LOCATION])
    return tuple(sorted({url for text in texts if (url := repository_url(text))}))


def named_repository(annotations: Mapping[str, str]) -> tuple[str, str] | None:
    """The URL of the repository that an entity's source is in, and its folder there, as its annotations say."""
    location = annotations.get(_SOURCE_LOCATION, "")
    if url := repository_url(location):
        return url, _folder_in(location)
    urls = repository_urls(annotations)
    return (urls[0], "") if len(urls) == 1 else None


def _folder_in(location: str) -> str:
    match = _IN_REPOSITORY.search(location.partition("?")[0].partition("#")[0])
    if match is None:
        return ""
    path = match["path"].strip("/ ")
    return path.rpartition("/")[0] if match["what"].lower() in ("blob", "raw", "edit") else path


def identifiers_of(kind: str, annotations: Mapping[str, str], spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The identifiers that a descriptor states, normalized and sorted. `kind` is lower case."""
    texts = list(_of_kind(kind, annotations, spec))
    for key, value in annotations.items():
        if key in _LISTS:
            texts += value.split(",")
        elif key in NAMING:
            texts.append(value)
        if key in SCHEMED:
            texts += _with_scheme(SCHEMED[key], value.split(",") if key in _LISTS else (value,))
    return normalize_all(texts)


def _with_scheme(scheme: str, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name.strip():
            yield scoped(scheme, image_name(name) if scheme == "image" else name)


def definition_name(text: str) -> str:
    """The identifier of an API by the text that defines it, wherever copies of the text lie."""
    return f"definition:{hashlib.sha256(text.strip().encode(errors='replace')).hexdigest()}"


def scoped(scheme: str, name: str) -> str:
    """Return an identifier that says which tool calls it so: `service.name:checkout`."""
    return normalize_identifier(f"{scheme}:{name.strip()}")


def image_name(image: str) -> str:
    """Return an image without tag and digest, with its registry: `docker.io/library/redis` for `redis:7`."""
    name = image.strip().removeprefix("docker.io/").partition("@")[0]
    head, colon, tag = name.rpartition(":")
    name = head if colon and "/" not in tag else name
    host, slash, _ = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        return name.lower()
    return f"docker.io/{'library/' if not slash else ''}{name}".lower()


def image_names(text: str) -> Iterator[str]:
    """Yield `image:NAME`, `image:NAME:TAG`, and `image-digest:sha256:...` of an image or of a mere digest."""
    if digest := _DIGEST.search(text):
        yield scoped("image-digest", digest[0])
    name = text.partition("@")[0]
    if not name or text.startswith("sha256:"):
        return
    yield scoped("image", image_name(name))
    tag = name.rpartition("/")[2].partition(":")[2]
    if tag:
        yield scoped("image", f"{image_name(name)}:{tag}")


def host_names(host: str) -> list[str]:
    """Return the identifiers of what answers at a host."""
    return [scoped("host", host), *service_names(host)]


def service_names(host: str) -> list[str]:
    """The identifier of the Service in Kubernetes that a host within a cluster names, such as `cart.shop.svc`."""
    match = _IN_CLUSTER.fullmatch(host)
    return [scoped("kubernetes", f"{match[2]}/{match[1]}")] if match else []


def normalize_all(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the distinct normal spellings, sorted, without empty and overlong ones."""
    names = {normalize_identifier(text) for text in texts if len(text) <= MAX_IDENTIFIER}
    return tuple(sorted(names - {""}))


def _of_kind(kind: str, annotations: Mapping[str, str], spec: Mapping[str, Any]) -> Iterator[str]:
    if kind == "repository":
        yield from repository_urls(annotations)
        url = spec.get("url")
        if isinstance(url, str):
            yield repository_url(url) or url
    elif annotations.get(_SOURCE_LOCATION, "").startswith(("url:", "http")):
        yield annotations[_SOURCE_LOCATION]
    definition = spec.get("definition")
    if kind == "api" and isinstance(definition, str) and definition.strip():
        yield definition_name(definition)
    for key in _HANDLES.get(kind, ()):
        if annotations.get(key):
            yield "@" + annotations[key].strip().removeprefix("@")
    profile = spec.get("profile")
    if kind in OWNER_KINDS and isinstance(profile, Mapping) and isinstance(profile.get("email"), str):
        yield profile["email"]


def _web(host: str, path: str) -> str:
    return f"https://{host}{_TAIL.sub('', path)}"
