"""Events as producers POST them, read as a file's events are."""

from typing import Any

import pytest

from graph_api.sources import openlineage
from graph_api.sources.findings import Findings

SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"


def event(kind: str, minute: int, **sides: Any) -> dict[str, Any]:
    job = {"namespace": "spark", "name": "load/day"}
    time = f"2026-03-02T04:{minute:02}:00Z"
    return {"eventType": kind, "eventTime": time, "schemaURL": SCHEMA, "job": job, "run": {"runId": "1"}, **sides}


TABLE = {"namespace": "file", "name": "/lake/day"}


def test_one_event_is_one_document_named_by_its_job_and_type() -> None:
    [document] = openlineage.received(event("COMPLETE", 5, outputs=[TABLE]))
    assert document.path == "openlineage://spark/load%2Fday/COMPLETE"
    findings = Findings(openlineage.CONNECTOR.name, openlineage.CONNECTOR.origin)
    openlineage.read([document], findings)
    [(key, link)] = findings.snapshot("s").links.items()
    assert key[:3] == ("dataset:openlineage-file/lake-day", "WRITTEN_BY", "pipeline:openlineage-spark/load-day")
    assert (link.observed_at, link.location) == ("2026-03-02T04:05:00Z", document.path)


def test_jobs_whose_names_differ_after_a_question_mark_are_two_documents() -> None:
    events = [
        {**event("COMPLETE", 5), "job": {"namespace": "spark", "name": name}} for name in ("load?full", "load?inc")
    ]
    assert len({document.path for document in openlineage.received(events)}) == 2


def test_a_list_of_events_gives_as_many_documents() -> None:
    documents = openlineage.received(
        [event("START", 1, inputs=[TABLE]), event("COMPLETE", 5), {"dataset": TABLE, "schemaURL": SCHEMA}]
    )
    assert [document.path.rpartition("/")[2] for document in documents] == ["START", "COMPLETE", "DATASET"]


@pytest.mark.parametrize(
    "body", [None, "x", {}, {"job": {"namespace": "a", "name": "b"}}, [event("START", 1), {"eventType": "START"}]]
)
def test_what_is_no_event_is_told(body: Any) -> None:
    with pytest.raises(ValueError, match="is no OpenLineage event"):
        openlineage.received(body)
