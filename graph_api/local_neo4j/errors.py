class LocalNeo4jError(Exception):
    """A local Neo4j cannot be started or stopped: what, where, and how to mend it."""
