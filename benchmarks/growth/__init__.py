"""`python -m benchmarks.growth`: what grows with the catalog, although the answers stay the same."""
