"""From the filter input to the catalog's filter language; the only round trips are for refs that it names."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from datetime import datetime
from functools import partial
from typing import cast

from graph_api.catalog.entity import LinkOrigin
from graph_api.catalog.filters import (
    ALL,
    And,
    Compare,
    Filter,
    LinkAnd,
    LinkCompare,
    LinkNot,
    LinkOr,
    Not,
    Op,
    Or,
    Related,
    Sort,
    Value,
    Words,
)
from graph_api.catalog.filters import LinkFilter as CatalogLinkFilter
from graph_api.catalog.kinds import KINDS
from graph_api.catalog.ref import Ref, environment_name
from graph_api.catalog.relations import RELATIONS
from graph_api.catalog.times import utc_text
from graph_api.errors import CatalogError, ErrorCode
from graph_api.graphql import inputs
from graph_api.graphql.context import Context
from graph_api.graphql.refs import parse_ref_input, parse_ref_inputs
from graph_api.store.protocol import Reading

MAX_FILTER_DEPTH = 10
MAX_VALUES = 1_000
MAX_WORDS = 10
MAX_CONDITIONS = 200
"""Conditions in one filter, at any depth: databases bound how large an expression may be."""

_OPS = (
    ("eq", Op.EQ),
    ("contains", Op.CONTAINS),
    ("starts_with", Op.STARTS_WITH),
    ("exists", Op.EXISTS),
    ("gt", Op.GT),
    ("gte", Op.GTE),
    ("lt", Op.LT),
    ("lte", Op.LTE),
)
_REF_FIELDS = {"ref": None, "owner": "group", "declared_owner": "group", "system": "system", "domain": "domain",
               "environment": "environment"}  # fmt: skip
_PLAIN_FIELDS = ("kind", "type", "namespace", "name", "title", "description", "lifecycle", "tier", "tags", "source",
                 "revision", "updated_at", *_REF_FIELDS)  # fmt: skip


async def compile_filter(filter_: inputs.EntityFilter | None, context: Context) -> Filter:
    """Return the filter for stores. Raises CatalogError BAD_REF, UNKNOWN_KIND, TOO_DEEP, TOO_LARGE or BAD_INPUT."""
    if filter_ is None:
        return ALL
    parts = _parts(filter_)
    owned_by = [part for part in parts if isinstance(part, inputs.OwnedByFilter)]
    refs = [ref for part in parts if isinstance(part, inputs.EntityFilter) for ref in _whole_refs(part)]
    # All at once; each is asked for again, and known then.
    await context.loaders.entity.load_many(ref for part in owned_by for ref in _refs_of(part))
    places = await _places(refs, context)
    compiled = await _entity(filter_, context, 1)
    await _check_kinds(compiled, context.store)
    return _standing(compiled, places) if places else compiled


def _whole_refs(filter_: inputs.EntityFilter) -> list[Ref]:
    compares = (row for name in _REF_FIELDS for row in _compares(name, getattr(filter_, name)))
    values = [row.value for row in compares if row.op in (Op.EQ, Op.IN)]
    return [Ref(str(ref)) for value in values for ref in (value if isinstance(value, tuple) else (value,))]


async def _places(refs: Sequence[Ref], context: Context) -> dict[Ref, Ref]:
    """Return the refs of things that stand under another one, with that one."""
    named = await context.loaders.named.load_many(refs)
    others = [ref for ref, found in zip(refs, named, strict=True) if found]
    rows = await context.loaders.entity.load_many(others)
    return {ref: row.ref for ref, row in zip(others, rows, strict=True) if row and row.ref != ref}


def _standing(filter_: Filter, places: Mapping[Ref, Ref]) -> Filter:
    """Return the filter that also takes the refs under which things stand, beside those that were given: of what was
    removed under them, these tell.
    """
    match filter_:
        case And(items) | Or(items):
            return replace(filter_, items=tuple(_standing(item, places) for item in items))
        case Not(item):
            return Not(_standing(item, places))
        case Related(filter=item):
            return replace(filter_, filter=_standing(item, places))
        case Compare(field, Op.EQ | Op.IN, value) if field in _REF_FIELDS:
            given = [Ref(str(ref)) for ref in (value if isinstance(value, tuple) else (value,))]
            found = [places[ref] for ref in given if ref in places]
            return replace(filter_, op=Op.IN, value=(*given, *found)) if found else filter_
    return filter_


async def _check_kinds(filter_: Filter, store: Reading) -> None:
    """A kind that is neither registered nor in the catalog is a typing error, not an empty list."""
    unknown = _kinds(filter_) - KINDS.keys()
    if unknown:
        present = await store.facets(Compare("kind", Op.IN, tuple(sorted(unknown))), ("kind",))
        unknown -= {bucket.value for bucket in present["kind"].buckets if bucket.value}
    if unknown:
        known = ", ".join(kind.name for kind in KINDS.values())
        raise CatalogError(
            ErrorCode.UNKNOWN_KIND, f"no kind {', '.join(map(repr, sorted(unknown)))}; registered are {known}"
        )


def _kinds(filter_: Filter) -> set[str]:
    """Return the kinds that are named in full, at any depth."""
    match filter_:
        case And(items) | Or(items):
            return {kind for item in items for kind in _kinds(item)}
        case Not(item) | Related(filter=item):
            return _kinds(item)
        case Compare("kind", Op.EQ | Op.IN, value):
            return {str(kind) for kind in (value if isinstance(value, tuple) else (value,))}
    return set()


def _parts(filter_: object) -> list[object]:
    """The inputs that it is made of, found without recursion. Raises CatalogError TOO_LARGE for too many conditions,
    which are the innermost of them.
    """
    parts, conditions = [filter_], 0
    for part in parts:
        values = [value for value in vars(part).values() if value is not None]
        nested = [value for value in values if is_dataclass(value)]
        nested += [inner for value in values if isinstance(value, list) for inner in value if is_dataclass(inner)]
        parts += nested
        conditions += not nested
        if conditions > MAX_CONDITIONS:
            message = f"a filter holds at most {MAX_CONDITIONS} conditions; ask `in` for many values of one field"
            raise CatalogError(ErrorCode.TOO_LARGE, message)
    return parts


async def _entity(filter_: inputs.EntityFilter, context: Context, depth: int) -> Filter:
    _check_depth(depth)
    items: list[Filter] = [compare for name in _PLAIN_FIELDS for compare in _compares(name, getattr(filter_, name))]
    items += [compare for row in filter_.labels or () for compare in _compares("labels", row, row.key)]
    items += [compare for row in filter_.annotations or () for compare in _compares("annotations", row, row.key)]
    if filter_.declared is not None:
        items.append(Compare("declared", Op.EQ, filter_.declared))
    if filter_.text is not None:
        items.append(Words(_words(filter_.text)))
    if filter_.owned_by is not None:
        items.append(await _owned_by(filter_.owned_by, context))
    items += [await _related(row, context, depth) for row in filter_.related or ()]
    items += [await _entity(item, context, depth + 1) for item in filter_.and_ or ()]
    if filter_.or_ is not None:
        items.append(Or(tuple([await _entity(item, context, depth + 1) for item in filter_.or_])))
    if filter_.not_ is not None:
        items.append(Not(await _entity(filter_.not_, context, depth + 1)))
    return items[0] if len(items) == 1 else And(tuple(items))


def _check_depth(depth: int) -> None:
    if depth > MAX_FILTER_DEPTH:
        raise CatalogError(ErrorCode.TOO_DEEP, f"filters nest at most {MAX_FILTER_DEPTH} deep")


def _compares(name: str, ops: object | None, key: str | None = None) -> list[Compare]:
    return [Compare(name, op, _each(_reader(name, op), value), key) for op, value in _conditions(ops, key)]


def _conditions(ops: object | None, key: str | None) -> list[tuple[Op, object]]:
    found = list(_given(ops))
    if key is not None and not found:
        message = f"the condition on {key!r} says nothing; give `eq`, `in`, `contains`, `startsWith` or `exists`"
        raise CatalogError(ErrorCode.BAD_INPUT, message)
    return found


def _given(ops: object | None) -> Iterator[tuple[Op, object]]:
    for attribute, op in _OPS:
        value = getattr(ops, attribute, None)
        if value is not None:
            yield op, value
    many = getattr(ops, "in_", None)
    if many is not None:
        if len(many) > MAX_VALUES:
            raise CatalogError(ErrorCode.TOO_LARGE, f"`in` takes at most {MAX_VALUES} values")
        yield Op.IN, tuple(many)


def _reader(name: str, op: Op) -> Callable[[object], Value]:
    """Return what reads a value for this field of entities: whole names as refs."""
    if name in _REF_FIELDS and op in (Op.EQ, Op.IN):
        return partial(_ref, kind=_REF_FIELDS[name])
    return _lower if name in ("kind", "namespace") else _value


def _ref(value: object, *, kind: str | None) -> Ref:
    text = str(value)
    check_text(text)
    return parse_ref_input(text, kind=kind)


def _lower(value: object) -> Value:
    plain = _value(value)
    return plain.lower() if isinstance(plain, str) else plain


def _each(read: Callable[[object], Value], value: object) -> Value | tuple[Value, ...]:
    return tuple(map(read, value)) if isinstance(value, tuple) else read(value)


def _value(value: object) -> Value:
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, LinkOrigin):
        return value.value
    if isinstance(value, str):
        check_text(value)
    return cast("Value", value)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(text.casefold().split())
    if len(words) > MAX_WORDS:
        raise CatalogError(ErrorCode.TOO_LARGE, f"`text` takes at most {MAX_WORDS} words; got {len(words)}")
    return words


def check_text(value: str) -> None:
    """Raise CatalogError BAD_INPUT for what no store can take."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise CatalogError(ErrorCode.BAD_INPUT, "a text holds a lone surrogate, which is no character") from None


