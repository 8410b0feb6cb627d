"""The write path between a snapshot and the rows that change: diff, guard, merge, derive."""
