"""API keys."""

import sqlite3

from graph_api.access.keys import ApiKey, dump_key, load_good_keys


def keys(conn: sqlite3.Connection) -> list[ApiKey]:
    return load_good_keys(row[0] for row in conn.execute("SELECT record FROM keys"))


def put(conn: sqlite3.Connection, key: ApiKey) -> None:
    conn.execute("INSERT OR REPLACE INTO keys (id, record) VALUES (?, ?)", (key.id, dump_key(key)))