def time_text(value: datetime) -> str:
    """Return the time as the stores write it. Raises CatalogError BAD_INPUT outside the years 1 to 9999."""
    try:
        return utc_text(value)
    except OverflowError:
        raise CatalogError(
            ErrorCode.BAD_INPUT, f"the time {value.isoformat()} lies outside the years 1 to 9999 in UTC"
        ) from None


async def _owned_by(owned_by: inputs.OwnedByFilter, context: Context) -> Filter:
    asked = _refs_of(owned_by)
    standing = await context.loaders.entity.load_many(asked)
    refs = [row.ref if row else ref for ref, row in zip(asked, standing, strict=True)]
    owners = await context.store.subgroups(refs) if owned_by.include_subgroups else refs
    return owned_filter(owners, owned_by.effective)


def _refs_of(owned_by: inputs.OwnedByFilter) -> list[Ref]:
    return parse_ref_inputs(owned_by.refs, kind="group")


def owned_filter(refs: Iterable[Ref], effective: bool) -> Filter:
    return Compare("owner" if effective else "declared_owner", Op.IN, tuple(sorted(set(refs))))


async def _related(related: inputs.RelatedFilter, context: Context, depth: int) -> Filter:
    inner = related.some or related.none
    if inner is None or (related.some and related.none):
        raise CatalogError(ErrorCode.BAD_INPUT, "a `related` filter takes exactly one of `some` and `none`")
    return Related(
        relation=related.relation.value if related.relation else None,
        direction=related.direction,
        none=related.some is None,
        filter=await _entity(inner, context, depth + 1),
    )


