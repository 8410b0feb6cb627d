"""The statements of what one source says."""

SAID_BY = (
    "MATCH (e:Entity) WHERE e.ref > $after AND ($source IN e.sources "
    "OR EXISTS {{ MATCH (e)-[r:{types}]->(:Entity) WHERE $source IN r.sources }}) "
    "WITH e ORDER BY e.ref LIMIT $limit "
    "WITH e, COLLECT {{ MATCH (e)-[r:{types}]->(o:Entity) WHERE $source IN r.sources "
    "RETURN [e.ref, type(r), o.ref, r.environment, r.statements] }} AS links "
    "RETURN count(e) AS count, max(e.ref) AS last, collect(links) AS links, "
    "collect(CASE WHEN $source IN e.sources THEN e.statements END) AS texts"
)
