"""Figures of real inventories; REALWORLD names the folder that holds them."""

import os
from collections import Counter
from pathlib import Path

import pytest

from graph_api.catalog.snapshot import Snapshot
from graph_api.sources.reading import read_paths

FOLDER = Path(os.environ.get("REALWORLD", "")) / "ansible/ansible__ansible-examples"
FIGURES: list[tuple[str, int, dict[str, int]]] = [
    # example, hosts, memberships by group
    ("jboss-standalone", 1, {}),
    ("lamp_haproxy", 5, {"webservers": 2, "dbservers": 1, "lbservers": 1, "monitoring": 1}),
    ("lamp_simple", 2, {"webservers": 1, "dbservers": 1}),
    ("mongodb", 4, {"mongo_servers": 4, "replication_servers": 4, "mongoc_servers": 3, "mongos_servers": 2}),
    ("tomcat-memcached-failover", 5, {"lb_servers": 1, "backend_servers": 2, "memcached_servers": 2}),
]


def snapshot_of(folder: Path) -> Snapshot:
    return read_paths([folder], source="real", only=["ansible"])[0]


@pytest.mark.parametrize("figures", FIGURES if "REALWORLD" in os.environ else [], ids=lambda row: row[0])
def test_real_inventories_have_their_figures(figures: tuple[str, int, dict[str, int]]) -> None:
    example, hosts, groups = figures
    snapshot = snapshot_of(FOLDER / example)
    assert sum(said.type == "compute" for said in snapshot.entities.values()) == hosts
    members = [key for key in snapshot.links if key.relation == "PART_OF"]
    assert Counter(snapshot.entities[key.target].name for key in members) == groups


@pytest.mark.parametrize("folder", [FOLDER] if "REALWORLD" in os.environ else [])
def test_roles_run_on_the_hosts_that_plays_choose(folder: Path) -> None:
    links = snapshot_of(folder / "lamp_haproxy").links
    runs = Counter(key.source.rpartition("/")[2] for key in links if key.relation == "RUNS_ON")
    # base-apache is in the plays of both webservers and monitoring
    assert runs == {"common": 5, "db": 1, "base-apache": 3, "web": 2, "haproxy": 1, "nagios": 1}
