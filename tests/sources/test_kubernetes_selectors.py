"""Which workloads a Service leads to."""

from pathlib import Path

import pytest

from graph_api.sources.reading import read_paths

OBJECTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: LABELS}, spec: {containers: [{name: web, image: example.org/web}]}}}
---
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: SELECTOR}
"""


@pytest.mark.parametrize(
    ("labels", "selector", "selected"),
    [
        ("{app: web, debug: true, role: ''}", "{app: web, debug: 'true', role: ''}", True),
        ("{app: web}", "{app: web, role: ''}", False),
        ("{app: web, role: ''}", "{role: {}}", False),
        ("{app: {a: b}}", "{app: {a: b}}", False),
        ("{app: web, role: {a: b}}", "{app: web, role: {a: b}}", False),
        ("{app: web, role: null}", "{app: web, role: []}", False),
    ],
)
def test_a_service_leads_to_pods_whose_labels_have_its_texts(
    labels: str, selector: str, selected: bool, tmp_path: Path
) -> None:
    text = OBJECTS.replace("LABELS", labels).replace("SELECTOR", selector)
    (tmp_path / "web.yaml").write_text(text, encoding="utf-8")
    (snapshot,) = read_paths([tmp_path], source="tool", only=["kubernetes"])
    assert ("resource:kubernetes-default/service-front" not in snapshot.entities) is selected
