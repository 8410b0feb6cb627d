"""The statement of small writes: all that they may do, in the order of changes.py, in one way to the server and back.

Labels and types are parameters here, so that there is one text, which the server plans once.
"""

from graph_api.store.neo4j import cypher, cypher_aside, mirror_cypher

_CREATE_ENTITIES = "UNWIND $new AS row CREATE (e:$(row.labels)) SET e = row.entity"
_CREATE_LINKS = (
    "UNWIND $new_links AS row MATCH (a:Entity {ref: row.source}) MATCH (b:Entity {ref: row.target}) "
    "CREATE (a)-[r:$(row.type)]->(b) SET r = row.link"
)
_GONE = "UNWIND $gone AS row MATCH (e:Entity {ref: row.ref}) "
_CREATE_TOMBSTONES = _GONE + (
    "MERGE (t:Removed {ref: row.ref}) SET t.revision = row.revision, t.at = row.at, t.audience = e.audience"
)
_DELETE_ENTITIES = _GONE + "DETACH DELETE e"
_SET_REVISION = "UNWIND $deltas AS row MATCH (c:Catalog {id: 1}) SET c.revision = row.revision"

_STEPS = (
    cypher.DELETE_LINKS.replace("$rows", "$gone_links"),
    _CREATE_TOMBSTONES,
    _DELETE_ENTITIES,
    cypher.CREATE_AUDIENCES.replace("$rows", "$audiences"),
    cypher.DELETE_TOMBSTONES.replace("$rows", "$back"),
    _CREATE_ENTITIES,
    cypher.UPDATE_ENTITIES.replace("$rows", "$known"),
    cypher.DROP_IDENTIFIERS.replace("$rows", "$known_refs"),
    cypher.CREATE_IDENTIFIERS.replace("$rows", "$names"),
    _CREATE_LINKS,
    cypher.UPDATE_LINKS.replace("$rows", "$known_links"),
    mirror_cypher.WRITE_DELTAS,
    _SET_REVISION,
    cypher.WRITE_RUNS,
    cypher.PRUNE_RUNS,
    cypher_aside.RECORD,
    cypher_aside.KEEP_ANSWERS,
    cypher_aside.LEAVE_IDS,
)
WRITE = " ".join(f"CALL () {{ {step} }}" for step in _STEPS) + " FINISH"
