"""The concrete types: what people ask for by name, each with its own relations."""

import asyncio
from typing import Annotated, Any

import strawberry
from strawberry import Parent

from graph_api.catalog import entity as catalog
from graph_api.catalog.codeowners import Match
from graph_api.catalog.codeowners_patterns import MAX_PATTERN
from graph_api.catalog.identifiers import normalize_identifier
from graph_api.catalog.kinds import OWNER_KINDS
from graph_api.catalog.ownership import code_owners_of, unresolved_code_owner
from graph_api.catalog.ref import kind_of
from graph_api.catalog.relations import RELATIONS, Direction
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql.arguments import described
from graph_api.graphql.context import Info
from graph_api.graphql.entity_pages import EntityConnection
from graph_api.graphql.link_pages import LinkConnection, link_field
from graph_api.graphql.named import load_entity
from graph_api.graphql.owned import owned_by_this
from graph_api.graphql.types import Entity
from graph_api.graphql.web_links import WebLink, contacts_of, email_of

OUT, IN = Direction.OUT, Direction.IN


class _Row:
    """Rows of the catalog stand for every type; which one it is was decided by type_name()."""

    @classmethod
    def is_type_of(cls, value: Any, _info: Any) -> bool:
        return isinstance(value, catalog.Entity)


@strawberry.interface(
    description="Software: what services, applications, libraries and other components have in common."
)
class Software(Entity):
    provides_apis: LinkConnection = link_field(["PROVIDED_BY"], IN, "APIs that it provides.")
    consumes_apis: LinkConnection = link_field(["CONSUMES_API"], OUT, "APIs that it calls.")
    reads_from: LinkConnection = link_field(["READS_FROM"], OUT, "Data that it reads.")
    writes_to: LinkConnection = link_field(["WRITTEN_BY"], IN, "Data that it produces.")
    runs_on: LinkConnection = link_field(["RUNS_ON"], OUT, "What it runs on.")
    deployed_to: LinkConnection = link_field(["DEPLOYED_TO"], OUT, "Environments that it is deployed to.")
    built_from: LinkConnection = link_field(["BUILT_FROM"], OUT, "Repositories that it is built from.")
    part_of: LinkConnection = link_field(["PART_OF"], OUT, "Systems and components that it is part of.")
    subcomponents: LinkConnection = link_field(["PART_OF"], IN, "Components that are part of it.")


@strawberry.type(description="A component of type service.")
class Service(_Row, Software):
    pass


@strawberry.type(description="A component that people use: website, application, app, web, frontend or mobile.")
class Application(_Row, Software):
    pass


@strawberry.type(description="A component of type library.")
class Library(_Row, Software):
    pass


@strawberry.type(description="A component of any other type.")
class Component(_Row, Software):
    pass


@strawberry.type(description="An interface that components provide and consume.")
class Api(_Row, Entity):
    provided_by: LinkConnection = link_field(["PROVIDED_BY"], OUT, "Who serves it.")
    consumed_by: LinkConnection = link_field(["CONSUMES_API"], IN, "Who calls it.")


@strawberry.type(description="A job that reads and writes datasets.")
class Pipeline(_Row, Entity):
    reads_from: LinkConnection = link_field(["READS_FROM"], OUT, "Data that it reads.")
    writes_to: LinkConnection = link_field(["WRITTEN_BY"], IN, "Data that it produces.")
    runs_on: LinkConnection = link_field(["RUNS_ON"], OUT, "What it runs on.")


@strawberry.type(description="A table, topic, file set or other body of data.")
class Dataset(_Row, Entity):
    written_by: LinkConnection = link_field(["WRITTEN_BY"], OUT, "Pipelines that produce it.")
    read_by: LinkConnection = link_field(["READS_FROM"], IN, "Who reads it.")


@strawberry.type(
    description="What software needs at run time: database, storage, compute, transit, queue, cache, secret."
)
class Resource(_Row, Entity):
    runs: LinkConnection = link_field(["RUNS_ON"], IN, "What runs on it.")
    deployed_to: LinkConnection = link_field(["DEPLOYED_TO"], OUT, "Environments that it is in.")


@strawberry.type(description="A place where software runs.")
class Environment(_Row, Entity):
    deployed: LinkConnection = link_field(["DEPLOYED_TO"], IN, "What is deployed to it.")


