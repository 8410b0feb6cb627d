"""What is spelled nearly as the format knows it, and would else say nothing without a word."""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from graph_api.catalog.kinds import KINDS
from graph_api.catalog.ref import Ref, kind_of
from graph_api.catalog.relations import SPELLINGS
from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.fields import Fields

_LIKENESS = 0.85
_ALSO_OTHER_WORDS = ("build", "run")
"""Near to `builds` and `runs`, and fields of their own in many specs."""
_OWN_FIELDS = frozenset({"type", "lifecycle", "profile", "definition", "target", "targets", "tier", "active"})


def lacks_api_version(document: object) -> bool:
    """Whether a document looks like a descriptor in everything but its apiVersion, which is not there."""
    if not isinstance(document, dict) or "apiVersion" in document:
        return False
    kind, metadata, spec = document.get("kind"), document.get("metadata"), document.get("spec")
    if not isinstance(kind, str) or not isinstance(metadata, dict) or not isinstance(spec, dict):
        return False
    known = kind.lower() in KINDS and not (SPELLINGS.keys() | _OWN_FIELDS).isdisjoint(spec)
    return known and isinstance(metadata.get("name"), str)


def report_misspellings(ref: Ref, fields: Fields) -> None:
    """Warn of a kind and of fields of spec that are not known and near to some that are."""
    kind = kind_of(ref)
    if kind not in KINDS and (meant := nearest_kind(kind)):
        message = f"the kind {fields.get('kind')} is not known; did you mean {meant}?"
        fields.report(ProblemCode.MISSPELLED, message, ("kind",))
    spec = fields.get("spec")
    for name in spec if isinstance(spec, dict) else ():
        if name in SPELLINGS or name in _ALSO_OTHER_WORDS:
            continue
        if meant := _nearest_spelling(name[:80]):
            message = f"spec.{name[:80]} is not known and says nothing; did you mean {meant}?"
            fields.report(ProblemCode.MISSPELLED, message, ("spec", name))


def nearest_kind(kind: str) -> str | None:
    """The registered kind that an unknown one was probably meant to be."""
    return _nearest(kind, [known.name for known in KINDS.values()])


@lru_cache(1_000)
def _nearest_spelling(word: str) -> str | None:
    """Most catalogs have few fields that are not links."""
    return _nearest(word, SPELLINGS)


def _nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that this one, without regard to case, was probably meant to be."""
    # Whoever slips does not begin so; AiResource is no Resource.
    by_folded = {name.lower(): name for name in known if name[0].lower() == word[:1].lower()}
    found = get_close_matches(word[:80].lower(), by_folded, n=1, cutoff=_LIKENESS)
    return by_folded[found[0]] if found else None
