"""What configured sources can read: folders of services, and a Zipkin on 127.0.0.1."""

from pathlib import Path

from tests.sources.connectors.loopback import Answer, Tool

SERVICE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {{name: {name}}}
spec: {{type: service}}
"""
DEPENDENCIES, SERVICES = "/api/v2/dependencies", "/api/v2/services"


def write_services(folder: Path, *names: str) -> Path:
    """A folder with one service a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.yaml").write_text(SERVICE.format(name=name), encoding="utf-8")
    return folder


def zipkin(*, whole: bool = True) -> Tool:
    """Has seen the web call the cart; it answers only its first question unless it is `whole`."""
    answers: dict[str, Answer] = {DEPENDENCIES: lambda _: [{"parent": "web", "child": "cart", "callCount": 3}]}
    return Tool(answers | ({SERVICES: lambda _: ["web", "cart"]} if whole else {}))
