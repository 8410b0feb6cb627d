"""What is shipped around the program: versions without known holes, an image without rights, a database with limits."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from graph_api.local_neo4j.configuration import PROCEDURES, jvm_options, neo4j_conf
from tests.documents import ROOT

FLOORS = {
    "strawberry-graphql": "0.327.2",  # slots of subscriptions kept; limiters that recurse
    "graphql-core": "3.3.2",  # exponential validation, comments that count as nothing
    "starlette": "1.3.1",  # trusted Host, limits of forms
    "uvicorn": "0.11.7",  # forged lines in logs and headers
    "PyJWT": "2.15.0",  # keys from redirects, `crit`, lists of algorithms
    "orjson": "3.9.15",  # recursion without limit
    "h11": "0.16.0",  # lenient chunks
    "requests": "2.32.4",  # credentials to other hosts
    "urllib3": "2.5.0",  # redirects that were switched off
    "PyYAML": "5.4",  # code in documents
}
UNWANTED = {"python-multipart", "authlib", "python-jose", "restrictedpython"}
"""With a history of holes, and of no use here."""


def _required() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *(text for name, texts in extras.items() if name != "dev" for text in texts)]
    return {(row := Requirement(text)).name: row for text in texts}


def _pinned() -> dict[str, Version]:
    rows = re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    return {name: Version(version) for name, version in rows}


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_below_its_floor_is_allowed(name: str) -> None:
    floor = Version(FLOORS[name])
    pinned, required = _pinned().get(name), _required().get(name)
    assert pinned is None or pinned >= floor
    if required:
        assert not required.specifier.contains(_just_below(floor))


def _just_below(floor: Version) -> Version:
    return Version(f"{floor}.dev0")


def test_everything_that_is_installed_with_it_is_pinned() -> None:
    pinned = {name.lower().replace("_", "-") for name in _pinned()}
    assert {name.lower().replace("_", "-") for name in _required()} <= pinned


def test_nothing_unwanted_is_installed() -> None:
    installed = {distribution.metadata["Name"].lower() for distribution in distributions()}
    assert not UNWANTED & {*installed, *map(str.lower, _pinned())}


def test_the_image_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]
    assert lines.index("USER 10001") < lines.index('ENTRYPOINT ["graph-api"]')
    assert any(line.startswith("HEALTHCHECK") for line in lines)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return services


def test_the_container_can_write_nothing_and_gain_nothing(services: dict[str, Any]) -> None:
    api = services["api"]
    assert (api["read_only"], api["cap_drop"]) == (True, ["ALL"])
    assert api["security_opt"] == ["no-new-privileges:true"]
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service["ports"])
    assert f":{api['environment']['GRAPH_API_ADMIN_PORT']}/readyz" in api["healthcheck"]["test"][-1]


def test_both_databases_have_the_same_limits(services: dict[str, Any]) -> None:
    """Those that Neo4j would not have by itself."""
    local = dict(line.split("=", 1) for line in neo4j_conf("2026.08.1", 7687, "2g").splitlines())
    shipped = {_setting(name): value for name, value in services["neo4j"]["environment"].items()}
    for name in (
        "db.transaction.timeout",
        "db.lock.acquisition.timeout",
        "server.directories.import",
        "dbms.security.allow_csv_import_from_file_urls",
        "dbms.security.procedures.allowlist",
        "internal.dbms.cypher_ip_blocklist",
    ):
        assert shipped[name] == local[name], name
    assert shipped["dbms.security.procedures.allowlist"] == ",".join(PROCEDURES)
    assert shipped["server.jvm.additional"] in jvm_options(25, "2g", Path("lib"))
    assert {"db.memory.transaction.max", "dbms.memory.transaction.total.max"} <= shipped.keys() & local.keys()


def _setting(variable: str) -> str:
    return variable.removeprefix("NEO4J_").replace("__", "\0").replace("_", ".").replace("\0", "_")


def test_make_asks_for_a_folder_before_it_makes_anything(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = subprocess.run(["make", "realworld"], cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: S607 - of this machine
    assert "Name a folder: make realworld DIR=FOLDER" in made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]
