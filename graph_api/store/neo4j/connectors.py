"""What feeds each source: it never changes in one catalog, so that what is known is not asked again."""

from graph_api.store.neo4j import cypher
from graph_api.store.neo4j.statements import Statements


class Connectors:
    def __init__(self) -> None:
        self._store: str | None = None
        self._known: dict[str, str] = {}

    def known(self, tx: Statements, source: str) -> str | None:
        """Return what feeds the source, None where it has to be asked for."""
        if tx.store != self._store:
            self._store, self._known = tx.store, {}
        return self._known.get(source)

    async def connector(self, tx: Statements, source: str) -> str | None:
        known = self.known(tx, source)
        if known is None and (rows := await tx.rows(cypher.CONNECTOR, source=source)):
            known = rows[0]["connector"]
            if not tx.has_sent:  # or it may not be committed
                self._known[source] = known
        return known
