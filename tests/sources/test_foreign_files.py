"""What other programs keep in a repository beside what the catalog reads is no fault of it."""

from pathlib import Path

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths
from tests.sources.folders import descriptor, write

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {backstage.io/kubernetes-id: web}}
spec: {template: {spec: {containers: [{name: web, image: !Ref Image}]}}}
"""


def read(root: Path, files: dict[str, str]) -> dict[str, Snapshot]:
    return {snapshot.connector: snapshot for snapshot in read_paths([write(root, files)], source="it")}


def test_tags_of_another_program_spoil_only_a_descriptor(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {
            "hosts.yaml": "all: {hosts: {one: {ansible_host: !vault 5f3a, ansible_port: 22}}}\n",
            "stack.yaml": "Resources: {Bucket: {Type: 'AWS::S3::Bucket', Name: !Ref Name}}\n",
            "compose.yaml": "services:\n  web: {image: example.org/web, ports: !env_ports ['80:80']}\n",
            "web.yaml": DEPLOYMENT,
            "catalog-info.yaml": descriptor("Component", "web", "{owner: !Ref team}"),
        },
    )
    refused = [row for snapshot in found.values() for row in snapshot.problems if row.severity == "REFUSED"]
    assert [(row.path, row.message) for row in refused] == [("catalog-info.yaml", "the tag !Ref is not supported")]
    assert "component:compose-default/web" in found["compose"].entities
    assert "component:kubernetes-default/web" in found["kubernetes"].entities
    assert not [name for row in found["ansible"].entities.values() for name in row.identifiers if "5f3a" in name]


def test_what_everybody_runs_is_not_known_by_its_image(tmp_path: Path) -> None:
    own = ["example.org/shop/cart", "ghcr.io/acme/otel/collector"]
    images = [*own, "grafana/grafana", "mirror.example/prom/prometheus", "registry.k8s.io/pause"]
    services = "".join(f"  s{number}: {{image: '{image}:1'}}\n" for number, image in enumerate(images))
    compose = read(tmp_path, {"compose.yaml": f"services:\n{services}"})["compose"]
    known = [row.identifiers for ref, row in sorted(compose.entities.items()) if ref.startswith("component:")]
    assert [[name for name in names if name.startswith("image:")] for names in known] == [
        ["image:example.org/shop/cart"],
        ["image:ghcr.io/acme/otel/collector"],
        [],
        [],
        [],
    ]


def test_the_machine_that_a_container_runs_on_is_nothing_that_is_scraped(tmp_path: Path) -> None:
    here = ["host.docker.internal:8080", "host.containers.internal:1", "docker.for.mac.host.internal", "localhost:1"]
    targets = [*here, "internal.example:1"]
    jobs = f"scrape_configs:\n- job_name: shop\n  static_configs:\n  - targets: {targets}\n"
    prometheus = read(tmp_path, {"prometheus.yml": jobs})["prometheus"]
    assert [ref for ref in prometheus.entities if ref.startswith("component:")] == [
        "component:prometheus/internal.example"
    ]


def test_templates_of_a_chart_are_no_manifests_even_if_they_are_yaml(tmp_path: Path) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: NAME}\nspec: {selector: {app: db}}\n"
    found = read(
        tmp_path,
        {
            "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
            "chart/templates/db/service.yaml": service.replace("NAME", "db"),
            "chart/templates/web.yaml": service.replace("NAME", "'{{ .Release.Name }}-web'"),
            "chart/templates/openapi.yaml": "openapi: 3.0.0\ninfo: {title: shop, version: '1'}\npaths: {}\n",
            "other/Chart.yaml": "rows: 5\n",
            "other/templates/topic.yaml": service.replace("NAME", "topic"),
            "templates/queue.yaml": service.replace("NAME", "queue"),
        },
    )
    assert sorted(found["kubernetes"].entities) == [
        "resource:kubernetes-default/service-queue",
        "resource:kubernetes-default/service-topic",
    ]
    assert list(found["openapi"].entities) == ["api:openapi-chart-templates/shop"]
    told = [(row.code, row.severity, row.path) for snapshot in found.values() for row in snapshot.problems]
    assert told == [
        ("NOT_A_DESCRIPTOR", "INFO", "other/Chart.yaml"),
        ("TEMPLATE", "INFO", "chart/templates/db/service.yaml"),
        ("TEMPLATE", "INFO", "chart/templates/web.yaml"),
    ]


def test_an_operator_of_databases_is_no_database(tmp_path: Path) -> None:
    services = "{operator: {image: 'cloudnative-pg/cloudnative-pg:1'}, db: {image: 'cloudnative-pg/postgresql:17'}}"
    compose = read(tmp_path, {"compose.yaml": f"services: {services}\n"})["compose"]
    kinds = [(row.name, row.type) for row in compose.entities.values() if row.type != "container-image"]
    assert sorted(kinds) == [("db", "database"), ("operator", "service")]


def test_packages_of_others_are_passed_over(tmp_path: Path) -> None:
    others = {
        "vendor/modules.txt": "# example.org/other v1.0.0\n",
        "vendor/example.org/other/CODEOWNERS": "* @others\n",
        "php/vendor/autoload.php": "<?php\n",
        "php/vendor/a/info.yaml": descriptor("Component", "php"),
        "venv/pyvenv.cfg": "home = /usr\n",
        "venv/lib/info.yaml": descriptor("Component", "python"),
        "vendor-portal/info.yaml": descriptor("Component", "portal"),
        "ours/vendor/info.yaml": descriptor("Component", "ours"),
    }
    (files,) = read_paths([write(tmp_path, others)], source="it", repo="acme/shop", only=["files"])
    assert sorted(files.entities) == ["component:default/ours", "component:default/portal"]
    assert not files.problems
