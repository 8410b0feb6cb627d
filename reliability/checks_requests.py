"""Rows 1, 3 and 4: one request at a time."""

import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from graphql import GraphQLError, build_client_schema, get_introspection_query

from graph_api.graphql.cost import estimate
from graph_api.graphql.limits import Limits, parse_within, validate_within
from graph_api.graphql.schema import schema
from reliability.check import Bench, Check, Figure
from reliability.queries import objects_in, random_query
from reliability.servers import ask, demo_server
from tests.attacks.test_graphql import deep, fan_out, introspection, mutual

AUDIT = Path(__file__).parents[1] / "tests" / "audit"
MILLISECONDS = 100
QUERIES = 1_000


def audit(bench: Bench) -> Figure:
    """The calls of https://github.com/graphql/graphql-http's audit. Needs Node and npm."""
    folder = bench.folder / "audit"
    shutil.copytree(AUDIT, folder, ignore=shutil.ignore_patterns("node_modules"))
    npm, node = (shutil.which(name) or name for name in ("npm", "node"))
    subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)  # noqa: S603
    figures = []
    for name, store in bench.stores("audited").items():
        with demo_server(bench, store) as server:
            command = [node, "audit.mjs", f"{server.url}/graphql"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        found = re.search(r"\d+ passed, \d+ failed", done.stdout)
        figures.append(Figure(f"{name}: {found[0] if found else done.stderr[-200:]}", done.returncode == 0))
    return figures[0] & figures[1]


def validation(_bench: Bench) -> Figure:
    """What takes longest to parse and validate, the best of three."""
    slowest, name = max((min(_milliseconds(text) for _ in range(3)), name) for name, text in _hard_documents())
    return Figure(f"{slowest:.0f} ms for {name}", slowest <= MILLISECONDS)


def _milliseconds(text: str) -> float:
    begin = time.process_time()
    try:
        document = parse_within(text, Limits())
        if not validate_within(schema._schema, document, Limits()):
            estimate(schema._schema, document, None, {})
    except GraphQLError:
        pass
    return (time.process_time() - begin) * 1000


def _hard_documents() -> Iterator[tuple[str, str]]:
    yield "introspection", get_introspection_query()
    yield "introspection in circles", introspection(5)
    for levels in (20, 200, 1_000):
        yield f"depth {levels}", deep(levels)
    for count in (21, 190, 600):
        yield f"a fan-out of {count}", fan_out(count)
    for count in (30, 100, 300):
        yield f"{count} fragments of equal fields", mutual(count)
    for count in (200, 300, 1_600):
        yield f"{count} equal fields", "{" + "__typename " * count + "}"
        yield f"{count} equal fields with fields", "{" + "entities { totalCount } " * (count // 3) + "}"
    names = [f"v{n}" for n in range(1_200)]
    yield "1,200 variables", f"query({' '.join(f'${name}: Int' for name in names)}) {{ __typename }}"
    yield "4,900 values", "{ entities(filter: {ref: {in: [" + '"a" ' * 4_900 + "]}}) { totalCount } }"
    yield "60 filters in each other", "{ entities(filter: " + "{not:" * 60 + "{}" + "}" * 60 + ") { totalCount } }"
    yield "1,000 unknown names", "{" + " ".join(f"nope{n}" for n in range(1_000)) + "}"
    yield "800 operations", " ".join(f"query Q{n} {{ __typename }}" for n in range(800))
    yield (
        "800 unused fragments",
        "{ __typename }" + "".join(f" fragment F{n} on Query {{ __typename }}" for n in range(800)),
    )
    yield "a text of 99 kB", '{ search(text: "' + "x" * 99_000 + '") { totalCount } }'
    yield "99 kB of comments", "{ __typename }" + "#\n" * 49_000
    yield "99 kB of brackets", "{" * 99_000


def cost(bench: Bench) -> Figure:
    figures = []
    dice = random.Random(20_261_123)
    queries = QUERIES if bench.full else QUERIES // 5
    for name, store in bench.stores("costed").items():
        with demo_server(bench, store) as server:
            client_schema = build_client_schema(ask(server, get_introspection_query()).json()["data"])
            wrong, most = 0, 0
            for _ in range(queries // 2):
                answer = ask(server, random_query(client_schema, dice)).json()
                objects = objects_in(answer.get("data")) - 1
                wrong += objects > answer["extensions"]["cost"]["estimated"]
                most = max(most, objects)
        figures.append(Figure(f"{name}: {wrong} of {queries // 2} hold more; largest {most:,}", wrong == 0))
    return figures[0] & figures[1]


CHECKS = (
    Check(1, "speaks GraphQL over HTTP right", "all 61 audits", audit),
    Check(3, "bounded parse and validation", f"any document is judged in {MILLISECONDS} ms of CPU", validation),
    Check(4, "bounded cost", "no answer to 1,000 random queries holds more than estimated", cost),
)
