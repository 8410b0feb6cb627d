from pathlib import Path

import pytest

from graph_api.cli.report import needs_mending
from tests.realworld.folders import REALWORLD, links, read_all

pytestmark = pytest.mark.parametrize("realworld", REALWORLD)


def test_charts_and_what_they_contain(realworld: Path) -> None:
    snapshot = read_all("helm", realworld / "argocd" / "argoproj__argocd-example-apps")
    charts = {said.name for said in snapshot.entities.values() if said.type == "helm-chart"}
    assert charts == {"applications", "wordpress", "helm-guestbook"}
    assert links(snapshot, "CONTAINS") == {("wordpress", "wordpress-9.0.3")}
    assert links(snapshot, "RUNS_IMAGE") == {("helm-guestbook", "gcr.io-google-samples-gb-frontend")}
    assert not needs_mending(snapshot.problems)
