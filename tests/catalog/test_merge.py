"""What several statements of one link make of how it is known."""

import pytest

from graph_api.catalog.entity import LinkKey, LinkOrigin, LinkStatement
from graph_api.catalog.merge import merge_link
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
