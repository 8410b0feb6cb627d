"""One statement of what several documents say of one thing."""

from itertools import permutations

import pytest

from graph_api.catalog.ref import Ref
from graph_api.sources.documents import Place
from graph_api.sources.fields import MAX_TEXT
from graph_api.sources.findings import Findings

REF = Ref("repository:shop/old.till")
AT = Place("a.json", "a.json:1")


@pytest.mark.parametrize("names", [*permutations([None, "Old.Till", None])])
def test_it_has_the_name_that_one_of_them_says(names: tuple[str | None, ...]) -> None:
    findings = Findings("git")
    for name in names:
        findings.entity(REF, AT, name=name)
    snapshot = findings.snapshot("s")
    assert (snapshot.entities[REF].name, snapshot.problems) == ("Old.Till", ())


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [("a/b", "a-b", 1), ("a-b", "a/b", 1), ("A-b", "a-B", 0), ("a/b", "a/b", 0), ("Buying", "PTEAM01", 0)],
)
def test_two_names_that_make_one_ref_are_told(one: str, other: str, told: int) -> None:
    findings = Findings("openlineage")
    for name in (None, one, None, other, one):
        findings.entity(Ref("dataset:lake/a-b"), AT, name=name)
    assert len(findings.snapshot("s").problems) == told


def test_a_problem_quotes_no_more_of_a_file_than_a_text_may_have() -> None:
    findings = Findings("openvex")
    findings.problem("x" * (MAX_TEXT + 1), AT)
    (problem,) = findings.snapshot("s").problems
    assert len(problem.message) == MAX_TEXT
