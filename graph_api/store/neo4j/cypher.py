"""The statements of readers and of upkeep, as literal skeletons. Slots in {braces} are filled from closed tables only:
relationship types, a depth, sort keys, predicates of filters.py. Values are always parameters.
"""

from graph_api.catalog.audience import MADE_OF
from graph_api.catalog.drift import NEEDS
from graph_api.catalog.redaction import NAMED_BY
from graph_api.store.neo4j import cypher_parts
from graph_api.store.neo4j.projection import LINK, WHOLE
from graph_api.store.protocol import LONGEST_LEASE

FORMAT = 8
"""Since 2 a link has its criticality and confidence only where they are not HARD and 1, and its key only once. Since 3
large writes are applied in parts, between which older programs would read. Since 4 the full-text index follows commits
a moment later, which older programs would not wait for. Since 5 entities have the labels of labels.py, which older
programs would not give; since 6 all of them. Since 7 entities have the words of words.py, which older programs would
not give; since 8 all of them.
"""

CONSTRAINTS = (
    "CREATE CONSTRAINT entity_ref IF NOT EXISTS FOR (e:Entity) REQUIRE e.ref IS UNIQUE",
    "CREATE CONSTRAINT catalog_id IF NOT EXISTS FOR (c:Catalog) REQUIRE c.id IS UNIQUE",
    "CREATE CONSTRAINT gate_id IF NOT EXISTS FOR (g:Gate) REQUIRE g.id IS UNIQUE",
    "CREATE CONSTRAINT source_name IF NOT EXISTS FOR (s:Source) REQUIRE s.name IS UNIQUE",
    "CREATE CONSTRAINT sync_id IF NOT EXISTS FOR (s:Sync) REQUIRE s.id IS UNIQUE",
    "CREATE CONSTRAINT removed_ref IF NOT EXISTS FOR (r:Removed) REQUIRE r.ref IS UNIQUE",
    "CREATE CONSTRAINT identifier_value IF NOT EXISTS FOR (i:Identifier) REQUIRE i.value IS UNIQUE",
    "CREATE CONSTRAINT audience_text IF NOT EXISTS FOR (a:Audience) REQUIRE a.text IS UNIQUE",
    "CREATE CONSTRAINT write_id IF NOT EXISTS FOR (w:Write) REQUIRE w.id IS UNIQUE",
    "CREATE CONSTRAINT answer_key IF NOT EXISTS FOR (a:Answer) REQUIRE a.key IS UNIQUE",
    "CREATE CONSTRAINT lease_name IF NOT EXISTS FOR (l:Lease) REQUIRE l.name IS UNIQUE",
    "CREATE CONSTRAINT api_key_id IF NOT EXISTS FOR (k:ApiKey) REQUIRE k.id IS UNIQUE",
    "CREATE CONSTRAINT audit_sequence IF NOT EXISTS FOR (a:AuditRecord) REQUIRE a.sequence IS UNIQUE",
    "CREATE CONSTRAINT delta_revision IF NOT EXISTS FOR (d:Delta) REQUIRE d.revision IS UNIQUE",
    "CREATE CONSTRAINT part_place IF NOT EXISTS FOR (p:Part) REQUIRE (p.write, p.place) IS UNIQUE",
)
INDEXES = (
    "CREATE INDEX entity_name IF NOT EXISTS FOR (e:Entity) ON (e.name_sort)",
    "CREATE INDEX entity_kind_name IF NOT EXISTS FOR (e:Entity) ON (e.kind, e.name_sort)",
    "CREATE INDEX entity_revision IF NOT EXISTS FOR (e:Entity) ON (e.revision)",
    "CREATE INDEX entity_repository IF NOT EXISTS FOR (e:Entity) ON (e.repository)",
    "CREATE INDEX entity_declared IF NOT EXISTS FOR (e:Entity) ON (e.declared)",
    "CREATE INDEX entity_audience IF NOT EXISTS FOR (e:Entity) ON (e.audience)",
    "CREATE INDEX removed_revision IF NOT EXISTS FOR (r:Removed) ON (r.revision)",
    "CREATE INDEX removed_hidden IF NOT EXISTS FOR (r:Removed) ON (r.hidden)",
    "CREATE INDEX write_at IF NOT EXISTS FOR (w:Write) ON (w.at)",
    "CREATE INDEX answer_until IF NOT EXISTS FOR (a:Answer) ON (a.until)",
    "CREATE INDEX sync_source IF NOT EXISTS FOR (s:Sync) ON (s.source)",
    *(f"CREATE INDEX {need.lower()}_origin IF NOT EXISTS FOR ()-[r:{need}]-() ON (r.origin)" for need in NEEDS),
    # Beside the commit instead of in it, which would take twice as long; whoever searches waits for it.
    "CREATE FULLTEXT INDEX entity_texts IF NOT EXISTS FOR (e:Entity) "
    "ON EACH [e.name, e.title, e.description, e.tags, e.words] "
    "OPTIONS {indexConfig: {`fulltext.eventually_consistent`: true}}",
)
DROP_OLD_TEXT_INDEX = "DROP INDEX entity_text IF EXISTS"
READ_TEXTS = (
    "MATCH (e:Entity) WHERE e.ref > $after WITH e ORDER BY e.ref LIMIT $limit "
    "RETURN e.ref AS ref, [e.name, e.title, e.description] + coalesce(e.tags, []) AS texts"
)
SET_WORDS = "UNWIND $given.rows AS row MATCH (e:Entity {ref: row.ref}) SET e.words = row.words"
AWAIT_INDEXES = "CALL db.awaitIndexes(300)"


