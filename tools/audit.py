"""Asks the advisories of PyPI about every pinned version, with pip-audit, which must be installed beside this.

    python tools/audit.py constraints.txt

Exits with 1 for a version with a known hole. Where the advisories cannot be reached, it says that nothing was audited.
"""

import json
import subprocess
import sys
from typing import Any


def main(constraints: str) -> int:
    command = [sys.executable, "-m", "pip_audit", "-r", constraints, "--no-deps", "--disable-pip", "-f", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    rows: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"] if done.stdout.strip() else []
    audited = [row for row in rows if "skip_reason" not in row]
    if not audited:
        print("NOT AUDITED: no advisories about any dependency can be reached from here.")  # noqa: T201
        return 0
    holes = [f"{row['name']} {row['version']}: {hole['id']}" for row in audited for hole in row["vulns"]]
    skipped = [row["name"] for row in rows if "skip_reason" in row]
    print("\n".join([f"{len(audited)} audited, {len(holes)} known holes", *holes, *skipped]))  # noqa: T201
    return 1 if holes or skipped else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
