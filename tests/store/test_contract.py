"""What every store answers about entities, lists and links; each name is a rule."""

from dataclasses import replace

import pytest

from graph_api.catalog.changes import ChangeSet
from graph_api.catalog.entity import (
    Criticality,
    Entity,
    EntityStatement,
    Evidence,
    Link,
    LinkKey,
    LinkStatement,
    Owner,
    OwnerHow,
    OwnerState,
    unresolved,
)
from graph_api.catalog.filters import ALL, And, Compare, Filter, Not, Op, Or, Related, Sort, Words
from graph_api.catalog.ref import Ref
from graph_api.catalog.relations import Direction
from graph_api.catalog.traversal import Bucket, Facet
from graph_api.store.protocol import PageRequest, Place, Store
from tests.catalogs import AT, entity, link, links, ref, refs, with_ends, write
from tests.conftest import on_mirror_too

pytestmark = on_mirror_too

IN, OUT = Direction.IN, Direction.OUT
TEAM = Ref("group:default/team")


async def found(store: Store, filter_: Filter) -> str:
    """Names of the matching entities."""
    page = await store.page(PageRequest(filter=filter_, sort=Sort(), limit=100))
    assert await store.count(filter_) == len(page.entities)
    return " ".join(entity.ref.rpartition("/")[2] for entity in page.entities)


FULL_STATEMENT = EntityStatement(
    ref=ref("full"),
    name="Full",
    kind="Component",
    document="services/catalog-info.yaml",
    location="services/catalog-info.yaml:7",
    type="service",
    title="Größe \U0001f600",
    description="Two\nlines",
    lifecycle="production",
    tier=1,
    active=False,
    tags=("b", "a"),
    labels={"x.io/y": "1"},
    annotations={"a=b": "c"},
    links=({"url": "https://a.example", "title": "A"},),
    spec={"nested": {"list": [1, 2.5, None, True, "ß"]}},
    identifiers=("arn:aws:s3:::full",),
    repository=Ref("repository:default/shop"),
    folder="services",
    code_owners="* @team",
    code_owners_dialect="GITHUB",
    code_owners_path=".github/CODEOWNERS",
    first_seen=AT,
    last_seen="2026-02-01T00:00:00.000Z",
    stale=True,
)
FULL_ENTITY = Entity(
    ref=ref("full"),
    name="Full",
    kind="component",
    namespace="default",
    declared=True,
    type="service",
    title="Größe \U0001f600",
    description="Two\nlines",
    lifecycle="production",
    tier=1,
    active=False,
    tags=("b", "a"),
    labels={"x.io/y": "1"},
    annotations={"a=b": "c"},
    identifiers=("arn:aws:s3:::full", "Full"),
    repository=Ref("repository:default/shop"),
    folder="services",
    statements={"zeta": FULL_STATEMENT, "api": replace(FULL_STATEMENT, spec={}, stale=False, tags=())},
    owners=(
        Owner(
            ref=TEAM,
            role="OWNER",
            primary=True,
            how=OwnerHow.INHERITED,
            through=(ref("full"), Ref("system:default/s")),
            evidence=(Evidence("zeta", "a.yaml:1", AT, "2026-02-01T00:00:00.000Z", stale=True),),
        ),
        Owner(ref=TEAM, role="REVIEWER", primary=False, how=OwnerHow.INHERITED),
    ),
    systems=(Ref("system:default/s"), Ref("system:default/t")),
    domains=(Ref("domain:default/d"),),
    environments=(Ref("environment:default/prod"),),
    owner_state=OwnerState.EMPTY,
)
FULL_KEY = LinkKey(ref("full"), "DEPENDS_ON", ref("b"), "prod")
FULL_LINK = Link(
    key=FULL_KEY,
    criticality=Criticality.SOFT,
    confidence=0.25,
    properties={"port": 80, "ratio": 1.0, "secure": True, "none": None, "list": ["ß", {"a": 1}]},
    statements={
        source: (
            LinkStatement(
                key=FULL_KEY,
                document="a.yaml",
                location="a.yaml:3",
                criticality=criticality,
                confidence=0.25,
                properties={"port": 80},
                first_seen=AT,
                last_seen=AT,
                stale=True,
            ),
        )
        for source, criticality in (("zeta", Criticality.SOFT), ("api", None))
    },
)


