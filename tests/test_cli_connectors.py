"""`graph-api connectors`: what there is, and what each reads."""

import pytest

from graph_api.sources.registry import CONNECTORS, documentation
from tests.commands import run


def test_connectors_are_listed() -> None:
    lines = run("connectors").stdout.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(CONNECTORS)


@pytest.mark.parametrize("name", CONNECTORS)
def test_each_connector_shows_its_documentation(name: str) -> None:
    shown = run("connectors", name).stdout
    assert all(text in shown for text in (*CONNECTORS[name], documentation(name)))
    assert len(documentation(name)) > 60


def test_a_connectors_documentation_has_what_it_refers_to() -> None:
    shown = run("connectors", "kubernetes").stdout
    assert "kustomize.py: Kustomizations" in shown
    assert "generators of\nConfigMaps" in shown


def test_a_connector_that_asks_an_api_shows_how() -> None:
    shown = run("connectors", "github_alerts").stdout
    assert "with a token in GITHUB_TOKEN" in shown
    assert "url: https://api.github.com" in shown
    assert "options.organization: The organization whose alerts" in shown
    assert "Online" not in run("connectors", "trivy").stdout
