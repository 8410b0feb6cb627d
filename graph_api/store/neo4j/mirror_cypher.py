"""The statements of a mirror: where the catalog is, and what has changed since it looked."""

from graph_api.store.neo4j.cypher import LINK_OF_KEY, READ_GATE
from graph_api.store.neo4j.projection import LINK, WHOLE

# One statement, of which nothing is read twice; `writes` are those of cypher.py.
MARK = (
    "OPTIONAL MATCH (g:Gate {id: 1}) OPTIONAL MATCH (c:Catalog {id: 1}) "
    "RETURN c.store AS store, coalesce(c.revision, 0) AS revision, coalesce(c.restoring, false) AS restoring, "
    "c.applying IS NOT NULL AS applying, coalesce(g.begun, 0) AS begun, coalesce(g.ended, 0) AS ended, "
    "reduce(n = coalesce(c.writes, 0) + coalesce(g.writes, 0), w IN COLLECT { MATCH (l:Lease) RETURN l.writes } | "
    "n + coalesce(w, 0)) AS writes"
)
SIZE = "RETURN COUNT { (:Entity) } AS entities"

DELTAS = (
    "MATCH (d:Delta) WHERE d.revision > $since "
    "RETURN d.revision AS revision, d.at AS at, d.size AS size ORDER BY revision"
)
DELTAS_UNTIL = (
    "MATCH (d:Delta) WHERE d.revision > $since AND d.revision <= $until "
    "RETURN d.entities AS entities, d.removed AS removed, d.links AS links"
)
# What few writes have changed, in two statements: between the gates of both nobody may have committed. What is
# collected is read before the gate that follows.
FEW_DELTAS = (
    "CALL () { MATCH (d:Delta) WHERE d.revision > $since AND d.size <= $small AND d.entities IS NOT NULL "
    "WITH d ORDER BY d.revision LIMIT $few "
    "RETURN collect(d {.revision, .at, .size, .entities, .removed, .links}) AS deltas } " + READ_GATE + ", deltas"
)
FEW_ROWS = (
    f"CALL () {{ UNWIND $given.refs AS ref MATCH (e:Entity {{ref: ref}}) RETURN collect({WHOLE.text}) AS entities }} "
    f"CALL () {{ UNWIND $given.keys AS key {LINK_OF_KEY}RETURN collect({LINK}) AS links }} "
    f"{READ_GATE}, entities, links"
)
WRITTEN_AT = "MATCH (d:Delta {revision: $revision}) RETURN d.at AS at"
KEPT_DELTAS = 500
"""Revisions that a mirror may be behind."""
WRITE_DELTAS = (
    "UNWIND $given.deltas AS row MERGE (d:Delta {revision: row.revision}) SET d = row "
    f"WITH row.revision - {KEPT_DELTAS} AS forgotten MATCH (o:Delta) WHERE o.revision <= forgotten DELETE o"
)

# A new name is a transaction of its own, which nobody counts: so all names are there before anybody counts.
MAKE_LABELS = "UNWIND $names AS name CALL db.createLabel(name)"
MAKE_TYPES = "UNWIND $names AS name CALL db.createRelationshipType(name)"
MAKE_PROPERTIES = "UNWIND $names AS name CALL db.createProperty(name)"