def compile_link_filter(filter_: inputs.LinkFilter | None, depth: int = 1) -> CatalogLinkFilter | None:
    """Return the filter for stores. None stays None: every link matches."""
    if filter_ is None:
        return None
    if depth == 1:
        _parts(filter_)
    _check_depth(depth)
    items: list[CatalogLinkFilter] = []
    if filter_.criticality is not None:
        items.append(LinkCompare("criticality", Op.EQ, filter_.criticality.eq.value))
    items += [_of_environment(row) for row in _link_compares("environment", filter_.environment)]
    for name in ("confidence", "source", "origin", "observed_at"):
        items += _link_compares(name, getattr(filter_, name))
    for row in filter_.properties or ():
        items += _link_compares("property", row, row.key)
    items += _link_items(filter_.and_ or (), depth)
    if filter_.or_ is not None:
        items.append(LinkOr(tuple(_link_items(filter_.or_, depth))))
    if filter_.not_ is not None:
        items += [LinkNot(item) for item in _link_items([filter_.not_], depth)]
    return items[0] if len(items) == 1 else LinkAnd(tuple(items))


def _link_items(filters: Iterable[inputs.LinkFilter], depth: int) -> list[CatalogLinkFilter]:
    return [item for filter_ in filters if (item := compile_link_filter(filter_, depth + 1))]


def _link_compares(name: str, ops: object | None, key: str | None = None) -> list[LinkCompare]:
    return [LinkCompare(name, op, _each(_value, value), key) for op, value in _conditions(ops, key)]


def _of_environment(compare: LinkCompare) -> LinkCompare:
    """Links tell the name of an environment, and lists of environments its ref: either may be asked for."""
    if compare.op not in (Op.EQ, Op.IN):
        return compare
    return replace(compare, value=_each(lambda text: environment_name(str(text)), compare.value))


def chosen_relations(names: Iterable[inputs.RelationName] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the chosen ones in the order of the table. Raises CatalogError BAD_INPUT where none is named."""
    if names is None:
        return default
    chosen = {row.value for row in names}
    if not chosen:
        raise CatalogError(ErrorCode.BAD_INPUT, "`relations` is empty; leave it out for all that are meant then")
    return tuple(name for name in RELATIONS if name in chosen)


def compile_sort(sort: inputs.EntitySort | None) -> Sort:
    return Sort(sort.field.value, sort.descending) if sort else Sort("name")
