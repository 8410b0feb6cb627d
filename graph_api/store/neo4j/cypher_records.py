"""Statements about what no reader of the catalog sees, as literal as those of cypher.py."""

# Each write leaves its id, for whoever lost the answer to its commit and looks within the hour.
LEAVE_IDS = (
    "UNWIND $given.ids AS id CREATE (:Write {id: id, at: timestamp()}) WITH 1 AS one "
    "MATCH (w:Write) WHERE w.at < timestamp() - 3600000 WITH w LIMIT 1000 DELETE w"
)
ARRIVED = "MATCH (w:Write {id: $write}) RETURN w.id AS id"

# --- answers to writes; `until` is the server's time in milliseconds ---
STORED_ANSWER = "MATCH (a:Answer {key: $key}) WHERE a.until > timestamp() RETURN a.digest AS digest, a.body AS body"
# Those that are over go, a thousand at a time.
KEEP_ANSWERS = (
    "UNWIND $given.answers AS row MERGE (a:Answer {key: row.key}) "
    "SET a.digest = row.digest, a.body = row.body, a.until = timestamp() + row.milliseconds WITH 1 AS one "
    "MATCH (a:Answer) WHERE a.until <= timestamp() WITH a LIMIT 1000 DELETE a"
)

# --- keys and the audit log ---
KEYS = "MATCH (k:ApiKey) RETURN k.record AS record"
PUT_KEY = "MERGE (k:ApiKey {id: $id}) SET k.record = $record"
AUDIT = (
    "MATCH (a:AuditRecord) WHERE a.sequence < $before RETURN a.sequence AS sequence, a.body AS body, "
    "a.previous AS previous, a.hash AS hash ORDER BY sequence DESC LIMIT $limit"
)
AUDIT_HEAD = (
    "OPTIONAL MATCH (c:Catalog {id: 1}) "
    "RETURN coalesce(c.audit_sequence, 0) AS sequence, coalesce(c.audit_hash, '') AS hash"
)
RECORD = (
    "UNWIND $given.records AS row MATCH (c:Catalog {id: 1}) SET c.audit_sequence = row.sequence, "
    "c.audit_hash = row.hash CREATE (r:AuditRecord) SET r = row"
)
