import pytest

from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from graph_api.sources.flux import CONNECTOR
from tests.sources.connectors.loopback import Answer, Tool, fetched

RELEASES = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases"


def answers() -> dict[str, Answer]:
    group = {"name": "helm.toolkit.fluxcd.io", "preferredVersion": {"version": "v2"}}
    release = {
        "metadata": {"name": "podinfo", "namespace": "web"},
        "spec": {"chart": {"spec": {"chart": "podinfo", "version": "6.5.4"}}},
    }
    return {
        "/apis": lambda _: {"groups": [group]},
        "/api/v1": lambda _: {"resources": []},
        "/apis/helm.toolkit.fluxcd.io/v2": lambda _: {"resources": [{"name": "helmreleases"}]},
        RELEASES: lambda _: {"kind": "HelmReleaseList", "metadata": {}, "items": [release]},
    }


def test_releases_come_from_the_cluster() -> None:
    findings = Findings(CONNECTOR.name)
    CONNECTOR.read(fetched(CONNECTOR, Tool(answers())), findings)
    (release,) = [said for said in findings.snapshot("s").entities.values() if said.type == "deployment"]
    assert release.ref == "component:flux-web/helmrelease-podinfo"
    assert release.location.endswith("/apis/helm.toolkit.fluxcd.io/v2/namespaces/web/helmreleases/podinfo")


def test_one_list_that_fails_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, Tool(answers(), broken=RELEASES))


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(CONNECTOR, Tool(answers()), known=False)
