"""The generated files of schema/, each out of the one place that states its facts."""

import json

from graph_api.descriptor_schema import descriptor_schema
from graph_api.graphql.schema import schema
from graph_api.reference import catalog_reference
from graph_api.store.neo4j.cypher import CONSTRAINTS, INDEXES


def exported_files() -> dict[str, str]:
    """Return the texts by file name."""
    sdl = schema.as_str()
    return {
        "schema.graphql": f"{sdl.rstrip()}\n",
        "graph.cypher": "".join(f"{statement};\n" for statement in (*CONSTRAINTS, *INDEXES)),
        "catalog.schema.json": json.dumps(descriptor_schema(), indent=2) + "\n",
        "catalog.md": catalog_reference(sdl),
    }
