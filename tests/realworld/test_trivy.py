import re

import pytest

from tests.realworld.figures import counts, lines_of, links, read_file

LINES = lines_of(
    "Trivy",
    r"    (?P<file>[\w/.-]+): (?P<type>\w+) \S+ results \d+ vulns (?P<vulns>\d+) (?P<severities>\{.*?\}) "
    r"distinct ids (?P<ids>\d+) pkgs (?P<pkgs>\d+) with fix \d+"
    r"(?: misconf \d+ (?P<misconfigurations>\{.*?\}))?(?:.* secrets (?P<secrets>\{.*?\}))?",
)


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line["file"]))
def test_reports_have_the_figures(line: re.Match[str]) -> None:
    snapshot = read_file("trivy", f"testdata/{line['file']}")
    [artifact] = [said for ref, said in snapshot.entities.items() if not ref.startswith(("package:", "vulnerability:"))]
    assert artifact.type == {"container_image": "container-image"}.get(line["type"], artifact.type)
    for what, text in (("vulnerabilities", line["severities"]), *line.groupdict(default="{}").items()):
        if what in ("vulnerabilities", "misconfigurations", "secrets"):
            assert artifact.spec.get(what, {}) == counts(text)
    assert sum(ref.startswith("vulnerability:") for ref in snapshot.entities) == int(line["ids"])
    affected = list(links(snapshot, "AFFECTED_BY"))
    # The expected figure counts names of packages, the catalog their versions.
    assert len({snapshot.entities[key.source].name for key in affected}) == int(line["pkgs"])
    assert not snapshot.problems
