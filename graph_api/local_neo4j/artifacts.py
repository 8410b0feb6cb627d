"""Brings Neo4j's jars from its Maven artifacts into a cache folder that all homes share."""

import importlib.util
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from graph_api.local_neo4j.errors import LocalNeo4jError
from graph_api.locking import exclusive

if TYPE_CHECKING:
    from jgo.maven import Artifact

T = TypeVar("T")

_ARTIFACTS = ("org.neo4j:neo4j", "org.neo4j.app:neo4j-server")
_PAUSES = (1, 5)  # seconds between tries: name resolution and proxies fail briefly
_MAIN_CLASSES = ("org.neo4j.server.Neo4jCommunity", "org.neo4j.server.CommunityEntryPoint")


def ensure_jars(version: str, progress: Callable[[str], None]) -> Path:
    """The folder with all jars of Neo4j Community `version`, downloaded if it is not there yet (some 150 MB).

    Safe against a second process that does the same, and against being killed half-way.
    Raises LocalNeo4jError if there is no tool to download with, or the download fails.
    """
    folder = _cache() / f"neo4j-{version}"
    lib = folder / "lib"
    if lib.is_dir():
        return lib
    with exclusive(folder / ".lock"):
        if not lib.is_dir():
            progress(f"Downloading Neo4j {version} (some 150 MB) to {lib}")
            partial = folder / "partial"
            shutil.rmtree(partial, ignore_errors=True)
            (partial / "lib").mkdir(parents=True)
            try:
                _download(version, partial)
                (partial / "lib").rename(lib)
            finally:
                shutil.rmtree(partial)
    return lib


def main_class(lib: Path, version: str) -> str:
    """The server's main class, which differs between versions."""
    with zipfile.ZipFile(lib / f"neo4j-{version}.jar") as jar:
        members = set(jar.namelist())
    for name in _MAIN_CLASSES:
        if f"{name.replace('.', '/')}.class" in members:
            return name
    raise LocalNeo4jError(f"Neo4j {version} has none of the main classes {_MAIN_CLASSES}; try another version.")


def _cache() -> Path:
    return Path(os.environ.get("GRAPH_API_CACHE") or "~/.cache/graph-api").expanduser().resolve()


def _download(version: str, folder: Path) -> None:
    if maven := shutil.which("mvn"):
        _download_with_maven(maven, version, folder)
    elif importlib.util.find_spec("jgo"):
        _download_with_jgo(version, folder)
    else:
        raise LocalNeo4jError(
            f"Neo4j {version} is downloaded with Maven (mvn on PATH) or jgo, and neither is here. "
            "Install Maven, or: pip install 'graph-api[neo4j-local]'"
        )


def _download_with_maven(maven: str, version: str, folder: Path) -> None:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name in (artifact.split(":") for artifact in _ARTIFACTS)
    )
    pom = folder / "pom.xml"
    pom.write_text(
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>local</groupId>'
        f"<artifactId>neo4j</artifactId><version>1</version><dependencies>{dependencies}</dependencies></project>"
    )
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder / 'lib'}"]
    ran = subprocess.run(  # noqa: S603 - fixed arguments, no shell
        [maven, "--quiet", "--batch-mode", "--strict-checksums", "--file", str(pom), *goal],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise LocalNeo4jError(
            f"{maven} could not download Neo4j {version}: {(ran.stdout + ran.stderr)[:1000]}\n"
            "Check the version, the network and Maven's settings.xml, then start again."
        )


def _download_with_jgo(version: str, folder: Path) -> None:
    from jgo.maven import MavenContext

    # a repository of its own: jgo leaves a broken file behind when it is killed, and ~/.m2 belongs to others
    context = MavenContext(repo_cache=folder / "repository", timeout=60)
    # "!" keeps the versions that Maven itself would choose: without it jgo imports the managed ones as well
    wanted = [context.create_dependency(f"{artifact}:{version}!") for artifact in _ARTIFACTS]
    try:
        inputs, transitive = _retry(lambda: context.resolver.resolve(wanted))
        needed = [*inputs, *(dependency for dependency in transitive if dependency.scope in ("compile", "runtime"))]
        with ThreadPoolExecutor(4) as threads:
            for jar in threads.map(_fetch, (dependency.artifact for dependency in needed)):
                jar.rename(folder / "lib" / jar.name)
    except Exception as error:  # jgo raises whatever its HTTP client and XML parser do
        raise LocalNeo4jError(
            f"jgo could not download Neo4j {version}: {error}\nCheck the version and the network, then start again."
        ) from error


def _fetch(artifact: "Artifact") -> Path:
    def resolve() -> Path:
        jar = artifact.resolve()
        if not zipfile.is_zipfile(jar):  # what a broken connection leaves, and jgo would take the next time
            jar.unlink()
            raise OSError(f"{jar.name} was cut off")
        return jar

    return _retry(resolve)


def _retry(fetch: Callable[[], T]) -> T:
    for pause in _PAUSES:
        try:
            return fetch()
        except OSError:  # includes every error of jgo's HTTP client
            time.sleep(pause)
    return fetch()
