"""Files that are replaced as a whole: whoever reads one has all of the old or of the new."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Yield a file: what is written to it is at `path` once the context ends without an error. Only its owner may read
    it. One that is not `durable` may be spoilt by a power cut.

    Raises OSError for a folder that is not there or not writable and for a full disk, and leaves nothing then.
    """
    # A name that nobody can have put something at before.
    descriptor, name = tempfile.mkstemp(".part", f"{path.name}.", path.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