def packed(row: str) -> str:
    """The end of a statement that gives `row` of each, in their order: a hundred to a record, since the driver takes as
    long for any record as for ten such rows. All are held at once by the database, and none may be null.
    """
    return f" WITH collect({row}) AS page UNWIND range(0, size(page) - 1, 100) AS i RETURN page[i..i + 100] AS rows"


READ_GATE = """
OPTIONAL MATCH (c:Catalog {id: 1})
OPTIONAL MATCH (g:Gate {id: 1})
RETURN coalesce(c.revision, 0) AS revision, coalesce(g.begun, 0) AS begun, coalesce(g.ended, 0) AS ended,
c.applying AS applying, c.store AS store, coalesce(c.restoring, false) AS restoring
"""
# `writes` counts transactions, each once: whoever remembers how many there were can tell whether anybody else wrote.
# What is locked comes first everywhere, so that what is read then is the newest value: no count is lost, and a late
# writer never undoes a newer one.
_COUNT_GATE = "(g:Gate {id: 1}) SET g.locked = true WITH g SET g.writes = coalesce(g.writes, 0) + 1 "
CLOSE_GATE = f"MERGE {_COUNT_GATE}SET g.begun = coalesce(g.begun, 0) + 1 RETURN g.begun AS turn"
OPEN_GATE = f"MATCH {_COUNT_GATE}WITH g WHERE coalesce(g.ended, 0) < $turn SET g.ended = $turn"
REOPEN_GATE = "MATCH (g:Gate {id: 1}) SET g.ended = g.begun"
_CATALOG = f"MERGE (c:Catalog {{id: 1}}) ON CREATE SET c.revision = 0, c.format = {FORMAT}, c.store = randomUUID() "
_LOCKED = _CATALOG + "SET c.locked = true WITH c SET c.writes = coalesce(c.writes, 0) + 1 "
MAKE_STORE = _LOCKED + "WITH c WHERE c.store IS NULL SET c.store = randomUUID()"
# Leases are looked through without their index: it would be locked here, and whoever holds the lock could take none.
LOCK = _LOCKED + (
    f"WITH c OPTIONAL MATCH (l:Lease) WHERE toString(l.name) = '{cypher_parts.LEASE}' "
    f"AND l.until > timestamp() AND l.until <= timestamp() + {LONGEST_LEASE * 1000} "
    "RETURN c.store AS store, c.revision AS revision, c.source_order AS source_order, "
    "coalesce(c.restoring, false) AS restoring, c.applying AS applying, l.holder AS holder, "
    "coalesce(c.audit_sequence, 0) AS audit_sequence, coalesce(c.audit_hash, '') AS audit_hash"
)
READ_ORDER = "MATCH (c:Catalog {id: 1}) RETURN c.source_order AS source_order"
SET_ORDER = "MATCH (c:Catalog {id: 1}) SET c.source_order = $names"
READ_HORIZON = "MATCH (c:Catalog {id: 1}) RETURN coalesce(c.horizon, 0) AS horizon"
READ_STATE = (
    "OPTIONAL MATCH (c:Catalog {id: 1}) RETURN c.format AS format, coalesce(c.oldest, c.format) AS oldest, "
    "c.store AS store, c.revision AS revision, coalesce(c.restoring, false) AS restoring"
)
READ_CONSTRAINTS = "SHOW CONSTRAINTS YIELD name RETURN collect(name) AS names"
RECORD_STEP = (
    "MATCH (l:Lease {name: $lease, holder: $holder}) WHERE l.until > timestamp() MATCH (c:Catalog {id: 1}) "
    "MERGE (m:Migration {format: $format}) SET m.name = $name, m.at = $at "
    "SET c.format = $format, c.oldest = CASE WHEN coalesce(c.oldest, 1) > $oldest THEN c.oldest ELSE $oldest END"
)
# `until` is the server's time in milliseconds.
TAKE_LEASE = (
    "MERGE (l:Lease {name: $name}) SET l.locked = true WITH l SET l.writes = coalesce(l.writes, 0) + 1 WITH l "
    "WHERE l.holder = $holder OR coalesce(l.until, 0) <= timestamp() "
    f"OR l.until > timestamp() + {LONGEST_LEASE * 1000} "
    "SET l.holder = $holder, l.until = timestamp() + $milliseconds RETURN l.name AS name"
)

