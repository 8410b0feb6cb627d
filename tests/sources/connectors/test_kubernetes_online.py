from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from graph_api.sources.api import ApiError
from graph_api.sources.findings import Findings
from graph_api.sources.kubernetes import CONNECTOR
from tests.sources.connectors.loopback import Answer, Tool, fetched


def deployment(name: str, app: str) -> dict[str, Any]:
    containers = [{"name": "main", "image": f"registry.example/{name}", "env": []}]
    template = {"metadata": {"labels": {"app": app}}, "spec": {"containers": containers}}
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"template": template}}


def deployments(request: Request) -> dict[str, Any]:
    """Two pages, as an API server chunks a list."""
    assert request.query_params["limit"] == "500"
    if request.query_params.get("continue") == "token-2":
        return {"kind": "DeploymentList", "metadata": {"continue": ""}, "items": [deployment("web", "web")]}
    return {"kind": "DeploymentList", "metadata": {"continue": "token-2"}, "items": [deployment("cart", "cart")]}


def services(_: Request) -> dict[str, Any]:
    spec = {"selector": {"app": "cart"}}
    return {
        "kind": "ServiceList",
        "metadata": {},
        "items": [{"metadata": {"name": "c", "namespace": "shop"}, "spec": spec}],
    }


def answers() -> dict[str, Answer]:
    apps = {"name": "apps", "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"}}
    return {
        "/apis": lambda _: {"kind": "APIGroupList", "groups": [apps]},
        "/apis/apps/v1": lambda _: {"kind": "APIResourceList", "resources": [{"name": "deployments"}]},
        "/api/v1": lambda _: {"kind": "APIResourceList", "resources": [{"name": "services"}, {"name": "secrets"}]},
        "/apis/apps/v1/deployments": deployments,
        "/apis/apps/v1/namespaces/shop/deployments": deployments,
        "/api/v1/services": services,
        "/api/v1/namespaces/shop/services": services,
    }


@pytest.mark.parametrize("options", [{}, {"namespaces": "shop"}])
def test_all_pages_of_what_the_cluster_serves_are_read(options: dict[str, str]) -> None:
    tool = Tool(answers())
    findings = Findings(CONNECTOR.name)
    documents = fetched(CONNECTOR, tool, options)
    CONNECTOR.read(documents, findings)
    found = findings.snapshot("s").entities
    assert {ref for ref in found if ref.startswith("component:")} == {
        "component:kubernetes-shop/cart",
        "component:kubernetes-shop/web",
    }
    cart = next(said for said in found.values() if said.name == "cart")
    assert "kubernetes:shop/c" in cart.identifiers
    assert cart.location.endswith("/apis/apps/v1/namespaces/shop/deployments/cart")
    assert tool.asked["/api/v1/secrets"] == 0
    assert all(CONNECTOR.claims(document) for document in documents)


def test_a_label_selector_is_handed_on() -> None:
    chosen = []

    def selected(request: Request) -> dict[str, Any]:
        chosen.append(request.query_params["labelSelector"])
        return {"kind": "ServiceList", "metadata": {}, "items": []}

    fetched(CONNECTOR, Tool({**answers(), "/api/v1/services": selected}), {"labels": "team=shop"})
    assert chosen == ["team=shop"]


def test_only_resources_that_the_configuration_names_are_asked_for() -> None:
    tool = Tool(answers())
    documents = fetched(CONNECTOR, tool, {"resources": "deployments, pods"})
    assert {document.get("kind") for document in documents} == {"Deployment"}
    assert tool.asked["/api/v1/services"] == 0


def test_resources_that_it_does_not_know_are_told_with_those_that_it_knows() -> None:
    told = r"no such resources: deploiments; the option `resources` takes deployments\.apps, statefulsets\.apps"
    with pytest.raises(ApiError, match=told):
        fetched(CONNECTOR, Tool(answers()), {"resources": "deploiments,pods"})


def test_services_are_those_of_the_core_group_unless_another_is_named() -> None:
    knative = {"name": "serving.knative.dev", "preferredVersion": {"version": "v1"}, "versions": [{"version": "v1"}]}
    base = "/apis/serving.knative.dev/v1"
    served: dict[str, Answer] = {
        "/apis": lambda _: {"groups": [knative]},
        base: lambda _: {"resources": [{"name": "services"}]},
        f"{base}/services": lambda _: {"items": [{"metadata": {"name": "web", "namespace": "shop"}}]},
    }
    for names, group in (("services", "v1"), ("services.serving.knative.dev", "serving.knative.dev/v1")):
        documents = fetched(CONNECTOR, Tool(answers() | served), {"resources": names})
        assert [document.get("apiVersion") for document in documents] == [group]