@strawberry.type(description="Entities that together serve one purpose.")
class System(_Row, Entity):
    parts: LinkConnection = link_field(["PART_OF"], IN, "What is directly part of it.")
    part_of: LinkConnection = link_field(["PART_OF"], OUT, "Domains that it is part of.")


@strawberry.type(description="Systems that share a business area.")
class Domain(_Row, Entity):
    parts: LinkConnection = link_field(["PART_OF"], IN, "What is directly part of it.")
    part_of: LinkConnection = link_field(["PART_OF"], OUT, "Domains that it is part of.")


@strawberry.interface(description="A group or user: who can own.")
class Accountable(Entity):
    display_name: str = strawberry.field(
        resolver=lambda root: root.title or root.name,
        description="The title, which spec.profile can give, or the name.",
    )
    email: str | None = strawberry.field(resolver=email_of, description="What spec.profile says.")
    contacts: list[WebLink] = strawberry.field(resolver=contacts_of, description="E-mail and links.")
    owned: EntityConnection = strawberry.field(
        resolver=owned_by_this,
        description="What it owns, as the query `owned`; for at most 20 entities in one request.",
    )
    declares_ownership_of: LinkConnection = link_field(
        ["OWNED_BY"], IN, "What any source declares it as an owner of; `owned` tells what is in force."
    )


@strawberry.type(description="A team, department or organization.")
class Group(_Row, Accountable):
    parent: LinkConnection = link_field(["CHILD_OF"], OUT, "The group above it.")
    children: LinkConnection = link_field(["CHILD_OF"], IN, "The groups directly below it.")
    members: LinkConnection = link_field(["MEMBER_OF"], IN, "The people directly in it.")


@strawberry.type(description="A person.")
class User(_Row, Accountable):
    member_of: LinkConnection = link_field(["MEMBER_OF"], OUT, "Groups that the person is directly in.")


@strawberry.type(description="An owner by a rule of a CODEOWNERS file.")
class CodeOwner:
    text: str = strawberry.field(description="The owner as written, such as `@org/team`.")
    entity: Entity | None = strawberry.field(description="The group or user; null for a role of the hosting service.")
    pattern: str = strawberry.field(description="The rule's pattern.")
    line: int = strawberry.field(description="The rule's line in the file.")
    section: str | None = strawberry.field(description="GitLab: the section that the rule is in.")


def _matching_rules(repository: catalog.Entity, path: str) -> tuple[Match, ...]:
    file = code_owners_of(repository)
    return file.rules.owners(path) if file else ()


async def _code_owners(
    root: Parent[catalog.Entity],
    info: Info,
    path: Annotated[str, described("From the root of the repository; a folder ends in /.")],
) -> list[CodeOwner]:
    if len(path) > MAX_PATTERN:
        raise CatalogError(ErrorCode.TOO_LARGE, f"`path` has {len(path)} characters, at most {MAX_PATTERN} may be")
    matches = await asyncio.to_thread(_matching_rules, root, path)
    return [
        CodeOwner(
            text=text,
            entity=await _code_owner(info, text),
            pattern=match.rule.pattern,
            line=match.rule.line,
            section=match.section.name if match.section else None,
        )
        for match in matches
        for text in match.owners
    ]


async def _code_owner(info: Info, text: str) -> Any:
    refs = await info.context.loaders.named.load(normalize_identifier(text))
    owners = [ref for ref in refs if kind_of(ref) in OWNER_KINDS]
    ref = owners[0] if len(owners) == 1 else unresolved_code_owner(text)
    return await load_entity(info, ref) if ref else None


@strawberry.type(description="A source code repository.")
class Repository(_Row, Entity):
    builds: LinkConnection = link_field(["BUILT_FROM"], IN, "What is built from it.")
    code_owners: list[CodeOwner] = strawberry.field(
        resolver=_code_owners, description="Who owns a path by the rules of its CODEOWNERS dialect."
    )


@strawberry.type(description="An entity of a kind without a type of its own; its spec is readable as JSON.")
class OtherEntity(_Row, Entity):
    pass


@strawberry.type(description="A ref that nobody declares; see `unresolvedRefs` for why it is there.")
class UnresolvedEntity(_Row, Entity):
    pointed_at_by: LinkConnection = link_field(list(RELATIONS), IN, "What points to it.")


ENTITY_TYPES = (
    Service,
    Application,
    Library,
    Component,
    Api,
    Pipeline,
    Dataset,
    Resource,
    Environment,
    System,
    Domain,
    Group,
    User,
    Repository,
    OtherEntity,
    UnresolvedEntity,
)
