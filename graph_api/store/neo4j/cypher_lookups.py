"""The statements of what one source says, see labels.py."""

_SAID_BY = (
    "WHERE e.ref > $after{labelled} AND ($source IN e.sources "
    "OR EXISTS {{ MATCH (e)-[r:{types}]->(:Entity) WHERE $source IN r.sources }}) "
    "WITH e ORDER BY e.ref LIMIT $limit "
    "WITH e, COLLECT {{ MATCH (e)-[r:{types}]->(o:Entity) WHERE $source IN r.sources "
    "RETURN [e.ref, type(r), o.ref, r.environment, r.statements] }} AS links "
    "RETURN count(e) AS count, max(e.ref) AS last, collect(links) AS links, "
    "collect(CASE WHEN $source IN e.sources THEN e.statements END) AS texts"
)
SAID_BY = "MATCH (e:{label}) " + _SAID_BY.replace("{labelled}", "")
# Sorted anew, each page of a large source would cost all of it: an index that is in order passes by the others.
MORE_SAID_BY = "MATCH (e:Entity) USING INDEX e:Entity(ref) " + _SAID_BY.replace("{labelled}", " AND e:{label}")
SET_LABELS = "UNWIND $given.rows AS row MATCH (e:Entity {ref: row.ref}) SET e:$(row.labels)"
LABEL_ALL = (
    "MATCH (e:Entity) CALL (e) { "
    "WITH e, [s IN coalesce(e.sources, []) | $labels[s]] + COLLECT { MATCH (e)-[r]->(:Entity) "
    "UNWIND r.sources AS source RETURN DISTINCT $labels[source] } AS labels SET e:$(labels) "
    "} IN TRANSACTIONS OF 10000 ROWS"
)
