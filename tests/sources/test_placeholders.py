"""How much placeholders may put into one document."""

from pathlib import Path

from graph_api.catalog.snapshot import ProblemCode
from graph_api.sources.files import read_files
from graph_api.sources.folders import MAX_FILE
from tests.sources.folders import write


def test_beyond_what_a_document_may_hold_no_further_file_is_read(tmp_path: Path) -> None:
    spec = "{type: openapi, a: {$text: ./large.txt}, b: {$text: ./large.txt}, c: {$text: ./gone.txt}}"
    api = f"apiVersion: backstage.io/v1alpha1\nkind: API\nmetadata: {{name: a}}\nspec: {spec}\n"
    write(tmp_path, {"api.yaml": api, "large.txt": "x" * (MAX_FILE - 3)})
    problems = read_files([tmp_path]).problems
    assert [(problem.code, problem.message.split()[1]) for problem in problems] == [
        (ProblemCode.TOO_LARGE, "./gone.txt"),
        (ProblemCode.TOO_LARGE, "./large.txt"),
    ]
