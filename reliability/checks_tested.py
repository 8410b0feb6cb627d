"""Rows whose check is a part of the tests: which, and how many of them pass here, on both stores."""

import os
import re
import subprocess
import sys
from functools import partial

import click

from reliability.check import Bench, Check, Figure
from reliability.servers import empty


def tested(bench: Bench, tests: tuple[str, ...]) -> Figure:
    empty(bench.neo4j)
    paths = [f"tests/{test}" for test in tests]
    done = subprocess.run(  # noqa: S603 - our own tests
        [sys.executable, "-m", "pytest", *paths, "-p", "no:cacheprovider", "--tb=line"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NEO4J_URI": bench.neo4j},
    )
    if done.returncode:
        click.echo(done.stdout[-3_000:], err=True)
    counts = re.findall(r"\d+ (?:passed|failed|error)", done.stdout)
    text = ", ".join(counts) or f"pytest ended with {done.returncode}"
    return Figure(f"{text} of {', '.join(tests)}", done.returncode == 0)


def _check(row: int, promise: str, bar: str, *tests: str) -> Check:
    return Check(row, promise, bar, partial(tested, tests=tests))


_CONCURRENT = "store/test_contract_concurrency.py"
_WRITES = "graphql/test_mutations.py"
_FAILED_SOURCE = "test_schedule.py::test_one_that_fails_is_recorded_and_withdraws_nothing"

CHECKS = (
    _check(10, "no duplicate entities", "many writers of one entity make one", _CONCURRENT),
    _check(
        11,
        "deadlocks stay invisible",
        "no writer sees one",
        f"{_CONCURRENT}::test_writers_that_add_all_get_a_revision_of_their_own",
    ),
    _check(
        12,
        "lost updates are refused",
        "CONFLICT; no edit lost",
        f"{_WRITES}::test_a_stale_revision_is_a_conflict",
        f"{_CONCURRENT}::test_writers_that_edit_one_entity_lose_no_edit",
    ),
    _check(
        13,
        "a sync is all or nothing",
        "readers see no half",
        "store/test_killed_writes.py",
        f"{_CONCURRENT}::test_readers_never_see_half_of_a_write",
    ),
    _check(14, "a bad source never empties the catalog", "0 removals; too many are held", _FAILED_SOURCE, _WRITES),
    _check(
        15,
        "rerun changes nothing",
        "0 writes",
        "test_sync_configured.py::test_all_of_them_run_and_a_second_time_write_nothing",
    ),
    _check(
        16,
        "model = database",
        "as the reference, on random catalogs",
        "store/test_contract_random.py",
        "store/test_contract_random_writes.py",
    ),
    _check(17, "impact answers are right", "as the reference, on random graphs", "store/test_contract_random_walks.py"),
    _check(18, "nobody sees what they may not", "role x field x path, from the schema", "access/test_matrix.py"),
    _check(
        19, "hidden means hidden", "as if it were not there", "access/test_visibility.py", "access/test_restrictions.py"
    ),
    _check(20, "only owners edit", "FORBIDDEN on each way to write", "access/test_ownership.py"),
    _check(21, "tokens are safe at rest", "hashed, shown once, revoked in 5 s", "access/test_keys.py"),
    _check(
        22,
        "who did what is kept",
        "one record each, in its transaction, chained",
        "access/test_audit.py",
        "store/test_contract_access.py",
    ),
    _check(
        24,
        "upgrade without downtime",
        "old and new serve together",
        "store/test_preparing.py",
        "store/test_neo4j_format.py",
    ),
    _check(27, "backup restores", "round trip of both stores", "store/test_contract_backup.py", "test_cli_backup.py"),
    _check(29, "no known-bad dependency", "pinned, above the floors", "test_deployment.py"),
    _check(614, "SIGTERM with sockets and a sync", "closed, and undone or ended", "web/test_drain.py"),
    _check(
        615, "replicas run the scheduler", "one runs each job", "test_schedule.py::test_of_two_replicas_one_runs_it"
    ),
    _check(
        616,
        "a sync was paused and wakes",
        "what is older is not written",
        "test_schedule.py::test_what_was_read_before_another_replica_synced_is_not_written",
    ),
    _check(
        617,
        "clock jumps",
        "leeway of tokens; no lease for ever",
        "access/test_tokens.py",
        "store/test_contract_leases.py",
    ),
    _check(618, "the identity provider is down, or slow", "known keys go on", "access/test_tokens.py"),
    _check(621, "slow readers and half-open sockets", "left within their time", "web/test_sockets.py"),
    _check(622, "collector and logs do not answer", "requests go on", "test_tracing.py", "test_logs.py"),
    _check(623, "a constraint is dropped; a newer format", "not ready, nothing written", "store/test_preparing.py"),
    _check(
        625,
        "an older backup is restored under a server",
        "noticed, not ready",
        "store/test_contract_backup.py::test_a_running_server_notices_a_restore",
        "web/test_replaced.py",
    ),
)
