"""A realistic folder and the whole snapshot that it becomes."""

from pathlib import Path

from graph_api.catalog.entity import EntityStatement, LinkKey, LinkStatement
from graph_api.catalog.ref import Ref
from graph_api.catalog.snapshot import ProblemCode, Severity, Snapshot
from graph_api.sources.files import read_files
from tests.sources.folders import write

INFO, WARNING, REFUSED = Severity.INFO, Severity.WARNING, Severity.REFUSED


def refs(snapshot: Snapshot) -> list[str]:
    return list(snapshot.entities)


def found(snapshot: Snapshot) -> list[tuple[str, str, str, int | None]]:
    return [(problem.code.value, problem.severity.value, problem.path, problem.line) for problem in snapshot.problems]


def test_a_realistic_folder_becomes_this_snapshot(tmp_path: Path) -> None:
    write(
        tmp_path / "shop",
        {
            "catalog-info.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: Location
metadata: {name: shop}
spec:
  targets:
    - ./org/*.yaml
    - https://example.com/more.yaml
""",
            "org/teams.yaml": """\
# The whole team.
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: crew
  annotations: {github.com/team-slug: acme/crew}
spec:
  type: team
  children: []
  members: [ada]
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: ada}
spec:
  profile: {email: Ada@example.com}
  memberOf: [crew]
""",
            "orders/catalog-info.yaml": """\
apiVersion: backstage.io/v1alpha1
kind: Repository
metadata:
  name: orders
  annotations: {github.com/project-slug: acme/orders}
spec: {owner: crew}
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: orders-api}
spec:
  type: openapi
  definition:
    $text: ./openapi.yaml
""",
            "orders/openapi.yaml": "openapi: 3.1.0\n",
            "orders/.github/CODEOWNERS": "* @acme/crew\n/docs/ not-an-owner\n",
            "orders/deploy/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders}\n",
        },
    )
    orders, crew, ada = Ref("repository:default/orders"), Ref("group:default/crew"), Ref("user:default/ada")
    teams, info = "org/teams.yaml", "orders/catalog-info.yaml"
    entities = [
        EntityStatement(
            ref=Ref("api:default/orders-api"),
            name="orders-api",
            kind="API",
            document=info,
            location=f"{info}:8",
            type="openapi",
            spec={"type": "openapi", "definition": "openapi: 3.1.0\n"},
            identifiers=("definition:2fb0d1c2b023895b7bf1b743fa8554f9572cfd63667a21703a7ea57bc0fdd4f5",),
            repository=orders,
            folder="",
        ),
        EntityStatement(
            ref=crew,
            name="crew",
            kind="Group",
            document=teams,
            location=f"{teams}:2",
            type="team",
            annotations={"github.com/team-slug": "acme/crew"},
            spec={"type": "team", "children": [], "members": ["ada"]},
            identifiers=("@acme/crew",),
        ),
        EntityStatement(
            ref=Ref("location:default/shop"),
            name="shop",
            kind="Location",
            document="catalog-info.yaml",
            location="catalog-info.yaml:1",
            spec={"targets": ["./org/*.yaml", "https://example.com/more.yaml"]},
        ),
        EntityStatement(
            ref=orders,
            name="orders",
            kind="Repository",
            document=info,
            location=f"{info}:1",
            annotations={"github.com/project-slug": "acme/orders"},
            spec={"owner": "crew"},
            identifiers=("https://github.com/acme/orders",),
            repository=orders,
            folder="",
            code_owners="* @acme/crew\n/docs/ not-an-owner\n",
            code_owners_dialect="GITHUB",
            code_owners_path=".github/CODEOWNERS",
            code_owners_document="orders/.github/CODEOWNERS",
        ),
        EntityStatement(
            ref=ada,
            name="ada",
            kind="User",
            document=teams,
            location=f"{teams}:12",
            spec={"profile": {"email": "Ada@example.com"}, "memberOf": ["crew"]},
            identifiers=("ada@example.com",),
        ),
    ]
    links = [
        LinkStatement(key=LinkKey(ada, "MEMBER_OF", crew, None), document=teams, location=f"{teams}:10"),
        LinkStatement(
            key=LinkKey(orders, "OWNED_BY", crew, None),
            document=info,
            location=f"{info}:6",
            properties={"role": "OWNER", "primary": True},
        ),
    ]
    snapshot = read_files([tmp_path / "shop"])
    assert [problem.message for problem in snapshot.problems if problem.code is ProblemCode.BAD_CODEOWNERS]
    assert found(snapshot) == [
        ("NOT_FETCHED", "INFO", "catalog-info.yaml", 7),
        ("BAD_CODEOWNERS", "WARNING", "orders/.github/CODEOWNERS", 2),
        ("NOT_A_DESCRIPTOR", "INFO", "orders/deploy/deployment.yaml", None),
        ("NOT_A_DESCRIPTOR", "INFO", "orders/openapi.yaml", None),
    ]
    assert snapshot == Snapshot(
        source="files:shop",
        connector="files",
        entities={entity.ref: entity for entity in entities},
        links={link.key: link for link in links},
        problems=snapshot.problems,
        unreadable=frozenset(),
    )
    assert list(snapshot.entities) == sorted(snapshot.entities)
    assert read_files([tmp_path / "shop"]) == snapshot
