"""What dbt's catalog.json and run_results.json tell of the datasets and the project of a manifest."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Document, dig, mapping, mappings
from graph_api.sources.scalars import number_in, text_in

_TYPES = {"base table": "table"}
_STATS = {"rows": ("num_rows", "row_count", "rows"), "bytes": ("num_bytes", "bytes", "size")}


def facts_of(
    artifact: str, document: Document, datasets: Mapping[str, Ref], project: Ref
) -> Iterator[tuple[Ref, dict[str, Any]]]:
    """Facts for `spec`, by the dataset or the project that they are of."""
    if artifact == "catalog":
        yield from _catalog(document, datasets)
    else:
        yield from _runs(document, datasets)
        yield project, {"lastRun": _last_run(document)}


def _catalog(document: Document, datasets: Mapping[str, Ref]) -> Iterator[tuple[Ref, dict[str, Any]]]:
    for part in ("nodes", "sources"):
        for id_, node in mapping(document.get(part)).items():
            if id_ not in datasets:
                continue
            kind = (text_in(dig(node, "metadata", "type")) or "").lower()
            facts = {"relationType": _TYPES.get(kind, kind), "columns": len(mapping(dig(node, "columns")))}
            stats = {name: _stat(dig(node, "stats"), keys) for name, keys in _STATS.items()}
            yield datasets[id_], {key: value for key, value in {**facts, **stats}.items() if value not in (None, "")}


def _stat(stats: Any, keys: tuple[str, ...]) -> int | None:
    numbers = (number_in(dig(stats, key, "value")) for key in keys)
    return next((round(number) for number in numbers if number is not None), None)


def _runs(document: Document, datasets: Mapping[str, Ref]) -> Iterator[tuple[Ref, dict[str, Any]]]:
    for _, result in mappings(document.get("results")):
        ref, status = datasets.get(str(result.get("unique_id"))), text_in(result.get("status"))
        if ref and status:
            times = [time for _, row in mappings(result.get("timing")) if (time := text_in(row.get("completed_at")))]
            yield ref, {"lastRun": {"status": status, **({"completedAt": max(times)} if times else {})}}


def _last_run(document: Document) -> dict[str, Any]:
    """When, by which command, and how many nodes ended how."""
    statuses = Counter(status for _, row in mappings(document.get("results")) if (status := text_in(row.get("status"))))
    told = {
        "completedAt": text_in(document.get("metadata", "generated_at")),
        "command": text_in(document.get("args", "which")),
        "results": dict(sorted(statuses.items())),
    }
    return {key: value for key, value in told.items() if value}