async def test_what_was_written_is_read_back(store: Store) -> None:
    placeholder = unresolved(TEAM)
    changes = with_ends([FULL_LINK], FULL_ENTITY, placeholder)
    assert await write(store, changes, at=AT) == 1
    expected = {row.ref: replace(row, revision=1, created_revision=1, updated_at=AT) for row in changes.entities}
    assert await store.entities([*expected, ref("missing")]) == expected
    full = (await store.entities([FULL_ENTITY.ref]))[FULL_ENTITY.ref]
    assert full.sources == ("zeta", "api"), "in the order of priority"
    (neighbour,) = (await store.neighbours([full.ref], OUT, ["DEPENDS_ON"]))[full.ref]
    assert neighbour.link == replace(FULL_LINK, revision=1)
    assert tuple(neighbour.link.statements) == ("zeta", "api")
    assert type(neighbour.link.properties["ratio"]) is float
    assert neighbour.entity == expected[ref("b")]


async def test_an_empty_store_answers_everything(store: Store) -> None:
    await store.ping()
    assert await store.revision() == 0
    assert await store.entities([ref("a")]) == {}
    page = await store.page(PageRequest(filter=ALL, sort=Sort(), limit=1))
    assert (list(page.entities), page.more, page.revision) == ([], False, 0)
    assert await store.facets(ALL, ["kind"]) == {"kind": Facet("kind", (), False)}
    assert await store.neighbours([ref("a")], OUT, ["DEPENDS_ON"]) == {ref("a"): []}
    assert await store.neighbour_counts([ref("a")], OUT, ["DEPENDS_ON"]) == {ref("a"): 0}
    assert await store.resolve(["x"]) == {}
    assert await store.search("a", ALL) == []
    assert (await store.changes(0, 10), await store.sources(), await store.syncs(None, 10)) == ([], [], [])


SHOP = with_ends(
    [
        *links("cart>db cart~mail mail>gone"),
        link("cart", "cart"),
        link("cart", "group:default/team", "OWNED_BY"),
    ],
    entity(
        "cart",
        name="Cart",
        title="STRASSE 100%",
        description="sells things",
        tier=1,
        tags=("web", "İstanbul"),
        labels={"a": "b=c", "x": ""},
        owners=(Owner(ref=TEAM, role="OWNER", primary=True, how=OwnerHow.DECLARED),),
        sources=("files", "api"),
    ),
    entity("db", title="Straße", tier=2, owners=(Owner(ref=TEAM, role="OWNER", primary=True, how=OwnerHow.INHERITED),)),
    entity("mail", title="", labels={"a=b": "c"}, lifecycle="production"),
    unresolved(ref("gone")),
    unresolved(TEAM),
)


