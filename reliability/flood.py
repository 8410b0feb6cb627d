"""`python -m reliability.flood URL CONNECTIONS SECONDS`: ask as fast as the answers come; prints how often which status
came, and how many 429 said nothing of when to ask again.
"""

import asyncio
import json
import sys
import time
from collections import Counter

import click
import httpx

QUERY = {"query": "{ entities(first: 100) { nodes { ref owners { role } systems { ref } } } }"}


async def flood(url: str, connections: int, seconds: float) -> Counter[str]:
    counts: Counter[str] = Counter()
    end = time.monotonic() + seconds

    async def ask(client: httpx.AsyncClient) -> None:
        while time.monotonic() < end:
            answer = await client.post(f"{url}/graphql", json=QUERY)
            counts[str(answer.status_code)] += 1
            counts["silent"] += answer.status_code == 429 and "retry-after" not in answer.headers

    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:
        await asyncio.gather(*(ask(client) for _ in range(connections)))
    return counts


if __name__ == "__main__":
    click.echo(json.dumps(asyncio.run(flood(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
