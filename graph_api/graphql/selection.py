"""What a client selected below a field, for answers whose cost depends on it."""

from collections.abc import Iterable, Iterator

from strawberry.types.nodes import SelectedField, Selection

from graph_api.graphql.context import Info


def selects(info: Info, name: str) -> bool:
    """Whether a field of this name is selected anywhere below, also in fragments."""
    return any(_holds(field.selections, name) for field in info.selected_fields)


def selects_itself(info: Info, name: str) -> bool:
    """Whether the name is selected right below, also in fragments."""
    return any(name in _names(field.selections) for field in info.selected_fields)


def _names(selections: Iterable[Selection]) -> Iterator[str]:
    for row in selections:
        if isinstance(row, SelectedField):
            yield row.name
        else:
            yield from _names(row.selections)


def _holds(selections: Iterable[Selection], name: str) -> bool:
    return any(
        (isinstance(row, SelectedField) and row.name == name) or _holds(row.selections, name) for row in selections
    )
