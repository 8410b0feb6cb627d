"""All names that this program gives in a database.

Neo4j makes a new name in a transaction of its own, which nobody counts (see watermark.py): so all of them are made when
the database is opened, before any mirror counts.
"""

from graph_api.catalog.relations import RELATIONS
from graph_api.store.neo4j import mirror_cypher
from graph_api.store.neo4j.labels import KIND_LABELS, SAID_LABELS

_LABELS = """
Answer ApiKey AuditRecord Audience Catalog Delta Entity Gate Identifier Lease Migration Part Removed Source Sync Write
"""
_FOLDED = "annotations description environment labels lifecycle name properties sources tags title type"
_SORTED = "lifecycle name title type"
_PROPERTIES = """
active annotations applying at audience audit_hash audit_sequence begun body confidence connector created_revision
criticality declared declared_owners description digest domains ended entities environment environments folder format
hash held hidden holder horizon id identifiers key kind labels last_applied_at lifecycle links locked name namespace
observed_at oldest origin origins owner_state owners ownership payload place previous problems properties
properties_json record ref removed repository restoring revision sequence size source source_order sources started_at
statements store systems tags text tier title type until updated_at value words write writes
"""

LABEL_NAMES = sorted({*_LABELS.split(), *KIND_LABELS.values(), *SAID_LABELS})
TYPE_NAMES = sorted({"NAMES", *RELATIONS})
PROPERTY_NAMES = sorted(
    {
        *_PROPERTIES.split(),
        *(f"{name}_folded" for name in _FOLDED.split()),
        *(f"{name}_sort" for name in _SORTED.split()),
    }
)

MAKE = (
    (mirror_cypher.MAKE_LABELS, LABEL_NAMES),
    (mirror_cypher.MAKE_TYPES, TYPE_NAMES),
    (mirror_cypher.MAKE_PROPERTIES, PROPERTY_NAMES),
)
"""The statements that make names, each with its parameter `names`."""