# --- who sees what: only what is not for everybody has an audience ---
# Not an OR: the planner looks into that, and leaves the order of an index for it.
SEEN = "CASE WHEN {x}.audience IS NULL THEN true ELSE {x}.audience IN $audiences OR {x}.ref IN $granted END"
SEEN_VALUES = (
    "CASE WHEN all(v IN {x}.{name} WHERE v IN $hidden) THEN null ELSE [v IN {x}.{name} WHERE NOT v IN $hidden] END"
)
AUDIENCES = "MATCH (a:Audience) RETURN a.text AS text ORDER BY text"
RESTRICTED_NAMES = (
    "MATCH (e:Entity) WHERE e.audience > '' "
    f"AND (e.kind IN $kinds OR EXISTS {{ MATCH (e)<-[:{'|'.join(NAMED_BY)}]-() }})" + packed("[e.ref, e.audience]")
)
AFFECTING = (
    "MATCH (s:Entity) WHERE any(o IN s.owners WHERE o IN $owners) "
    f"MATCH (s)-[:{'|'.join(MADE_OF)}*1..]->(e) WITH DISTINCT e WHERE $affected IN split(e.audience, ' ') "
    "RETURN collect(e.ref) AS refs"
)

# --- lookups and lists ---
ENTITIES = "UNWIND $refs AS ref MATCH (e:Entity {{ref: ref}}) WHERE {where}" + packed("{entity}")
RESOLVE = (
    "UNWIND $identifiers AS value MATCH (i:Identifier {{value: value}})-[:NAMES]->(e:Entity) WHERE {where} "
    "WITH i.value AS value, e.ref AS ref ORDER BY ref" + packed("[value, ref]")
)
PAGE = "MATCH (e:Entity) WHERE {where} WITH e ORDER BY {order} LIMIT $limit" + packed("{entity}")
COUNT = "MATCH (e:Entity) WHERE {where} RETURN count(*) AS n"
_BUCKETS = packed("[value, n]")
FACET_ONE = "MATCH (e:Entity) WHERE {where} WITH {key} AS value, count(*) AS n" + _BUCKETS
FACET_MANY = (
    "MATCH (e:Entity) WHERE {where} UNWIND coalesce({key}, [null]) AS value WITH value, count(*) AS n" + _BUCKETS
)
SEARCH = (
    "CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh() "
    "CALL db.index.fulltext.queryNodes('entity_texts', $text{best}) YIELD node AS e, score WHERE {where} "
    "WITH e, {score} AS score ORDER BY score DESC, e.ref LIMIT $limit"
    + packed("[e.ref, e.name, e.title, e.kind, e.declared, score]")
)
BEST = ", {limit: $limit}"
"""For SEARCH where all match: the index does not hand over the others."""
MATCHING_REFS = "MATCH (e:Entity) WHERE {where} RETURN collect(e.ref) AS refs"
INDEX_SCORE = "score"
# The index's own tells how common a word is in all documents, also in those that a reader does not see.
NAME_SCORE = "CASE WHEN coalesce(e.name_folded, e.name) CONTAINS $word THEN 1.0 ELSE 0.0 END"
SUBGROUPS = (
    "UNWIND $refs AS ref MATCH (s:Entity {{ref: ref}})<-[rs:CHILD_OF*1..]-(g:Entity){where} "
    "WITH DISTINCT g.ref AS ref" + packed("ref")
)

