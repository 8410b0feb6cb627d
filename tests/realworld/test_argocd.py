from pathlib import Path

import pytest

from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.reading import read_paths
from tests.realworld.folders import REALWORLD, links, read_all

pytestmark = pytest.mark.parametrize("realworld", REALWORLD)


def test_a_list_generator_makes_2_applications(realworld: Path) -> None:
    snapshot = read_all("argocd", realworld / "argocd" / "argoproj__argo-cd")
    applications = {"engineering-dev-guestbook", "engineering-prod-guestbook"}
    assert links(snapshot, "PART_OF") == {(name, "guestbook") for name in applications}
    assert links(snapshot, "DEPLOYED_TO") == {(name, "guestbook") for name in applications}
    assert links(snapshot, "BUILT_FROM") == {(name, "argo-cd") for name in {*applications, "guestbook"}}
    assert not snapshot.problems


def test_templates_are_named_and_refused(realworld: Path) -> None:
    snapshot = read_all("argocd", realworld / "argocd" / "redhat-developer__red-hat-developer-hub-software-templates")
    assert [problem.code for problem in snapshot.problems] == [ProblemCode.TEMPLATE] * 2
    assert not snapshot.entities
    chart = realworld / "argocd" / "argoproj__argocd-example-apps"
    others = read_paths([chart], source="realworld", only=["files", "argocd"])[0]
    assert [row.path for row in others.problems if row.code is ProblemCode.TEMPLATE] == [
        "apps/templates/applications.yaml"
    ]
