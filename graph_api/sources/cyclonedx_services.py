"""Services of CycloneDX: who they are, what is within them, and which data flow between them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place, mappings, texts
from graph_api.sources.findings import Findings
from graph_api.sources.materials import Bill
from graph_api.sources.naming import ref_of, scoped, without_user
from graph_api.sources.parsing import Keys

_DIRECTIONS = (("source", "inbound"), ("destination", "outbound"))


def read_services(bill: Bill, findings: Findings) -> int:
    """State the services of the bill, nested ones too, and their data flows; how many there are."""
    found = list(_services(bill))
    for at, row, above in found:
        ref = _read_service(bill, row, at, findings)
        whole = bill.refs.get(above, bill.subject) if above else bill.subject
        if whole:
            findings.link(ref, "PART_OF", whole, at)
    for at, row, _ in found:
        _read_flows(bill, row, at, findings)
    return len(found)


def _services(bill: Bill) -> Iterator[tuple[Place, dict[str, Any], str]]:
    """Every service with a name, after the one that it is nested in, whose id comes with it."""
    start: list[tuple[Keys, Any, str]] = [(("services",), bill.document.get("services"), "")]
    while start:
        keys, rows, above = start.pop()
        for place, row in mappings(rows):
            if isinstance(row.get("name"), str) and row["name"]:
                yield bill.document.at(*keys, place), row, above
                start.append(((*keys, place, "services"), row.get("services"), _id(row)))


def _id(row: dict[str, Any]) -> str:
    return str(row.get("bom-ref") or row["name"])


def _read_service(bill: Bill, row: dict[str, Any], at: Place, findings: Findings) -> Ref:
    group = row.get("group")
    name = f"{group}/{row['name']}" if isinstance(group, str) and group else str(row["name"])
    endpoints = [without_user(url).partition("?")[0] for url in texts(row.get("endpoints"))]
    data = [{key: str(part[key]) for key in ("flow", "classification") if part.get(key)} for _, part in _data(row)]
    provider = row.get("provider")
    spec = {"version": row.get("version"), "endpoints": endpoints, "data": data}
    bill.refs[_id(row)] = ref = findings.entity(
        ref_of("component", bill.scope, name),
        at,
        name=str(row["name"]),
        type="service",
        description=row.get("description") if isinstance(row.get("description"), str) else None,
        labels={
            "provider": provider.get("name") if isinstance(provider, dict) else None,
            "authenticated": row.get("authenticated"),
            "crossesTrustBoundary": row.get("x-trust-boundary"),
        },
        spec={key: value for key, value in spec.items() if value},
        identifiers=[scoped("host", host) for url in endpoints if (host := _host(url))],
    )
    return ref


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _data(row: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    return mappings(row.get("data"))


def _read_flows(bill: Bill, row: dict[str, Any], at: Place, findings: Findings) -> None:
    """What a service gets data from and sends data to, where the bill lists it."""
    for _, part in _data(row):
        for key, direction in _DIRECTIONS:
            for other in texts(part.get(key)):
                if target := bill.refs.get(other) or bill.refs.get(other.rpartition("#")[2]):
                    properties = {"dataFlow": direction, "classification": str(part.get("classification") or "")}
                    findings.link(bill.refs[_id(row)], "DEPENDS_ON", target, at, properties=properties)