@pytest.mark.parametrize(
    ("rule", "filter_", "expected"),
    [
        ("and of nothing is true", And(()), "cart db gone mail team"),
        ("or of nothing is false", Or(()), ""),
        ("eq is exact", Compare("name", Op.EQ, "cart"), ""),
        ("in of nothing is false", Compare("name", Op.IN, ()), ""),
        ("contains ignores case as Unicode folds it", Compare("title", Op.CONTAINS, "ASS"), "cart db"),
        ("startsWith folds the stored text too", Compare("title", Op.STARTS_WITH, "strasse"), "cart db"),
        ("folding may change the length", Compare("tags", Op.CONTAINS, "i̇s"), "cart"),
        ("a percent sign is no wildcard", Compare("title", Op.CONTAINS, "%"), "cart"),
        ("an underscore is no wildcard", Compare("title", Op.CONTAINS, "_"), ""),
        ("an empty text is a value", Compare("title", Op.EXISTS, True), "cart db mail"),
        ("missing does not exist", Compare("title", Op.EXISTS, False), "gone team"),
        ("not of a missing value is true", Not(Compare("tier", Op.GT, 1)), "cart gone mail team"),
        ("numbers compare as numbers", Compare("tier", Op.LTE, 1.5), "cart"),
        ("a list without values does not exist", Compare("tags", Op.EXISTS, False), "db gone mail team"),
        ("a key holds its own value", Compare("labels", Op.EQ, "b=c", "a"), "cart"),
        ("a key with = is another key", Compare("labels", Op.EQ, "c", "a=b"), "mail"),
        ("contains looks at the value, not the key", Compare("labels", Op.CONTAINS, "a", "a"), ""),
        ("a key with an empty value exists", Compare("labels", Op.EXISTS, True, "x"), "cart"),
        ("effective owners hold inherited ones", Compare("owner", Op.EQ, TEAM), "cart db"),
        ("declared owners do not", Compare("declared_owner", Op.EQ, TEAM), "cart"),
        ("any source will do", Compare("source", Op.IN, ("api", "other")), "cart"),
        ("undeclared entities have no source", Compare("source", Op.EXISTS, False), "gone team"),
        ("undeclared entities are listed", Compare("declared", Op.EQ, False), "gone team"),
        ("revisions compare", Compare("revision", Op.GTE, 1), "cart db gone mail team"),
        ("revisions of the past", Compare("revision", Op.LT, 1), ""),
        ("dates compare", Compare("updated_at", Op.LTE, AT), "cart db gone mail team"),
        ("dates are exclusive with gt", Compare("updated_at", Op.GT, AT), ""),
        ("each word may hit another field", Words(("cart", "web", "things")), "cart"),
        ("every word must hit", Words(("cart", "nothing")), ""),
        ("no words match all", Words(()), "cart db gone mail team"),
        ("a closed set", Compare("ref", Op.IN, (ref("db"), ref("nowhere"))), "db"),
        ("some neighbour", Related("DEPENDS_ON", OUT, False, Compare("name", Op.EQ, "db")), "cart"),
        (
            "a self link is a neighbour",
            Related("DEPENDS_ON", IN, False, Compare("name", Op.EQ, "Cart")),
            "cart db mail",
        ),
        ("an undeclared neighbour", Related(None, OUT, False, Compare("declared", Op.EQ, False)), "cart mail"),
        ("no neighbour at all", Related(None, IN, True, ALL), ""),
        ("no such neighbour", Related("OWNED_BY", OUT, True, ALL), "db gone mail team"),
        (
            "nested",
            Related("DEPENDS_ON", OUT, False, Related("DEPENDS_ON", OUT, False, Compare("ref", Op.EQ, ref("gone")))),
            "cart",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
async def test_filter(store: Store, rule: str, filter_: Filter, expected: str) -> None:
    await write(store, SHOP)
    assert await found(store, filter_) == expected, rule


async def test_contains_ignores_the_case_of_owner_states_too(store: Store) -> None:
    states = {"x": OwnerState.EMPTY, "y": OwnerState.ACTIVE, "z": None}
    await write(store, ChangeSet(entities=[entity(name, owner_state=state) for name, state in states.items()]))
    assert await found(store, Compare("owner_state", Op.CONTAINS, "Mpt")) == "x"


TITLES = {"a": None, "b": "a", "c": "Z", "d": "\U0001f600", "e": "\uff21", "f": "a", "g": None, "h": "é", "i": ""}
TITLED = ChangeSet(entities=[entity(name, title=title) for name, title in TITLES.items()])


@pytest.mark.parametrize(
    ("descending", "expected"),
    [(False, "i c b f h e d a g"), (True, "a g d e h b f c i")],
    ids=["ascending with nulls last", "descending with nulls first and ties still by ref"],
)
async def test_sort_is_by_code_point(store: Store, descending: bool, expected: str) -> None:
    await write(store, TITLED)
    page = await store.page(PageRequest(filter=ALL, sort=Sort("title", descending), limit=100))
    assert [entity.ref for entity in page.entities] == refs(expected)


@pytest.mark.parametrize(
    ("rule", "after", "before", "backward", "expected", "more"),
    [
        ("first", None, None, False, "i c", True),
        ("last", None, None, True, "a g", True),
        ("after is exclusive", ("a", "b"), None, False, "f h", True),
        ("before is exclusive", None, ("a", "b"), True, "i c", False),
        ("a place that is gone", ("a", "bb"), None, False, "f h", True),
        ("between, from the front", ("Z", "c"), ("\uff21", "e"), False, "b f", True),
        ("between, from the back", ("Z", "c"), ("\uff21", "e"), True, "f h", True),
        ("between, all", ("a", "b"), ("\uff21", "e"), True, "f h", False),
        ("after a null", (None, "a"), None, False, "g", False),
        ("before a null", None, (None, "a"), True, "e d", True),
        ("an empty range", ("a", "f"), ("a", "b"), False, "", False),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
async def test_page(  # one row is one page
    store: Store,
    rule: str,
    after: tuple[str | None, str] | None,
    before: tuple[str | None, str] | None,
    backward: bool,
    expected: str,
    more: bool,
) -> None:
    await write(store, TITLED)
    request = PageRequest(
        filter=ALL,
        sort=Sort("title"),
        limit=2,
        after=Place(after[0], ref(after[1])) if after else None,
        before=Place(before[0], ref(before[1])) if before else None,
        backward=backward,
    )
    page = await store.page(request)
    assert ([entity.ref for entity in page.entities], page.more) == (refs(expected), more), rule


async def test_facets_count_each_value_of_an_entity_once_and_nulls_in_a_bucket(store: Store) -> None:
    two_roles = tuple(Owner(ref=TEAM, role=role, primary=False, how=OwnerHow.DECLARED) for role in ("OWNER", "ON_CALL"))
    await write(
        store,
        ChangeSet(
            entities=[
                entity("a", tier=2, owners=two_roles, tags=("x", "y"), sources=("files", "api")),
                entity("b", tier=1, tags=("y",)),
                entity("c"),
                unresolved(ref("d")),
            ]
        ),
    )
    expected = {
        "owner": Facet("owner", (Bucket(None, 3), Bucket(TEAM, 1)), True),
        "tier": Facet("tier", (Bucket(None, 2), Bucket("1", 1), Bucket("2", 1)), False),
        "tags": Facet("tags", (Bucket("y", 2), Bucket(None, 2), Bucket("x", 1)), True),
        "source": Facet("source", (Bucket("files", 3), Bucket("api", 1), Bucket(None, 1)), True),
    }
    assert await store.facets(ALL, list(expected)) == expected


async def test_subgroups_hold_the_groups_themselves_and_end_in_cycles(store: Store) -> None:
    await write(store, with_ends(links("group:d/b>group:d/a group:d/c>group:d/b group:d/a>group:d/c", "CHILD_OF")))
    await write(store, with_ends(links("group:d/x>group:d/y", "CHILD_OF")))
    all_of_a = [Ref(f"group:d/{name}") for name in "abc"]
    assert await store.subgroups([Ref("group:d/a")]) == all_of_a
    assert await store.subgroups([Ref("group:d/x"), Ref("group:d/gone")]) == [Ref("group:d/gone"), Ref("group:d/x")]
    assert await store.subgroups([Ref("group:d/y"), Ref("group:d/b")]) == sorted(
        [*all_of_a, Ref("group:d/x"), Ref("group:d/y")]
    )


async def test_resolve_is_exact_and_never_guesses(store: Store) -> None:
    rows = [entity("b", identifiers=("one", "two")), entity("a", identifiers=("one",)), entity("c", name="three")]
    await write(store, ChangeSet(entities=rows))
    asked = ["one", "two", "three", "On"]
    assert await store.resolve(asked) == {"one": refs("a b"), "two": refs("b")}
