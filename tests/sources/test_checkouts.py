from pathlib import Path

from graph_api.catalog.ref import Ref
from graph_api.sources.reading import read_paths
from tests.sources.folders import write

ORIGIN = '[core]\n\tbare = false\n[remote "origin"]\n\turl = https://u:token@github.com/acme/{}\n'
SCORE = "apiVersion: score.dev/v1b1\nmetadata: {name: web}\ncontainers: {}\n"


def test_work_trees_are_repositories_and_their_files_lie_in_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "web/.git/config": ORIGIN.format("web"),
            "web/deploy/score.yaml": SCORE,
            "web/part/.git": "gitdir: ../.git/modules/part\n",
            "web/.git/modules/part/config": ORIGIN.format("part"),
            "web/part/OWNERS": "approvers: [ada]\n",
            "local/.git/config": "[core]\n",
        },
    )
    snapshots = {snapshot.connector: snapshot for snapshot in read_paths([tmp_path], source="s")}
    places = {ref: said.location for ref, said in snapshots["git"].entities.items()}
    assert places == {"repository:acme/web": "web/.git/config:4", "repository:acme/part": "web/part/.git:1"}
    assert [(problem.path, problem.line) for problem in snapshots["git"].problems] == [("local/.git/config", 1)]
    (workload,) = snapshots["score"].entities.values()
    assert (workload.repository, workload.folder) == ("repository:acme/web", "deploy")
    assert Ref("repository:acme/part") in snapshots["owners"].entities
