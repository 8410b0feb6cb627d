"""The statement of small writes: all that they may do, in the order of changes.py, in one way to the server and back.

Labels and types are parameters here, so that there is one text, which the server plans once.
"""

from graph_api.store.neo4j import cypher_records, cypher_writes, mirror_cypher

_CREATE_ENTITIES = "UNWIND $given.new AS row CREATE (e:$(row.labels)) SET e = row.entity"
_CREATE_LINKS = (
    "UNWIND $given.new_links AS row MATCH (a:Entity {ref: row.source}) MATCH (b:Entity {ref: row.target}) "
    "CREATE (a)-[r:$(row.type)]->(b) SET r = row.link"
)
_GONE = "UNWIND $given.gone AS row MATCH (e:Entity {ref: row.ref}) "
_CREATE_TOMBSTONES = _GONE + (
    "MERGE (t:Removed {ref: row.ref}) SET t.revision = row.revision, t.at = row.at, t.audience = e.audience"
)
_DELETE_ENTITIES = _GONE + "DETACH DELETE e"
_SET_REVISION = "UNWIND $given.deltas AS row MATCH (c:Catalog {id: 1}) SET c.revision = row.revision"

_STEPS = (
    cypher_writes.DELETE_LINKS.replace("$given.rows", "$given.gone_links"),
    _CREATE_TOMBSTONES,
    _DELETE_ENTITIES,
    cypher_writes.CREATE_AUDIENCES.replace("$given.rows", "$given.audiences"),
    cypher_writes.DELETE_TOMBSTONES.replace("$given.rows", "$given.back"),
    _CREATE_ENTITIES,
    cypher_writes.UPDATE_ENTITIES.replace("$given.rows", "$given.known"),
    cypher_writes.DROP_IDENTIFIERS.replace("$given.rows", "$given.known_refs"),
    cypher_writes.CREATE_IDENTIFIERS.replace("$given.rows", "$given.names"),
    _CREATE_LINKS,
    cypher_writes.UPDATE_LINKS.replace("$given.rows", "$given.known_links"),
    mirror_cypher.WRITE_DELTAS,
    _SET_REVISION,
    cypher_writes.WRITE_RUNS,
    cypher_writes.PRUNE_RUNS,
    cypher_records.RECORD,
    cypher_records.KEEP_ANSWERS,
    cypher_records.LEAVE_IDS,
)
# Every step finds what it needs by an index, however much there is: planned anew, as the server does where counts have
# changed, it would be the same, and writers would wait for half a second.
WRITE = "CYPHER replan=skip " + " ".join(f"CALL () {{ {step} }}" for step in _STEPS) + " FINISH"
