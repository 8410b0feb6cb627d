"""Questions whose answers are of the same size, however large the catalog is."""

import time

from benchmarks.growth.catalog import ANCHOR, COMMON_WORD, RARE_WORD, TEAM
from benchmarks.questions import PAGE, Question

_SEARCH = "query ($text: String!) { search(text: $text, first: 20) { nodes { ref name } } }"

LOOKUP = Question(
    "lookup by ref", "query ($ref: String!) { entity(ref: $ref) { ref name owners { ref } } }", {"ref": ANCHOR}
)
IMPACT = Question(
    "impact of 3 hops, 1,110 hits",
    """query ($ref: String!) {
      impact(of: [$ref], first: 100, walk: {maxDepth: 3}) {
        totalCount
        edges { distance severity node { ref kind name owners { ref } } }
        owner: groups(by: OWNER) { buckets { value count } }
        kind: groups(by: KIND) { buckets { value count } }
        completeness { complete reasons unexplored }
      }
    }""",
    {"ref": ANCHOR},
)
QUESTIONS = (
    PAGE,
    LOOKUP,
    Question("search, 20 found", _SEARCH, {"text": RARE_WORD}),
    Question("search, a common word", _SEARCH, {"text": COMMON_WORD}),
    IMPACT,
    Question(
        "direct dependents",
        "query ($ref: String!) { entity(ref: $ref) { dependents(first: 100) { totalCount nodes { ref name } } } }",
        {"ref": ANCHOR},
    ),
    Question(
        "owned, with subgroups",
        "query ($ref: String!) { owned(by: [$ref], first: 100) { totalCount nodes { ref name } } }",
        {"ref": TEAM},
    ),
)
_WRITE = """mutation ($title: String!, $spec: JSON!) {
  putEntities(entities: [{kind: "Component", name: "written", title: $title, spec: $spec}]) { userErrors { code } }
}"""


def written(number: int) -> Question:
    """A write that changes one entity and what it needs."""
    spec = {"type": "service", "dependsOn": [f"component:fixed-1-{number % 10}"]}
    return Question("write of one entity", _WRITE, {"title": f"{number} at {time.time_ns()}", "spec": spec})
