"""What holds for every connector: recorded input gives the expected snapshot, and nothing makes it fail."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph_api.catalog.entity import EntityStatement, LinkStatement
from graph_api.catalog.ref import parse_ref
from graph_api.catalog.relations import RELATIONS
from graph_api.sources.connector import Connector
from graph_api.sources.descriptors import is_descriptor
from graph_api.sources.documents import Document
from graph_api.sources.findings import Findings
from graph_api.sources.folders import Root
from graph_api.sources.loading import Loaded, load
from graph_api.sources.registry import FORMATS
from tests.sources.connectors.recorded import FOLDER, read_recorded, told

CANARY = "canary-secret"
"""Stands in recorded input wherever a tool writes secrets, and must never come out again."""

every_connector = pytest.mark.parametrize("connector", FORMATS, ids=lambda connector: connector.name)


def documents_of(connector: Connector) -> list[Document]:
    root = Root((FOLDER / connector.name / "input").resolve(), (FOLDER / connector.name / "input").resolve())
    listing, loaded = root.list_all(), Loaded()
    load(root, [*listing.documents, *listing.others], connector.files, loaded)
    offered = [row for row in loaded.documents if connector.reads_descriptors or not is_descriptor(row.value)]
    return sorted(offered, key=lambda document: (document.path, document.line))


@every_connector
def test_recorded_input_gives_the_expected_snapshot(connector: Connector) -> None:
    expected = orjson.loads((FOLDER / connector.name / "expected.json").read_bytes())
    found = told(read_recorded(connector.name))
    assert found["problems"] == expected["problems"]
    assert found["entities"] == expected["entities"]
    assert found["links"] == expected["links"]
    assert found["entities"], "nothing is recorded"


@every_connector
def test_it_claims_its_own_documents_and_no_others(connector: Connector) -> None:
    for other in FORMATS:
        for document in documents_of(other):
            offered = [row for row in FORMATS if row.reads_descriptors or not is_descriptor(document.value)]
            claimant = next((row.name for row in offered if row.claims(document)), None)
            if other is connector:
                assert claimant in (connector.name, None), f"{document.path} goes to {claimant}"


@every_connector
def test_reading_twice_gives_the_same(connector: Connector) -> None:
    assert read_recorded(connector.name) == read_recorded(connector.name)


@every_connector
def test_everything_has_evidence_and_a_valid_ref(connector: Connector) -> None:
    snapshot = read_recorded(connector.name)
    sizes = {document.path: document.text.count("\n") + document.line for document in documents_of(connector)}
    said: list[EntityStatement | LinkStatement] = [*snapshot.entities.values(), *snapshot.links.values()]
    for statement in said:
        path, _, line = statement.location.rpartition(":")
        assert path == statement.document
        assert 1 <= int(line) <= sizes[path] + 1
    for key in snapshot.links:
        assert key.relation in RELATIONS
        for ref in (key.source, key.target):
            assert parse_ref(ref) == ref


@every_connector
def test_secrets_are_not_kept(connector: Connector) -> None:
    assert CANARY not in repr(read_recorded(connector.name))


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@every_connector
@settings(max_examples=60)
@given(data=st.data())
def test_documents_of_any_shape_are_read_or_refused(connector: Connector, data: st.DataObject) -> None:
    documents = documents_of(connector)
    place = data.draw(st.integers(0, len(documents) - 1))
    document = documents[place]
    if document.value is None:
        cut = data.draw(st.integers(0, len(document.text)))
        documents[place] = replace(document, text=document.text[:cut] + data.draw(st.text(max_size=40)))
    else:
        broken = _broken(orjson.loads(orjson.dumps(document.value)), data)
        documents[place] = replace(document, value=broken, text=orjson.dumps(broken).decode(), yaml=None)
    connector.read([row for row in documents if connector.claims(row)], Findings(connector.name, connector.origin))


def _broken(value: Any, data: st.DataObject) -> Any:
    """The value with something else in one place."""
    if not isinstance(value, dict | list) or not value or data.draw(st.integers(0, 4)) == 0:
        return data.draw(JSON)
    key = data.draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
    value[key] = _broken(value[key], data)
    return value