def test_a_list_that_the_token_may_not_read_is_told_with_what_to_do() -> None:
    def forbidden(_: Request) -> JSONResponse:
        return JSONResponse({"kind": "Status", "reason": "Forbidden", "code": 403}, 403)

    with pytest.raises(ApiError, match=r"/api/v1/services answers 403: .* options `namespaces` and `resources`"):
        fetched(CONNECTOR, Tool({**answers(), "/api/v1/services": forbidden}))


def test_what_only_a_further_version_of_its_group_serves_is_read_in_that_version() -> None:
    # The cluster lists v1alpha3, and does not serve it any more.
    gateway = {
        "name": "gateway.networking.k8s.io",
        "preferredVersion": {"version": "v1"},
        "versions": [{"version": "v1"}, {"version": "v1alpha3"}, {"version": "v1alpha2"}],
    }
    route = {"metadata": {"name": "db", "namespace": "shop"}, "spec": {"rules": [{"backendRefs": [{"name": "c"}]}]}}
    base = "/apis/gateway.networking.k8s.io"
    tool = Tool(
        {
            "/apis": lambda _: {"groups": [gateway]},
            "/api/v1": lambda _: {"resources": []},
            f"{base}/v1": lambda _: {"resources": [{"name": "httproutes"}]},
            f"{base}/v1alpha2": lambda _: {"resources": [{"name": "httproutes"}, {"name": "tcproutes"}]},
            f"{base}/v1/httproutes": lambda _: {"items": []},
            f"{base}/v1alpha2/tcproutes": lambda _: {"items": [route]},
        }
    )
    (document,) = fetched(CONNECTOR, tool)
    assert document.get("apiVersion") == "gateway.networking.k8s.io/v1alpha2"
    assert document.path.endswith(f"{base}/v1alpha2/namespaces/shop/tcproutes/db")
    assert tool.asked[f"{base}/v1alpha2/httproutes"] == 0


def test_one_list_that_fails_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, Tool(answers(), broken="/api/v1/services"))


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        fetched(CONNECTOR, Tool(answers()), known=False)


@pytest.mark.parametrize(
    ("path", "key"),
    [("/apis", "groups"), ("/apis/apps/v1", "resources"), ("/apis/apps/v1/deployments", "items")],
)
def test_what_is_not_listed_ends_the_run(path: str, key: str) -> None:
    tool = Tool({**answers(), path: lambda _: {"error": "login_required"}})
    with pytest.raises(ApiError, match=f"{path} answers something else than an object with the list `{key}`"):
        fetched(CONNECTOR, tool)


def test_a_list_that_is_null_is_empty() -> None:
    tool = Tool({**answers(), "/api/v1/services": lambda _: {"kind": "ServiceList", "metadata": {}, "items": None}})
    assert {document.get("kind") for document in fetched(CONNECTOR, tool)} == {"Deployment"}


def expiring(times: int) -> Answer:
    """Deployments whose second page has expired, so many times."""
    left = [None] * times

    def answer(request: Request) -> Any:
        if "continue" in request.query_params and left:
            left.pop()
            return JSONResponse({"kind": "Status", "reason": "Expired", "code": 410}, 410)
        return deployments(request)

    return answer


def test_a_list_that_expires_is_listed_anew() -> None:
    tool = Tool({**answers(), "/apis/apps/v1/deployments": expiring(2)})
    names = [document.get("metadata", "name") for document in fetched(CONNECTOR, tool) if "apps" in document.path]
    assert names == ["cart", "web"]


def test_a_list_that_expires_again_and_again_ends_the_run() -> None:
    with pytest.raises(ApiError, match="410"):
        fetched(CONNECTOR, Tool({**answers(), "/apis/apps/v1/deployments": expiring(9)}))


def test_a_token_that_comes_again_ends_the_run() -> None:
    tool = Tool({**answers(), "/api/v1/services": lambda _: {"metadata": {"continue": "same"}, "items": []}})
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        fetched(CONNECTOR, tool)
    assert tool.asked["/api/v1/services"] == 2
