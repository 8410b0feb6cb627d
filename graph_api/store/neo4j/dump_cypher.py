"""The statements of backups: pages by `key`, and rows as they were."""

from graph_api.store.neo4j.cypher import packed
from graph_api.store.neo4j.projection import LINK, WHOLE

DUMP_AUDIT = (
    "MATCH (a:AuditRecord) WHERE a.sequence > $after RETURN a.sequence AS key, a.body AS body, "
    "a.previous AS previous, a.hash AS hash ORDER BY key LIMIT $limit"
)
DUMP_SOURCES = (
    "MATCH (s:Source) RETURN s.name AS name, s.connector AS connector, s.entities AS entities, s.links AS links, "
    "s.last_applied_at AS last_applied_at ORDER BY name"
)
DUMP_RUNS = (
    "MATCH (s:Sync) WHERE s.id > $after RETURN s.id AS key, s.body AS run, s.problems AS problems, "
    "s.payload AS payload ORDER BY key LIMIT $limit"
)
DUMP_REMOVED = (
    "MATCH (t:Removed) WHERE t.ref > $after RETURN t.ref AS key, t.ref AS ref, t.revision AS revision, t.at AS at, "
    "coalesce(t.audience, '') AS audience ORDER BY key LIMIT $limit"
)
DUMP_HIDDEN = (
    "MATCH (t:Removed) WHERE t.hidden > $after WITH DISTINCT t.hidden AS key ORDER BY key LIMIT $limit "
    "MATCH (t:Removed {hidden: key}) RETURN key, key AS ref, t.revision AS revision, t.at AS at, "
    "coalesce(t.audience, '') AS audience ORDER BY key, revision"
)
# Pairs of key and value.
_PACKED = "ORDER BY key" + packed("[key, value]")
# The first ones of so many characters, and one in any case: some have a document of megabytes.
DUMP_ENTITIES = (
    "MATCH (e:Entity) WHERE e.ref > $after WITH e ORDER BY e.ref LIMIT $limit "
    "WITH collect(e) AS some, collect(coalesce(size(e.statements), 0)) AS sizes "
    "UNWIND some[..reduce(held = [0, 0], size IN sizes | "
    "CASE WHEN held[0] < $characters THEN [held[0] + size, held[1] + 1] ELSE held END)[1]] AS e "
    f"WITH e.ref AS key, {WHOLE.text} AS value {_PACKED}"
)
DUMP_LINKS = (
    "MATCH (e:Entity) WHERE e.ref > $after WITH e ORDER BY e.ref LIMIT $limit "
    f"WITH e.ref AS key, COLLECT {{ MATCH (e)-[r]->(:Entity) RETURN {LINK} }} AS value {_PACKED}"
)
HOLDS_SOMETHING = "RETURN EXISTS { MATCH (:Entity|Sync|Source|Removed|ApiKey|AuditRecord) } AS something"
# Servers that know the catalog of before see at once that it is another one.
BEGIN_RESTORE = "MATCH (c:Catalog {id: 1}) SET c.restoring = true, c.applying = null, c.store = randomUUID()"
DELETE_ALL = (
    "MATCH (n:Entity|Sync|Source|Removed|Identifier|ApiKey|AuditRecord|Answer|Delta|Part) "
    "CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 100 ROWS"
)
# Any sources may state what is in a batch, so that their labels are no part of the text.
RESTORE_ENTITIES = "UNWIND $given.rows AS row CREATE (e:{labels}) SET e = row.entity SET e:$(row.labels)"
RESTORE_KEYS = "UNWIND $given.rows AS row CREATE (k:ApiKey) SET k = row"
RESTORE_AUDIT = "UNWIND $given.rows AS row CREATE (a:AuditRecord) SET a = row"
RESTORE_SOURCES = "UNWIND $given.rows AS row CREATE (s:Source) SET s = row"
RESTORE_RUNS = "UNWIND $given.rows AS row CREATE (s:Sync) SET s = row"
RESTORE_REMOVED = "UNWIND $given.rows AS row CREATE (t:Removed) SET t = row"
END_RESTORE = (
    "MATCH (c:Catalog {id: 1}) SET c.revision = $revision, c.source_order = $names, c.horizon = $horizon, "
    "c.audit_sequence = $sequence, c.audit_hash = $hash, c.restoring = null, c.store = randomUUID()"
)
