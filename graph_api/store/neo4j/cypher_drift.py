"""Statements about drift, as literal skeletons: findings with their place.

{after} is a list of place values, {rank} orders the kinds, {other} and {via} say that an entity is seen.
"""

from graph_api.catalog.drift import NEEDS
from graph_api.catalog.merge import DEFAULT_ROLE
from graph_api.store.neo4j.projection import LINK, WHOLE

# Only what is more than declared has the property, and so is in the index.
# No OR here nor in the place: a cold planner takes seconds to bring many of them into normal form.
_SAME_ENVIRONMENT = "coalesce(d.environment, r.environment, '') = coalesce(r.environment, d.environment, '')"
_IS_DECLARED = "coalesce(d.origin, 'DECLARED') = 'DECLARED'"
_RECENTLY = "'OBSERVED' IN d.origins AND coalesce(d.observed_at, $since) >= $since"
_AFTER = "e.ref >= {after}[0] AND [e.ref, type(r), o.ref, coalesce(r.environment, '')] > {after}"
_LINK_FINDING = (
    "AS kind, {rank} AS rank, e, [r] AS links, e.ref AS ref, type(r) AS relation, o.ref AS target, "
    "coalesce(r.environment, '') AS environment{page}"
)
# An index on relationships is of one type.
_OBSERVED_NEEDS = " UNION ALL ".join(
    f"MATCH (e)-[r:{need}]->(o) WHERE r.origin = 'OBSERVED' RETURN e, r, o" for need in NEEDS
)
UNDECLARED = (
    f"CALL () {{{{ {_OBSERVED_NEEDS} }}}} WITH e, r, o WHERE e.declared AND o.declared AND e <> o "
    f"AND {_AFTER} AND {{other}} AND {{where}} "
    f"AND NOT EXISTS {{{{ MATCH (e)-[d:{{needs}}]->(o) WHERE {_IS_DECLARED} AND {_SAME_ENVIRONMENT} }}}} "
    "AND NOT EXISTS {{ MATCH (e)-[d:CONSUMES_API]->(via:Entity)-[:PROVIDED_BY]->(o) "
    f"WHERE {_IS_DECLARED} AND {_SAME_ENVIRONMENT} AND {{via}} }}}} "
    f"RETURN 'UNDECLARED' {_LINK_FINDING}"
)
UNOBSERVED = (
    "MATCH (e:Entity)-[r:{expected}]->(o:Entity) WHERE coalesce(r.origin, 'DECLARED') = 'DECLARED' "
    f"AND {_AFTER} AND {{other}} AND {{where}} "
    "AND EXISTS {{ MATCH (e)-[seen:{needs}]-(via:Entity) WHERE 'OBSERVED' IN seen.origins AND {via} }} "
    f"AND NOT EXISTS {{{{ MATCH (e)-[d:{{needs}}]->(o) WHERE {_RECENTLY} AND {_SAME_ENVIRONMENT} }}}} "
    "AND NOT (type(r) = 'CONSUMES_API' AND EXISTS {{ MATCH (o)-[:PROVIDED_BY]->(via:Entity)<-[d:{needs}]-(e) "
    f"WHERE {_RECENTLY} AND {_SAME_ENVIRONMENT} AND {{via}} }}}}) "
    f"RETURN 'UNOBSERVED' {_LINK_FINDING}"
)
# Of the sources that name an owner of some role, not each names all of that role: catalog/drift.py, disputed().
_ROLE = (
    "coalesce([said IN coalesce(r.properties, []) WHERE said STARTS WITH 'role=' AND said <> 'role=' "
    f"AND coalesce(r.origin, '') <> 'INFERRED' | substring(said, 5)][0], '{DEFAULT_ROLE}')"
)
DISPUTED = (
    "MATCH (e:Entity) WHERE e.ref > {after}[0] AND {where} "
    "CALL (e) {{ MATCH (e)-[r:OWNED_BY]->(o:Entity) WHERE {other} "
    f"WITH r, o, {_ROLE} AS role UNWIND r.sources AS source WITH role, collect(DISTINCT r) AS links, "
    "count(DISTINCT source) * count(DISTINCT o) > count(DISTINCT [source, o.ref]) AS disputed "
    "WHERE disputed UNWIND links AS r RETURN collect(r) AS links }} "
    "WITH e, links WHERE links <> [] RETURN 'OWNERS' AS kind, {rank} AS rank, e, links, e.ref AS ref, '' AS relation, "
    "'' AS target, '' AS environment{page}"
)
DRIFT_PAGE = " ORDER BY ref, relation, target, environment LIMIT $limit"
DRIFT = (
    "CALL () {{ {findings} }} WITH * ORDER BY rank, ref, relation, target, environment LIMIT $limit "
    f"RETURN kind, [r IN links | {LINK}] AS links, {WHOLE.text} AS e "
    "ORDER BY rank, ref, relation, target, environment"
)
DRIFT_COUNT = "CALL () {{ {findings} }} RETURN count(*) AS n"
