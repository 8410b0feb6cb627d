"""What is one thing, by the identifiers that its sources state."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph_api.catalog.correlation import Rules, Stated, correlate, standing_in
from graph_api.catalog.entity import EntityStatement
from graph_api.catalog.former_refs import FORMER_REFS, former_places, former_refs
from graph_api.catalog.merge import merge_entity
from graph_api.catalog.ref import Ref

CART, POD, SPAN, OTHER = (
    Ref("component:default/cart"),
    Ref("component:kubernetes-shop/cart"),
    Ref("component:otel/cart"),
    Ref("component:kubernetes-shop/cart-canary"),
)
NONE = Rules()


def things(**said: Mapping[Ref, Iterable[str]]) -> dict[Stated, Iterable[str]]:
    return {Stated(source, ref): names for source, rows in said.items() for ref, names in rows.items()}


def joined(said: Mapping[Stated, Iterable[str]], rules: Rules = NONE) -> set[frozenset[Ref]]:
    return {frozenset(group) for group in correlate(said, rules) if len(group) > 1}


def test_a_shared_identifier_of_a_known_scheme_joins() -> None:
    said = things(
        files={CART: ["service.name:cart", "kubernetes-id:cart"]},
        k8s={POD: ["kubernetes-id:cart", "image:acme/cart"]},
        otel={SPAN: ["service.name:cart"]},
    )
    assert joined(said) == {frozenset({CART, POD, SPAN})}


def test_a_bare_name_or_an_unknown_scheme_joins_nothing_unless_the_operator_says_so() -> None:
    said = things(files={CART: ["cart"]}, k8s={POD: ["cart"]})
    assert joined(said) == set()
    assert joined(said, Rules(join_names=frozenset({"component"}))) == {frozenset({CART, POD})}
    assert joined(said, Rules(join_names=frozenset({"resource"}))) == set()


def test_images_of_registries_that_mirror_each_other_are_one() -> None:
    said = things(files={CART: ["image:docker.io/acme/cart"]}, k8s={POD: ["image:mirror.example/hub/acme/cart"]})
    assert joined(said) == set()
    mirrors = Rules(image_mirrors=(("docker.io", "mirror.example/hub"),))
    assert joined(said, mirrors) == {frozenset({CART, POD})}
    copies = things(files={CART: ["image:one.example/acme/cart"]}, k8s={POD: ["image:two.example/acme/cart"]})
    hub = Rules(image_mirrors=(("docker.io", "one.example"), ("docker.io", "two.example")))
    assert joined(copies, hub) == {frozenset({CART, POD})}
    assert joined(said, Rules(image_mirrors=(("docker.io/ac", "mirror.example/hub/ac"),))) == set()


def test_an_identifier_that_one_source_gives_to_two_things_joins_nothing() -> None:
    said = things(files={CART: ["image:acme/cart"]}, k8s={POD: ["image:acme/cart"], OTHER: ["image:acme/cart"]})
    assert joined(said) == set()


def test_two_things_of_one_source_stay_two_and_the_stronger_identifier_wins() -> None:
    said = things(
        files={CART: ["image:acme/cart", "kubernetes-id:cart"]},
        k8s={POD: ["image:acme/cart"], OTHER: ["kubernetes-id:cart"]},
    )
    assert joined(said) == {frozenset({CART, OTHER})}


def test_the_order_of_strength_is_that_of_the_table() -> None:
    for stronger, weaker in (("arn:aws:x", "kubernetes-id:a"), ("kubernetes-id:z", "image:a"), ("image:z", "cve-1")):
        one, two, other = (Ref(f"vulnerability:default/{name}") for name in ("one", "two", "other"))
        said = things(x={other: [weaker, stronger]}, y={one: [weaker], two: [stronger]})
        assert joined(said) == {frozenset({two, other})}, stronger


def test_what_may_not_be_joined_with_one_is_joined_with_the_others() -> None:
    named = ["service.name:cart"]
    said = things(files={CART: named}, k8s={POD: named}, otel={SPAN: named})
    apart = frozenset({frozenset({CART, POD}), frozenset({CART, SPAN})})
    assert joined(said, Rules(separate=apart)) == {frozenset({POD, SPAN})}


@pytest.mark.parametrize(
    ("kind", "identifier", "joins"),
    [
        ("component", "arn:aws:x", True),
        ("component", "pkg:npm/x", False),
        ("component", "https://git.example/a/b", False),
        ("component", "@acme/crew", False),
        ("repository", "https://git.example/a/b", True),
        ("repository", "a/b", False),
        ("group", "@acme/crew", True),
        ("group", "crew", False),
        ("user", "ann@acme.example", True),
        ("user", "ann", False),
        ("package", "pkg:npm/x", True),
        ("package", "npm/x", False),
        ("vulnerability", "cve-2026-1111", True),
        ("vulnerability", "anything", True),
    ],
)
def test_what_joins_depends_on_the_kind(kind: str, identifier: str, joins: bool) -> None:
    one, other = Ref(f"{kind}:default/one"), Ref(f"{kind}:default/other")
    said = things(x={one: [identifier]}, y={other: [identifier]})
    assert joined(said) == ({frozenset({one, other})} if joins else set())


def test_kinds_are_never_mixed() -> None:
    said = things(files={CART: ["arn:aws:x"]}, terraform={Ref("resource:terraform/cart"): ["arn:aws:x"]})
    assert joined(said) == set()


def test_what_the_operator_separates_stays_apart() -> None:
    said = things(files={CART: ["service.name:cart"]}, otel={SPAN: ["service.name:cart"]})
    assert joined(said, Rules(separate=frozenset({frozenset({CART, SPAN})}))) == set()


def entity(ref: Ref, former: str = "", *identifiers: Ref) -> EntityStatement:
    said = EntityStatement(ref=ref, name="x", kind="Component", document="d", location="d:1", identifiers=identifiers)
    return replace(said, annotations={FORMER_REFS: former} if former else {})


def test_a_former_ref_is_one_of_the_kind_that_the_annotation_names() -> None:
    old, other = Ref("component:shop/old"), Ref("api:shop/old")
    dataset = Ref("dataset:shop/orders")
    said = entity(Ref("component:shop/new"), "old, api:old component:shop/new component:other a:b:c", old, other)
    assert former_refs(said) == [old], "of what its source states as its names"
    assert former_refs(entity(Ref("dataset:shop/new"), "", dataset)) == [], "a name of the scheme of another tool"
    assert former_refs(entity(Ref("dataset:shop/new"), "orders", dataset)) == [dataset]


def test_a_former_ref_stands_in_the_one_entity_that_claims_it() -> None:
    was = Ref("component:default/basket")
    cart = entity(CART, was, was)
    assert former_places([cart], {}) == {was: CART}
    assert former_places([cart, entity(was)], {}) == {}, "declared again"
    assert former_places([cart, entity(OTHER, was, was)], {}) == {}, "of two, nobody knows which"
    assert former_places([cart, entity(POD, was, was)], {POD: CART}) == {was: CART}, "two that are one"
    older = Ref("component:default/trolley")
    assert former_places([cart, entity(OTHER, older, older)], {}) == {was: CART, older: OTHER}


def test_a_ref_asks_for_what_has_it_before_what_had_it() -> None:
    was = Ref("component:default/basket")
    one, other = (merge_entity(ref, {"x": entity(ref, was, was)}) for ref in (CART, OTHER))
    has = merge_entity(POD, {"x": entity(POD), "y": entity(was)})
    rows = {row.ref: row for row in (one, other, has)}
    assert standing_in({was: [CART]}, rows) == {was: one}
    assert standing_in({was: [CART, OTHER]}, rows) == {}
    assert standing_in({was: [CART, OTHER, POD]}, rows) == {was: has}


@st.composite
def statements(draw: st.DrawFn) -> dict[Stated, list[str]]:
    names = st.lists(st.sampled_from(["arn:1", "image:a", "image:b", "service.name:c", "plain"]), max_size=3)
    rows = st.dictionaries(st.tuples(st.sampled_from("xyz"), st.sampled_from("abcd")), names, max_size=8)
    return {Stated(source, Ref(f"component:default/{name}")): found for (source, name), found in draw(rows).items()}


@given(said=statements(), data=st.data())
def test_the_result_depends_on_the_statements_alone(said: dict[Stated, list[str]], data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(said.items()))))
    assert joined(shuffled) == joined(said)
    for group in correlate(said, NONE):
        sources = [thing.source for thing in said if thing.ref in group]
        assert len(group) == 1 or len(sources) == len(set(sources))
