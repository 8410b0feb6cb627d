import re

import pytest

from tests.realworld.figures import counts, lines_of, links, read_file

LINES = lines_of(
    "Added late",
    r"    grype (?P<file>\w+\.json) matches \d+ (?P<severities>\{.*?\}) distinct ids (?P<ids>\d+) "
    r"packages (?P<pkgs>\d+) with fix \d+ source (?P<source>\w+)",
)
SNAPSHOTS = lines_of("Grype", r"2 matches: CVE-1999-0001 Low .*")


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line["file"]))
def test_reports_have_the_figures(line: re.Match[str]) -> None:
    snapshot = read_file("grype", f"anchore_grype/{line['file']}")
    [scanned] = [said for ref, said in snapshot.entities.items() if not ref.startswith(("package:", "vulnerability:"))]
    assert scanned.type == {"image": "container-image"}.get(line["source"], line["source"])
    assert scanned.spec["vulnerabilities"] == {name.upper(): n for name, n in counts(line["severities"]).items()}
    assert sum(ref.startswith("vulnerability:") for ref in snapshot.entities) == int(line["ids"])
    assert sum(ref.startswith("package:") for ref in snapshot.entities) == int(line["pkgs"])


@pytest.mark.parametrize("_", SNAPSHOTS)
def test_both_matches_are_read(_: re.Match[str]) -> None:
    snapshot = read_file("grype", "TestJsonDirsPresenter.golden")
    found = {str(key.source): snapshot.links[key] for key in links(snapshot, "AFFECTED_BY")}
    first = found["package:rpm/package-1-1.1.1"]
    assert first.key.target == "vulnerability:default/cve-1999-0001"
    assert first.properties == {"severity": "LOW", "fixedVersion": "1.2.1, 2.1.3, 3.4.0", "status": "fixed"}
    second = found["package:deb/package-2-2.2.2"]
    assert second.properties == {"severity": "CRITICAL"}
    entities = {str(ref): said for ref, said in snapshot.entities.items()}
    assert entities[second.key.target].labels == {"severity": "CRITICAL", "knownExploited": "true"}
    assert entities["component:grype/some-path"].type == "directory"