_NEIGHBOUR = (
    " RETURN r, o ORDER BY o.ref {order}, type(r) {order}, coalesce(r.environment, '') {order} {limit} "
    "}} WITH ref, r, o AS e" + packed("[ref, {link}, {entity}]")
)
NEIGHBOURS_OUT = (
    "UNWIND $refs AS ref MATCH (s:Entity {{ref: ref}}) "
    "CALL (s) {{ MATCH (s)-[r:{types}]->(o:Entity) WHERE {where}" + _NEIGHBOUR
)
NEIGHBOURS_IN = (
    "UNWIND $refs AS ref MATCH (s:Entity {{ref: ref}}) "
    "CALL (s) {{ MATCH (s)<-[r:{types}]-(o:Entity) WHERE {where}" + _NEIGHBOUR
)
# No environment is an empty text, so that one stands for none.
AFTER_LINK = (
    "(o.ref > $after_ref OR o.ref = $after_ref AND (type(r) > $after_relation OR type(r) = $after_relation "
    "AND coalesce(r.environment, '') > $after_environment))"
)
BEFORE_LINK = AFTER_LINK.replace(">", "<").replace("$after", "$before")
NEIGHBOUR_COUNTS_OUT = (
    "UNWIND $refs AS ref MATCH (s:Entity {{ref: ref}})-[r:{types}]->(o) WHERE {where} WITH ref, count(r) AS n"
    + packed("[ref, n]")
)
NEIGHBOUR_COUNTS_IN = (
    "UNWIND $refs AS ref MATCH (s:Entity {{ref: ref}})<-[r:{types}]-(o) WHERE {where} WITH ref, count(r) AS n"
    + packed("[ref, n]")
)

