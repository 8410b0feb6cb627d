"""The settings of who may see what."""

import json
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode

from graph_api.access.principal import Role
from graph_api.catalog.audience import AFFECTED, EVERYONE, MEMBERS, OWNERS, Restriction
from graph_api.catalog.kinds import OWNER_KINDS
from graph_api.catalog.ref import DEFAULT_NAMESPACE, kind_of, make_ref, parse_ref

_WORDS = (EVERYONE, OWNERS, MEMBERS, AFFECTED)


def _parsed(value: object) -> object:
    """Read the list that is one text in the environment."""
    try:
        return json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"as one text it is a JSON list: {error}") from error


def _canonical(rules: tuple[Restriction, ...]) -> tuple[Restriction, ...]:
    return tuple(map(_checked, rules))


def _checked(rule: Restriction) -> Restriction:
    if not rule.to:
        raise ValueError("`to` is empty; name a role, a group, owners, members, affected or everyone")
    if unkeyed := [label for label in rule.labels if "=" not in label]:
        raise ValueError(f"the label {unkeyed[0]!r} is not of the form key=value")
    for kind in rule.kinds:
        make_ref(kind, DEFAULT_NAMESPACE, "any")
    return replace(
        rule,
        kinds=tuple(kind.lower() for kind in rule.kinds),
        namespaces=tuple(namespace.lower() for namespace in rule.namespaces),
        to=tuple(map(_token, rule.to)),
    )


def _token(text: str) -> str:
    if text in _WORDS:
        return text
    if text in list(Role):
        return f"role:{text}"
    if ":" in text and kind_of(ref := parse_ref(text)) in OWNER_KINDS:
        return ref
    words = ", ".join((*_WORDS, *Role))
    raise ValueError(f"{text!r} is none of {words}, nor a ref such as group:default/payments")


_Restrictions = Annotated[tuple[Restriction, ...], NoDecode, BeforeValidator(_parsed), AfterValidator(_canonical)]


class RestrictionSettings(BaseSettings):
    restricted: _Restrictions = Field(
        default=(),
        description="Rules of who may see what; the first that matches an entity decides. Each has conditions "
        "(`kinds`, `namespaces`, `tags`, `labels` as key=value) and `to`: roles, groups, `owners`, `members`, "
        "`affected` or `everyone`. Last comes a built-in one: vulnerabilities, to `security`, `owners` and `affected`. "
        "In the environment a JSON list.",
    )
