"""What several statements of one thing, or of one link, make of it."""

from dataclasses import replace
from typing import Any

import pytest

from graph_api.catalog.entity import Criticality, EntityStatement, LinkKey, LinkOrigin, LinkStatement
from graph_api.catalog.merge import merge_entity, merge_link
from graph_api.catalog.ref import Ref

KEY = LinkKey(Ref("component:default/a"), "DEPENDS_ON", Ref("component:default/b"), None)


def said(origin: LinkOrigin, observed_at: str | None = None) -> tuple[LinkStatement]:
    return (LinkStatement(key=KEY, document="a", location="a:1", origin=origin, observed_at=observed_at),)


def test_the_first_origin_and_the_latest_time_are_the_links() -> None:
    guess, seen = said(LinkOrigin.INFERRED), said(LinkOrigin.OBSERVED, "2026-01-02T00:30:00+01:00")
    link = merge_link(KEY, {"a": guess, "b": seen, "c": said(LinkOrigin.OBSERVED, "2026-01-01T23:00:00Z")})
    assert (link.origin, link.origins) == (LinkOrigin.OBSERVED, (LinkOrigin.OBSERVED, LinkOrigin.INFERRED))
    assert link.observed_at == "2026-01-01T23:30:00.000Z"


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-02", "2026-01-02T00:00:00.000Z"),
        ("2018-07-04T20:27:12.60602144+02:00", "2018-07-04T18:27:12.606Z"),
        ("0001-01-01T00:00:00+02:00", None),
        ("yesterday", None),
    ],
)
def test_times_are_brought_to_one_form(text: str, time: str | None) -> None:
    assert merge_link(KEY, {"a": said(LinkOrigin.OBSERVED, text)}).observed_at == time


def test_a_property_of_a_link_is_that_of_the_first_source_that_sets_it() -> None:
    (plain,) = said(LinkOrigin.DECLARED)
    one = replace(plain, confidence=0.0, properties={"port": 1})
    other = replace(plain, confidence=0.5, criticality=Criticality.SOFT, properties={"port": 2, "tls": True})
    link = merge_link(KEY, {"a": (plain,), "b": (one,), "c": (other,)})
    assert (link.criticality, link.confidence, link.properties) == (Criticality.SOFT, 0.0, {"port": 1, "tls": True})


def stated(ref: Ref, **fields: Any) -> EntityStatement:
    values = {"ref": ref, "name": "cart", "kind": "Component", "document": "a", "location": "a:1"}
    return EntityStatement(**values | fields)


def test_the_first_source_declares_a_thing_and_the_others_fill_what_it_has_none_of() -> None:
    ref, another, repository = Ref("component:default/cart"), Ref("component:k8s/cart"), Ref("repository:default/r")
    first = stated(another, lifecycle="production", labels={"a": "1"}, identifiers=("b",))
    second = stated(
        ref,
        name="Cart",
        type="service",
        title="Cart",
        tier=1,
        tags=("t",),
        labels={"a": "2", "b": "2"},
        annotations={"c": "2"},
        identifiers=("a",),
        repository=repository,
        folder="cart",
    )
    merged = merge_entity(ref, {"x": first, "y": second})
    assert (merged.name, merged.lifecycle, merged.identifiers) == ("Cart", "production", ("a", "b", another))
    assert (merged.type, merged.title, merged.tier, merged.tags) == (None, None, None, ())
    assert (merged.labels, merged.annotations) == ({"a": "1", "b": "2"}, {"c": "2"})
    assert (merged.repository, merged.folder) == (repository, "cart")
    # The type is part of a name.
    assert merge_entity(ref, {"x": first, "y": stated(ref, type="job")}).type == "job"
    assert merge_entity(ref, {"x": replace(first, type="web"), "y": stated(ref, type="job")}).type == "web"