# --- walks: a head gives rows (e, distance). No label on `e`, which would let a plan start there. ---
# One start: VarLengthExpand(Pruning,BFS), early to end with FIRST_HITS. That `e` is not `s` is said at the end: as a
# predicate of the pattern it leads the planner of a small, dense graph to try every node as `e` and every walk to it.
_FROM_ONE = "MATCH p = PATTERN{where} WITH s, e, min(length(p)) AS distance WHERE e <> s WITH e, distance "
FROM_ONE_OUT = _FROM_ONE.replace("PATTERN", "(s:Entity {{ref: $starts[0]}})-[rs:{types}*1..{depth}]->(e)")
FROM_ONE_IN = _FROM_ONE.replace("PATTERN", "(s:Entity {{ref: $starts[0]}})<-[rs:{types}*1..{depth}]-(e)")
# Several starts: level by level, since one walk a start would cost as many times as much.
_LEVELS = (
    "MATCH (s:Entity) WHERE s.ref IN $starts WITH collect(s) AS starts "
    "WITH reduce(state = {{seen: starts, frontier: starts, levels: []}}, level IN range(1, $levels) | "
    "CASE WHEN state.frontier = [] THEN state ELSE "
    "[found IN [COLLECT {{ UNWIND state.frontier AS n MATCH PATTERN WHERE {link} "
    "WITH DISTINCT e WHERE NOT e IN state.seen RETURN e }}] | {{seen: state.seen + found, "
    "frontier: [n IN found WHERE {through}], levels: state.levels + [found]}}][0] END) AS state "
    "UNWIND range(1, size(state.levels)) AS distance UNWIND state.levels[distance - 1] AS e WITH e, distance "
)
FROM_MANY_OUT = _LEVELS.replace("PATTERN", "(n)-[r:{types}]->(e)")
FROM_MANY_IN = _LEVELS.replace("PATTERN", "(n)<-[r:{types}]-(e)")
# In rows of 500, so that none of them is long to decode.
DISTANCES = (
    "ORDER BY distance, e.ref LIMIT $limit WITH collect([e.ref, distance]) AS hits "
    "UNWIND range(0, size(hits), 500) AS i RETURN hits[i..i + 500] AS hits"
)
FIRST_HITS = "ORDER BY distance, e.ref LIMIT $limit" + packed(f"[distance, false, {WHOLE.text}]")

# --- a walk that is judged, kept, counted and paged where the data is: only the page crosses the wire ---
REACHED = (
    "ORDER BY distance, e.ref LIMIT $limit "
    "WITH collect(e {{.ref, .declared{properties}, node: e, distance: distance{keep}}}) AS found "
    "WITH found[..$limit - 1] AS reached, size(found) = $limit AS more "
)
ALL_HITS = "WITH reached, more, reached AS hits "
KEPT_HITS = "WITH reached, more, [h IN reached WHERE h.keep] AS hits "
NO_HARD = "WITH *, [] AS hard "
HARD_BEGIN, HARD_END = "CALL () { ", "RETURN collect(e) AS hard } "
HITS_BY = (
    "CALL (hits) {{ UNWIND hits AS h WITH h.{property} AS value, count(*) AS n RETURN collect([value, n]) AS {name} }} "
)
HITS_BY_EACH = (
    "CALL (hits) {{ UNWIND hits AS h UNWIND coalesce({values}, [null]) AS value "
    "WITH value, count(*) AS n RETURN collect([value, n]) AS {name} }} "
)
HITS_BY_SEVERITY = (
    "CALL (hits, hard) {{ UNWIND hits AS h WITH CASE WHEN h.node IN hard THEN 'DOWN' ELSE 'DEGRADED' END AS value, "
    "count(*) AS n RETURN collect([value, n]) AS {name} }} "
)
_EDGE = (
    "CALL (reached, more) {{ WITH more, reached, [h IN reached | h.node] AS known UNWIND reached AS h "
    "WITH known, h.node AS e, h.distance AS distance WHERE (more OR distance = $depth) AND {through} "
    "AND EXISTS {{ MATCH PATTERN WHERE {link} AND NOT o IN known AND NOT o.ref IN $starts }} "
    "RETURN count(*) AS unexplored, count(CASE WHEN distance = $depth THEN 1 END) AS deep }} "
)
EDGE_OUT = _EDGE.replace("PATTERN", "(e)-[r:{types}]->(o)")
EDGE_IN = _EDGE.replace("PATTERN", "(e)<-[r:{types}]-(o)")
NO_EDGE = "WITH *, 0 AS unexplored, 0 AS deep "
BOUNDS = (
    "WITH *, CASE WHEN $after IS NULL THEN 0 ELSE size([h IN hits WHERE "
    "h.distance < $after[0] OR (h.distance = $after[0] AND h.ref <= $after[1])]) END AS low, "
    "CASE WHEN $before IS NULL THEN size(hits) ELSE size([h IN hits WHERE "
    "h.distance < $before[0] OR (h.distance = $before[0] AND h.ref < $before[1])]) END AS high "
)
FORWARD = "WITH *, low AS begin, CASE WHEN low + $page < high THEN low + $page ELSE high END AS end "
BACKWARD = "WITH *, CASE WHEN high - $page > low THEN high - $page ELSE low END AS begin, high AS end "
ANSWER = (
    "RETURN size(hits) AS total, more, begin, end, unexplored, deep, reached[-1].distance AS deepest, "
    "any(h IN reached WHERE NOT h.declared) AS undeclared{facets}, COLLECT {{ UNWIND hits[begin..end] AS h "
    "WITH h.distance AS distance, h.node IN hard AS down, h.node AS e ORDER BY distance, e.ref "
    f"RETURN [distance, down, {WHOLE.text}] }}}} AS page"
)
STEP_OUT = (
    "UNWIND $refs AS ref MATCH (e:Entity {{ref: ref}})-[r:{types}]->(o:Entity) WHERE {where} "
    "WITH ref, collect(DISTINCT o.ref) AS others" + packed("[ref, others]")
)
STEP_IN = (
    "UNWIND $refs AS ref MATCH (e:Entity {{ref: ref}})<-[r:{types}]-(o:Entity) WHERE {where} "
    "WITH ref, collect(DISTINCT o.ref) AS others" + packed("[ref, others]")
)
LINKS_BETWEEN = (
    "UNWIND $pairs AS pair MATCH (:Entity {{ref: pair[0]}})-[r:{types}]->(:Entity {{ref: pair[1]}}) WHERE {where}"
    + packed(LINK)
)
ALL_LINKS = (
    "MATCH (a:Entity)-[r:{types}]->(b:Entity) WHERE {where} "
    "WITH DISTINCT a.ref AS source, b.ref AS target LIMIT $limit RETURN collect([source, target]) AS pairs"
)

