"""The statements of writes, as literal as those of cypher.py.

Their lists are in one map: the planner makes a plan of a statement for each order of magnitude of each list that is a
parameter of its own.
"""

from graph_api.store.neo4j.cypher import LINK_OF_KEY

CREATE_ENTITIES = "UNWIND $given.rows AS row CREATE (e:{labels}) SET e = row"
# Who saw an entity that gets another audience may see it no more: to them it is as if it were removed. Such a node has
# its ref as another property, since the entity may be removed besides.
UPDATE_ENTITIES = (
    "UNWIND $given.rows AS row MATCH (e:Entity {ref: row.entity.ref}) "
    "WITH e, row, e.created_revision AS created, e.audience AS audience "
    "FOREACH (other IN CASE WHEN coalesce(audience, '') = coalesce(row.entity.audience, audience, '') "
    "THEN [] ELSE [row.entity] END | CREATE (t:Removed {hidden: other.ref}) "
    "SET t.revision = other.revision, t.at = other.updated_at, t.audience = audience) "
    "SET e = row.entity SET e.created_revision = created SET e:$(row.labels)"
)
DROP_IDENTIFIERS = "UNWIND $given.rows AS ref MATCH (:Entity {ref: ref})<-[n:NAMES]-(:Identifier) DELETE n"
CREATE_IDENTIFIERS = (
    "UNWIND $given.rows AS row MATCH (e:Entity {ref: row[0]}) MERGE (i:Identifier {value: row[1]}) "
    "CREATE (i)-[:NAMES]->(e)"
)
# Of what comes back, and may be hidden from who saw it before.
DELETE_TOMBSTONES = (
    "UNWIND $given.rows AS row MATCH (t:Removed {ref: row[0]}) "
    "FOREACH (back IN CASE WHEN row[1] IS NULL THEN [t] ELSE [] END | DELETE back) "
    "FOREACH (back IN CASE WHEN row[1] IS NULL THEN [] ELSE [t] END | SET back.hidden = row[0] REMOVE back.ref)"
)
DELETE_ENTITIES = "UNWIND $given.rows AS ref MATCH (e:Entity {ref: ref}) DETACH DELETE e"
# Before the entities go.
CREATE_TOMBSTONES = (
    "UNWIND $given.rows AS ref MATCH (e:Entity {ref: ref}) MERGE (t:Removed {ref: ref}) "
    "SET t.revision = $revision, t.at = $at, t.audience = e.audience"
)
CREATE_AUDIENCES = "UNWIND $given.rows AS text MERGE (:Audience {text: text})"
CREATE_LINKS = (
    "UNWIND $given.rows AS row MATCH (a:Entity {{ref: row.source}}) MATCH (b:Entity {{ref: row.target}}) "
    "CREATE (a)-[r:{type}]->(b) SET r = row.link"
)
UPDATE_LINKS = (
    "UNWIND $given.rows AS row WITH row, [row.source, row.type, row.target, row.link.environment] AS key "
    f"{LINK_OF_KEY}SET r = row.link"
)
DELETE_LINKS = f"UNWIND $given.rows AS key {LINK_OF_KEY}DELETE r"
WRITE_RUNS = (
    "UNWIND $given.runs AS run MERGE (s:Sync {id: run.id}) SET s.source = run.source, s.started_at = run.started_at, "
    "s.body = run.body, s.held = run.held, s.problems = run.problems, s.payload = run.payload "
    "MERGE (o:Source {name: run.source}) ON CREATE SET o.connector = run.connector, o.entities = 0, o.links = 0 "
    "SET o.entities = o.entities + run.entities, o.links = o.links + run.links, "
    "o.last_applied_at = coalesce(run.applied_at, o.last_applied_at)"
)
PRUNE_RUNS = (
    "UNWIND $given.runs AS run CALL (run) { MATCH (s:Sync) WHERE s.source = run.source "
    "WITH s ORDER BY s.started_at DESC, s.id DESC SKIP $given.keep "
    "WHERE s.held IS NULL AND NOT s.id IN $given.latest DELETE s }"
)
# Revisions come from their index, the newest first. What is removed and what is hidden count apart.
_OLDEST = (
    "MATCH (t:Removed) WHERE t.revision >= 0 AND t.{name} IS NOT NULL "
    "WITH t.revision AS revision ORDER BY revision DESC SKIP $keep LIMIT 1 RETURN revision"
)
OLD_REMOVALS = (
    f"CALL () {{ {_OLDEST.format(name='ref')} UNION ALL {_OLDEST.format(name='hidden')} }} "
    "WITH max(revision) AS revision WHERE revision IS NOT NULL "
    "WITH CASE WHEN revision < $revision THEN revision ELSE $revision - 1 END AS horizon "
    "MATCH (c:Catalog {id: 1}) SET c.horizon = horizon "
    "WITH horizon MATCH (t:Removed) WHERE t.revision <= horizon DELETE t"
)
SET_REVISION = "MATCH (c:Catalog {id: 1}) SET c.revision = $revision"
