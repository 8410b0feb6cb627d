"""GraphQL schemas: an API of type graphql each.

Read are files of type definitions (`*.graphql`, `*.graphqls`, `*.gql`) and answers to the introspection query in JSON.

- The type definitions of a folder are one API, named by the folder; files that hold nothing but operations and
  fragments are a client's, and told as such. Where several files of a folder define one root type (`Query` twice), each
  file is an API of its own, named by the file.
- An introspection answer is an API named by its file.
- Kept are counts of types, queries, mutations and subscriptions, the schema's description, and for Apollo Federation
  the version that it links and the entities (types with `@key`), at most 100. The schema itself stays where it is.

Operations of clients say what they need in names of fields only; which API that is they do not say, so no link follows.

https://spec.graphql.org/ and https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/federation
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    GraphQLError,
    Node,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    parse,
)

from graph_api.catalog.snapshot import ProblemCode, Severity
from graph_api.sources.connector import Connector
from graph_api.sources.documents import Document, Place, dig, mapping, mappings
from graph_api.sources.findings import Findings
from graph_api.sources.naming import ref_of
from graph_api.sources.scalars import text_in

NAME = "graphql"
FILES = ("*.graphql", "*.graphqls", "*.gql")
MAX_TOKENS = 250_000
MAX_ENTITIES = 100

_FEDERATION = re.compile(r"specs\.apollo\.dev/federation/v(\d+\.\d+)")
_OPERATIONS = ("query", "mutation", "subscription")
_ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


@dataclass(frozen=True, slots=True)
class Schema:
    """A file of type definitions."""

    document: Document
    parsed: DocumentNode

    @property
    def defined(self) -> set[str]:
        """Names of the root types that it defines, and not only extends."""
        nodes = (node for node in self.parsed.definitions if isinstance(node, ObjectTypeDefinitionNode))
        return {node.name.value for node in nodes} & set(_ROOTS.values())


def claims(document: Document) -> bool:
    if document.value is None:
        return document.name.lower().endswith(tuple(pattern[1:] for pattern in FILES))
    return _introspected(document) is not None


def _introspected(document: Document) -> tuple[str, ...] | None:
    for keys in (("data", "__schema"), ("__schema",)):
        if isinstance(document.get(*keys, "types"), list):
            return keys
    return None


def read(documents: Sequence[Document], findings: Findings) -> None:
    folders: dict[str, list[Schema]] = defaultdict(list)
    for document in documents:
        if keys := _introspected(document):
            _read_introspection(document, keys, findings)
        elif schema := _parsed(document, findings):
            folders[document.folder.as_posix()].append(schema)
    for folder, schemas in folders.items():
        roots = Counter(root for schema in schemas for root in schema.defined)
        if any(count > 1 for count in roots.values()):
            for schema in schemas:
                _read_schemas(_name(schema.document), [schema], findings)
        else:
            _read_schemas(folder if folder != "." else "schema", schemas, findings)


def _name(document: Document) -> str:
    """The file's path without its ending."""
    return document.path.rpartition(".")[0] or document.path


def _parsed(document: Document, findings: Findings) -> Schema | None:
    try:
        parsed = parse(document.text, max_tokens=MAX_TOKENS)
    except GraphQLError as error:
        # The parser's own words may quote the text.
        line = error.locations[0].line if error.locations else 1
        is_long = str(MAX_TOKENS) in error.message
        reason = f"more than {MAX_TOKENS:,} tokens" if is_long else f"no GraphQL, see line {line}"
        findings.refuse(document, reason, ProblemCode.TOO_LARGE if is_long else ProblemCode.BAD_FORMAT)
        return None
    except RecursionError:
        findings.refuse(document, "GraphQL nested too deeply", ProblemCode.TOO_LARGE)
        return None
    if all(isinstance(node, ExecutableDefinitionNode) for node in parsed.definitions):
        findings.problem("a client's operations, no schema", document.at_line(1), severity=Severity.INFO)
        return None
    return Schema(document, parsed)


def _read_schemas(name: str, schemas: Sequence[Schema], findings: Findings) -> None:
    nodes = [node for schema in schemas for node in schema.parsed.definitions]
    names = _root_names(nodes)
    fields: Counter[str] = Counter()
    entities: list[str] = []
    for node in nodes:
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
            fields[node.name.value] += len(node.fields or ())
            entities += [node.name.value] if "key" in _directives(node) else []
    counts = {_plural(operation): fields[names[operation]] for operation in _OPERATIONS}
    described = [node for node in nodes if isinstance(node, SchemaDefinitionNode) and node.description]
    told = {
        "types": len({node.name.value for node in nodes if isinstance(node, TypeDefinitionNode)}),
        **counts,
        "federation": _federation(nodes, entities),
        "entities": list(dict.fromkeys(entities))[:MAX_ENTITIES],
    }
    description = described[0].description.value if described and described[0].description else None
    _state(name, schemas[0].document.at_line(1), description, told, findings)


def _plural(operation: str) -> str:
    return "queries" if operation == "query" else f"{operation}s"


def _root_names(nodes: Iterable[Node]) -> dict[str, str]:
    """Names of the root types by operation."""
    names = dict(_ROOTS)
    for node in nodes:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            names |= {said.operation.value: said.type.name.value for said in node.operation_types or ()}
    return names


def _directives(node: Node) -> set[str]:
    return {directive.name.value for directive in getattr(node, "directives", None) or ()}


def _federation(nodes: Iterable[Node], entities: Sequence[str]) -> str | None:
    """The version that a schema links; 1 where there are entities and no link."""
    for node in nodes:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            for directive in node.directives or ():
                urls = (getattr(argument.value, "value", "") for argument in directive.arguments or ())
                if match := next(filter(None, (_FEDERATION.search(str(url)) for url in urls)), None):
                    return match[1]
    return "1" if entities else None


def _read_introspection(document: Document, keys: tuple[str, ...], findings: Findings) -> None:
    schema = mapping(document.get(*keys))
    types = {text_in(row.get("name")): row for _, row in mappings(schema.get("types"))}
    told: dict[str, Any] = {"types": len([name for name in types if name and not name.startswith("__")])}
    for operation in _OPERATIONS:
        root = types.get(text_in(dig(schema, f"{operation}Type", "name")))
        told[_plural(operation)] = len(mappings(dig(root, "fields")))
    _state(_name(document), document.at(*keys), text_in(schema.get("description")), told, findings)


def _state(name: str, at: Place, description: str | None, told: dict[str, Any], findings: Findings) -> None:
    findings.entity(
        ref_of("api", NAME, name),
        at,
        name=name,
        type=NAME,
        description=description,
        spec={key: value for key, value in told.items() if value},
    )


CONNECTOR = Connector(
    name=NAME,
    description="APIs that GraphQL schemas describe",
    input="Type definitions (SDL) in *.graphql, *.graphqls and *.gql, and introspection answers in JSON",
    claims=claims,
    read=read,
    files=FILES,
)
