import re
from collections import Counter

import pytest

from graph_api.catalog.snapshot import Severity
from graph_api.cli.report import needs_mending
from graph_api.sources.reading import read_paths
from tests.realworld.figures import FOLDER, lines_of, links, read_file

LINES = lines_of(
    "CycloneDX",
    r"    (?P<file>[\w./-]+): spec [\d.]+ root (?P<root>.+?) comps top \d+ nested (?P<components>\d+) types \{.*?\} "
    r"purl (?P<purls>\d+) (?:services 1 )?(?:deps nodes \d+ edges (?P<edges>\d+) distinct \d+ )?"
    r"(?:dangling refs (?P<dangling>\d+) vulns (?P<vulnerabilities>\d+) )?",
)
VEX = {
    # As many as `analysis` in EXPECTED.md times what each affects; Case-5 says both of versions of one product, and
    # the exploitable one stays; Case-7 names no product.
    1: {"not_affected": 1},
    2: {"affected": 1},
    3: {"under_investigation": 1},
    4: {"not_affected": 1},
    5: {"affected": 1},
    6: {"not_affected": 3},
    7: {},
    8: {"not_affected": 1},
    9: {"not_affected": 19 * 3},
    10: {"not_affected": 1},
    11: {"not_affected": 19},
    12: {"not_affected": 2, "affected": 1},
    13: {"not_affected": 2, "affected": 1},
}


@pytest.mark.parametrize(
    "line", [line for line in LINES if "/vex.json" not in line["file"]], ids=lambda line: str(line["file"])
)
def test_bills_have_the_figures(line: re.Match[str]) -> None:
    snapshot = read_file("cyclonedx", line["file"])
    dangling = 0 if "SaaSBOM" in line["file"] else int(line["dangling"] or 0)
    packages = sum(ref.startswith("package:") for ref in snapshot.entities)
    images = sum(link.relation == "RUNS_IMAGE" for link in snapshot.links)
    assert packages + images == int(line["components"])
    assert sum(1 for _ in links(snapshot, "DEPENDS_ON")) == int(line["edges"] or 0) - dangling
    assert sum(ref.startswith("vulnerability:") for ref in snapshot.entities) == int(line["vulnerabilities"] or 0)
    assert sum(problem.severity is not Severity.INFO for problem in snapshot.problems) == dangling
    subjects = [said for said in snapshot.entities.values() if "components" in said.spec]
    assert all(said.spec["components"] == int(line["components"]) for said in subjects)


@pytest.mark.parametrize(
    "line", [line for line in LINES if "SaaSBOM" in line["file"]], ids=lambda line: str(line["file"])
)
def test_services_have_the_figures(line: re.Match[str]) -> None:
    snapshot = read_file("cyclonedx", line["file"])
    services = [said for said in snapshot.entities.values() if said.type == "service"]
    assert len(services) == 6
    # Five of the nested services, beside three of the gateway.
    assert sum(len(said.spec["data"]) for said in services) == 5 + 3
    assert sum(1 for _ in links(snapshot, "PART_OF")) == 6


@pytest.mark.parametrize("case", VEX if FOLDER else ())
def test_vex_has_the_figures(case: int) -> None:
    assert FOLDER is not None
    folder = FOLDER / f"cyclonedx/CycloneDX__bom-examples/VEX/Use-Cases/Case-{case}"
    snapshot = read_paths([folder], source="real", only=["cyclonedx"])[0]
    said = [snapshot.links[key] for key in links(snapshot, "AFFECTED_BY")]
    assert Counter(link.properties["vex"] for link in said) == VEX[case]
    assert {link.properties["vex"] for link in said if link.criticality} <= {"not_affected"}
    assert not needs_mending(snapshot.problems)