# --- records ---
CHANGES = (
    "CALL () {{ MATCH (e:Entity) WHERE e.revision > $since AND "
    "(e.revision > $after_revision OR (e.revision = $after_revision AND e.ref > $after_ref)) AND {where} "
    "RETURN e.ref AS ref, e.revision AS revision, e.updated_at AS at, "
    "CASE WHEN e.created_revision = e.revision THEN 'CREATED' ELSE 'UPDATED' END AS operation "
    "ORDER BY revision, ref LIMIT $limit "
    "UNION ALL MATCH (t:Removed) WHERE t.revision > $since AND "
    "(t.revision > $after_revision OR (t.revision = $after_revision AND t.ref > $after_ref)) "
    "AND t.ref IS NOT NULL AND {told} RETURN t.ref AS ref, t.revision AS revision, t.at AS at, 'REMOVED' AS operation "
    "ORDER BY revision, ref LIMIT $limit {hidden}}} "
    "WITH ref, revision, at, operation ORDER BY revision, ref LIMIT $limit" + packed("[ref, revision, at, operation]")
)
HIDDEN_CHANGES = (
    "UNION ALL MATCH (t:Removed) WHERE t.revision > $since AND "
    "(t.revision > $after_revision OR (t.revision = $after_revision AND t.hidden > $after_ref)) "
    "AND t.hidden IS NOT NULL AND {told} AND NOT EXISTS {{ MATCH (e:Entity {{ref: t.hidden}}) WHERE {where} }} "
    "AND NOT EXISTS {{ MATCH (x:Removed {{ref: t.hidden}}) WHERE {gone} }} "
    "AND NOT EXISTS {{ MATCH (x:Removed {{hidden: t.hidden}}) WHERE x.revision > t.revision AND {gone} }} "
    "RETURN t.hidden AS ref, t.revision AS revision, t.at AS at, 'REMOVED' AS operation "
    "ORDER BY revision, ref LIMIT $limit "
)
SOURCES = (
    "MATCH (s:Source) CALL (s) { MATCH (y:Sync) WHERE y.source = s.name "
    "RETURN y ORDER BY y.started_at DESC, y.id DESC LIMIT 1 } "
    "RETURN s.name AS name, s.connector AS connector, s.last_applied_at AS last_applied_at, "
    "s.entities AS entities, s.links AS links, y.body AS run, y.problems AS problems ORDER BY name"
)
_LAST_PROBLEMS = (
    "MATCH (s:Source) WHERE $source IS NULL OR s.name = $source CALL (s) {{ MATCH (y:Sync) WHERE y.source = s.name "
    "RETURN coalesce(y.problems, []) AS problems ORDER BY y.started_at DESC, y.id DESC LIMIT 1 }} "
)
PROBLEMS = _LAST_PROBLEMS + (
    "UNWIND range(0, size(problems) - 1) AS place WITH s.name AS source, place, problems WHERE "
    "($after IS NULL OR source > $after[0] OR (source = $after[0] AND place > $after[1])) AND "
    "($before IS NULL OR source < $before[0] OR (source = $before[0] AND place < $before[1])) "
    "RETURN source, place, problems[place] AS problem ORDER BY source {direction}, place {direction} LIMIT $limit"
)
COUNT_PROBLEMS = _LAST_PROBLEMS.format() + "RETURN sum(size(problems)) AS n"
SOURCE_NAMES = "MATCH (s:Source) RETURN s.name AS name ORDER BY name"
CONNECTOR = "MATCH (s:Source {name: $source}) RETURN s.connector AS connector"
# The body is JSON text, where a quotation mark inside a value is escaped.
SYNCS = (
    "MATCH (s:Sync) WHERE ($source IS NULL OR s.source = $source) "
    "AND ($status IS NULL OR s.body CONTAINS '\"status\":\"' + $status + '\"') AND ($started_at IS NULL OR "
    "s.started_at < $started_at OR (s.started_at = $started_at AND s.id < $id)) "
    "RETURN s.body AS run, s.problems AS problems ORDER BY s.started_at DESC, s.id DESC LIMIT $limit"
)
RUN = "MATCH (s:Sync {id: $id}) RETURN s.body AS run, s.problems AS problems, s.payload AS payload"

