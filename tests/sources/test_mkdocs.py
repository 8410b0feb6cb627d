"""Sites of documentation beside the descriptors that name their folders."""

from pathlib import Path

import pytest

from graph_api.sources.mkdocs import without_tags
from graph_api.sources.reading import read_paths

DESCRIPTOR = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: cart
  annotations: {backstage.io/techdocs-ref: "dir:./manual"}
spec: {type: service, owner: buying}
---
just: a remark
"""


def test_a_descriptor_goes_to_both_connectors(tmp_path: Path) -> None:
    (tmp_path / "manual").mkdir()
    (tmp_path / "manual/mkdocs.yml").write_text("site_name: Cart\n")
    (tmp_path / "catalog-info.yaml").write_text(DESCRIPTOR)
    found = {snapshot.connector: snapshot for snapshot in read_paths([tmp_path])}
    assert "component:default/cart" in found["files"].entities
    (about,) = found["mkdocs"].links
    assert about[1:3] == ("DESCRIBES", "component:default/cart")
    assert [problem.line for problem in found["files"].problems if problem.path == "catalog-info.yaml"] == [8]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: !ENV [B, c]", "a: [B, c]"),
        ("a: !!python/name:module.function", "a: "),
        ("- !!python/object/apply:os.system [x]", "- [x]"),
        ("a: !<tag:example.com,2026:b> c", "a:  c"),
        ("a: [!ENV B, !relative c]", "a: [ B,  c]"),
        ("a: 'hey !there'", "a: 'hey !there'"),
        ("a: wait!now", "a: wait!now"),
        ("!tag\na: b", "\na: b"),
    ],
)
def test_tags_are_taken_out_and_texts_are_kept(text: str, expected: str) -> None:
    assert without_tags(text).replace("  ", " ") == expected.replace("  ", " ")
