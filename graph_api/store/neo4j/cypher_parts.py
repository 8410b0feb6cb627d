"""The statements of a write in parts: a log of what is to be done, which readers do not see, and its place on the
catalog's node, from which on it is done for good.
"""

LEASE = "parts"
"""The lease of who writes in parts, as long as it lives."""

# Counted where its lease is, see cypher.py.
_COUNTED = f"MATCH (l:Lease {{name: '{LEASE}'}}) SET l.locked = true WITH l SET l.writes = coalesce(l.writes, 0) + 1 "
LOG_PART = _COUNTED + "WITH l MERGE (p:Part {write: $write, place: $place}) SET p.body = $body"
FORGET_PARTS = _COUNTED + (
    "WITH l MATCH (p:Part) WHERE NOT EXISTS { MATCH (c:Catalog {id: 1}) WHERE c.applying = p.write } "
    "WITH p LIMIT 10 DELETE p RETURN count(*) AS gone"
)
DECIDE = (
    "MATCH (c:Catalog {id: 1}) WHERE COUNT { MATCH (p:Part) WHERE p.write = $write } = $parts "
    "SET c.applying = $write RETURN c.applying AS applying"
)
NEXT_PART = (
    "MATCH (p:Part) WHERE p.write = $write AND p.place >= 0 "
    "RETURN p.place AS place, p.body AS body ORDER BY place LIMIT 1"
)
FORGET_PART = "MATCH (p:Part {write: $write, place: $place}) DELETE p"
SETTLE = "MATCH (c:Catalog {id: 1}) SET c.applying = null"