# --- what a write reads: what may be as much as the catalog streams, one to a record ---
HELD_RUNS = (
    "MATCH (s:Sync) WHERE s.source = $source AND s.held RETURN s.body AS run, s.problems AS problems ORDER BY s.id"
)
LAST_SEEN_AT = "MATCH (s:Source {name: $source}) RETURN s.last_applied_at AS at"
# Never from its target alone, which may have as many links as there are entities; and by its index, also where the
# planner takes that for empty: what it knows of an index follows a large write by seconds or more.
LINK_OF_KEY = (
    "MATCH (a:Entity {ref: key[0]}) CALL (a, key) { "
    "MATCH (a)-[r]->(b:Entity {ref: key[2]}) USING INDEX SEEK b:Entity(ref) WHERE type(r) = key[1] "
    "AND (r.environment = key[3] OR (r.environment IS NULL AND key[3] IS NULL)) RETURN r } "
)
LINKS = f"UNWIND $keys AS key {LINK_OF_KEY}{packed(LINK)}"
LINKS_AT_OUT = "UNWIND $refs AS ref MATCH (:Entity {{ref: ref}})-[r:{types}]->(:Entity) RETURN " + LINK + " AS link"
LINKS_AT_IN = "UNWIND $refs AS ref MATCH (:Entity {{ref: ref}})<-[r:{types}]-(:Entity) RETURN " + LINK + " AS link"
REFERENCED_LINKS = (
    "UNWIND $refs AS ref MATCH (e:Entity {ref: ref}) OPTIONAL MATCH (e)-[r]-(:Entity) "
    "WITH ref, count(DISTINCT r) AS n" + packed("[ref, n]")
)
REFERENCED_OWNERS = (
    "MATCH (e:Entity) WHERE any(o IN e.owners WHERE o IN $refs) AND e.declared_owners IS NULL "
    "RETURN collect(e.ownership) AS texts"
)
IN_REPOSITORIES = "MATCH (e:Entity) WHERE e.repository IN $refs RETURN e.ref AS ref ORDER BY ref"
IN_ANY_REPOSITORY = (
    "MATCH (e:Entity) WHERE e.repository IS NOT NULL OR e.kind = 'repository' RETURN e.ref AS ref ORDER BY ref"
)
