"""Folders of small files for the tests of the connector."""

from pathlib import Path


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        assert not Path(name).is_absolute()
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def descriptor(kind: str, name: str, spec: str = "{}", annotations: str = "{}") -> str:
    """One document of six lines, its `spec` and `metadata.annotations` in flow style."""
    return (
        f"apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata:\n  name: {name}\n"
        f"  annotations: {annotations}\nspec: {spec}\n"
    )
