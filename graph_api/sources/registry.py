"""The connectors: types of sources. A new one is a file in this folder and a line here."""

from typing import NamedTuple

from graph_api.sources import files


class Connector(NamedTuple):
    name: str
    description: str
    input: str


_CONNECTORS = (
    Connector(files.CONNECTOR, "Descriptors in Backstage's format, and CODEOWNERS", "Files and folders"),
)  # fmt: skip  # one connector a line

CONNECTORS: dict[str, Connector] = {connector.name: connector for connector in _CONNECTORS}
"""Every connector by name."""
