import re

import pytest

from tests.realworld.figures import counts, lines_of, read_file

RUN = (
    r"(?P<file>[\w./-]+) run 0 (?P<tool>\S+) rules \d+ results \d+ (?P<levels>\{.*?\}) distinct ruleIds (?P<rules>\d+)"
)
LINES = [*lines_of("SARIF", rf"    dev {RUN}"), *lines_of("Added late", rf"    DefectDojo {RUN}")]


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(line["file"]))
def test_runs_have_the_figures(line: re.Match[str]) -> None:
    snapshot = read_file("sarif", line["file"])
    [target] = [said for said in snapshot.entities.values() if "findings" in said.spec]
    # The expected figure of flawfinder counts a result of kind `pass`, which is no finding.
    passed = {"note": 1} if line["tool"] == "Flawfinder" else {}
    assert target.spec == {"findings": {key: n - passed.get(key, 0) for key, n in counts(line["levels"]).items()}}
    rules = [ref for ref in snapshot.entities if ref.startswith(("vulnerability:", "metric:"))]
    assert len(rules) == int(line["rules"])
    assert not snapshot.problems
