"""The settings of a local Neo4j: for this machine only, bounded in memory and time, silent to the outside."""

import re
from pathlib import Path

from graph_api.local_neo4j.errors import LocalNeo4jError

_OPENED_PACKAGES = ("java.lang", "java.nio", "java.io", "sun.nio.ch")
PROCEDURES = (
    "db.awaitIndexes",
    "db.index.fulltext.awaitEventuallyConsistentIndexRefresh",
    "db.index.fulltext.queryNodes",
    "db.resampleOutdatedIndexes",
)
"""All that may be called: graph-api needs the first three, and whoever looks after a database the last."""
_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}
_LARGE_HEAP = 2**31
_PAGE_CACHE = 256 * 2**20
# Neo4j counts what its indexes hold in virtual threads, of which Java runs as many at once as there are processors.
# One that meets a page that a commit holds spins until it is let go, and the commit may wait for one that has none of
# the few places: then both wait for ever. There are as many places as indexes, and more.
SAMPLING_THREADS = "-Djdk.virtualThreadScheduler.parallelism=64"


def major_version(version: str) -> int:
    """Return the major version. Raises LocalNeo4jError if it is not a version that can run here."""
    match = re.fullmatch(r"(\d+)\.\d+\.\d+", version)
    if match is None or (major := int(match[1])) < 5:
        raise LocalNeo4jError(f"{version!r} is no version to run here; take one like 2026.08.1, or 5.26.30.")
    return major


def minimum_java(version: str) -> int:
    return 17 if major_version(version) == 5 else 21


def neo4j_conf(version: str, bolt_port: int, heap: str) -> str:
    """The text of neo4j.conf; folders are Neo4j's defaults, all below its home."""
    settings = {
        "server.bolt.listen_address": f"127.0.0.1:{bolt_port}",
        "server.bolt.advertised_address": f"127.0.0.1:{bolt_port}",
        "server.http.enabled": "false",
        "server.https.enabled": "false",
        # whoever reaches the loopback interface may do everything: for development, tests and benchmarks only
        "dbms.security.auth_enabled": "false",
        "server.config.strict_validation.enabled": "true",
        "server.memory.pagecache.size": str(_PAGE_CACHE),
        # Neo4j's own 70 % refuses a sync of 450,000 changes with a heap of 2 GiB, though it fits
        "dbms.memory.transaction.total.max": str(_bytes(heap) * 85 // 100),
        "db.memory.transaction.max": str(_bytes(heap) * 85 // 100),
        # our own transactions say how long they may take; this ends those of others
        "db.transaction.timeout": "30s",
        "db.lock.acquisition.timeout": "10s",
        "server.directories.import": "import",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        "dbms.security.procedures.allowlist": ",".join(PROCEDURES),
        "internal.dbms.cypher_ip_blocklist": "0.0.0.0/0,::/0",
        "dbms.usage_report.enabled": "false",
        **(_SINCE_5 if major_version(version) == 5 else _SINCE_2026),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


# Stopping takes 10 s with the default quiet period; since 2026 Neo4j also looks for its like on the local network.
_SINCE_5 = {"internal.dbms.bolt.netty_server_shutdown_quiet_period": "0"}
_SINCE_2026 = {
    "internal.dbms.bolt.netty_server_shutdown_quiet_period_duration": "0s",
    "server.fleet_discovery.enabled": "false",
    "dbms.fleet_manager.enabled": "false",
}


def jvm_options(java_version: int, heap: str, lib: Path) -> list[str]:
    # A large transaction fills the heap, and what collects all of it at once then stops the server again and again.
    # Below, the collector that itself needs the least.
    collector = "-XX:+UseG1GC" if _bytes(heap) >= _LARGE_HEAP else "-XX:+UseSerialGC"
    options = [f"-Xms{_bytes(heap)}", f"-Xmx{_bytes(heap)}", collector, "-XX:+ExitOnOutOfMemoryError"]
    options.append(SAMPLING_THREADS)
    for package in _OPENED_PACKAGES:
        options += ["--add-opens", f"java.base/{package}=ALL-UNNAMED"]
    options.append("--enable-native-access=ALL-UNNAMED")
    if java_version >= 19:
        # Loaded classes, kept by the first server at its end: the next ones start in half the time.
        archive = lib.parent / f"java-{java_version}.jsa"
        options += ["-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off"]
    return options


def _bytes(size: str) -> int:
    match = re.fullmatch(r"([1-9]\d*)([kmg])", size)
    if match is None:
        raise LocalNeo4jError(f"{size!r} is no size of memory; write it like 512m or 2g.")
    return int(match[1]) * _UNITS[match[2]]
