"""AsyncAPI documents: an API of type asyncapi each, and the channels through which it exchanges messages.

Versions 2.x and 3.x, as YAML or JSON. The document describes an application; the API stands for it.

- A channel on a broker is a Resource: `queue` on AMQP, JMS, IBM MQ, Solace, SQS and STOMP, else `transit`. Documents
  that name one broker and one address mean one channel. WebSocket, HTTP and SSE channels are the API itself, and
  channels without address (`null`, not known beforehand) are no resources.
- What the application receives, it READS_FROM; a channel that it sends to is WRITTEN_BY it. In 3.x `action` says which,
  and a `reply` goes the other way. In 2.x the words are the other side's: to a channel with `publish` others publish,
  and the application receives.
- Kept are title, version, description, tags and counts; schemas, bindings and security schemes are not.
- A `$ref` is followed within the document only.

Names, identifiers and hints at owners are as in graph_api/sources/openapi.py.

https://www.asyncapi.com/docs/reference/specification/latest
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import unquote

from graph_api.catalog.ref import Ref
from graph_api.sources.api_documents import MAX_SERVERS, api_ref, filled, hint_owners, tags_in, title_of, web_links
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, dig, listed, mapping
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of, scoped
from graph_api.sources.scalars import host_in, text_in

NAME = "asyncapi"

_VERSIONS = re.compile(r"[23]\.\d+(?:\.\d+)?(?:-\S+)?")
_QUEUES = frozenset({"amqp", "amqps", "amqp1", "jms", "ibmmq", "solace", "sqs", "stomp", "stomps"})
_DIRECT = frozenset({"ws", "wss", "http", "https", "sse"})
_TURNED = {"receive": "send", "send": "receive"}
_WORDS = {"publish": "receive", "subscribe": "send"}
"""What the application does where version 2 says what others do."""


@dataclass(frozen=True, slots=True)
class Server:
    protocol: str
    host: str | None
    path: str


def claims(document: Document) -> bool:
    return isinstance(document.value, dict) and "asyncapi" in document.value and "info" in document.value


def read(documents: Sequence[Document], findings: Findings) -> None:
    for document in documents:
        version = str(document.get("asyncapi"))
        if not _VERSIONS.fullmatch(version):
            findings.refuse(document, f"AsyncAPI {version[:20]}; 2 and 3 are read")
        elif title := title_of(document, findings):
            _read_api(document, title, version, findings)


def _read_api(document: Document, title: str, version: str, findings: Findings) -> None:
    info, at = mapping(document.get("info")), document.at("info")
    servers = dict(islice(_servers(document), MAX_SERVERS))
    hosts = list(dict.fromkeys(server.host for server in servers.values() if server.host))
    operations = list(_operations(document, version))
    told = {
        "version": text_in(info.get("version")),
        "specification": version,
        "protocols": sorted({server.protocol for server in servers.values() if server.protocol}),
        "channels": len(mapping(document.get("channels"))),
        "operations": len(operations),
    }
    ref = findings.entity(
        api_ref(NAME, document, title, hosts),
        at,
        name=title,
        type=NAME,
        description=text_in(info.get("description")),
        tags=tags_in(document.get("tags"), info.get("tags")),
        links=web_links(info, info.get("externalDocs") or document.get("externalDocs")),
        spec={key: value for key, value in told.items() if value},
        identifiers=[
            scoped("host", server.host + server.path)
            for server in servers.values()
            if server.host and server.protocol in _DIRECT
        ],
    )
    hint_owners(ref, at, findings, info, document.value)
    channels = {key: _read_channel(document, key, servers, ref, findings) for key in mapping(document.get("channels"))}
    for key, action, place in operations:
        if channel := channels.get(key):
            ends = (ref, "READS_FROM", channel) if action == "receive" else (channel, "WRITTEN_BY", ref)
            findings.link(*ends, document.at(*place))


def _servers(document: Document) -> Iterator[tuple[str, Server]]:
    for name, said in mapping(document.get("servers")).items():
        row = mapping(_resolved(document, said))
        protocol = (text_in(row.get("protocol")) or "").lower()
        url = filled(text_in(row.get("url")) or text_in(row.get("host")) or "", row.get("variables"))
        rest = url.partition("://")[2] or url
        path = text_in(row.get("pathname")) or "".join(rest.partition("/")[1:])
        host = host_in(rest) if "{" not in url else None
        yield name, Server(protocol, host, path.rstrip("/"))


def _resolved(document: Document, value: Any) -> Any:
    """The value, or what its `$ref` within the document means."""
    keys = _keys(dig(value, "$ref"))
    return document.get(*keys) if keys else value


def _keys(ref: Any) -> list[str]:
    text = text_in(ref) or ""
    if not text.startswith("#/"):
        return []
    return [unquote(part).replace("~1", "/").replace("~0", "~") for part in text[2:].split("/")]


def _read_channel(document: Document, key: str, servers: dict[str, Server], api: Ref, findings: Findings) -> Ref | None:
    """State a channel's resource; None where it is none."""
    channel = mapping(_resolved(document, document.get("channels", key)))
    address = text_in(channel.get("address")) if "address" in channel else key
    used = [servers[name] for name in _server_names(channel) if name in servers] or list(servers.values())
    if address is None or (used and all(server.protocol in _DIRECT for server in used)):
        return None
    host = next((server.host for server in used if server.host), None)
    protocols = {server.protocol for server in used}
    scope = f"{NAME}-{host}" if host else f"{NAME}-{api.partition(':')[2]}"
    return findings.mention(
        ref_of("resource", scope, address),
        document.at("channels", key),
        name=address,
        type="queue" if protocols & _QUEUES else "transit",
        title=text_in(channel.get("title")),
        description=text_in(channel.get("description")) or text_in(channel.get("summary")),
        labels={"protocol": ", ".join(sorted(protocols - {""}))},
    )


def _server_names(channel: dict[str, Any]) -> Iterator[str]:
    for item in listed(channel.get("servers")):
        keys = _keys(dig(item, "$ref"))
        yield keys[-1] if keys else str(item)


def _operations(document: Document, version: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Channel, what the application does there, and where that stands."""
    if version.startswith("2"):
        for key, channel in mapping(document.get("channels")).items():
            for word, action in _WORDS.items():
                if isinstance(dig(channel, word), dict):
                    yield key, action, ("channels", key, word)
        return
    for name, said in mapping(document.get("operations")).items():
        operation = mapping(_resolved(document, said))
        action = str(operation.get("action"))
        if action in _TURNED:
            yield _channel_key(operation), action, ("operations", name)
            if "reply" in operation:
                reply = mapping(_resolved(document, operation["reply"]))
                yield _channel_key(reply), _TURNED[action], ("operations", name, "reply")


def _channel_key(value: dict[str, Any]) -> str:
    keys = _keys(dig(value, "channel", "$ref"))
    return keys[1] if len(keys) == 2 and keys[0] == "channels" else ""


CONNECTOR = Connector(
    name=NAME,
    description="APIs that AsyncAPI documents describe, and the channels that they read and write",
    input="AsyncAPI 2.x and 3.x, YAML or JSON",
    claims=claims,
    read=read,
)
