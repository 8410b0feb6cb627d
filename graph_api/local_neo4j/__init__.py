"""A Neo4j Community server on this machine without Docker, for development, tests and benchmarks."""

from graph_api.local_neo4j.errors import LocalNeo4jError
from graph_api.local_neo4j.server import DEFAULT_VERSION, Running, start, status, stop

__all__ = ["DEFAULT_VERSION", "LocalNeo4jError", "Running", "start", "status", "stop"]
