"""How the demo organization gets into a store."""

import pytest

from graph_api.app import source_order
from graph_api.cli.demo import load_demo
from graph_api.settings import Settings
from graph_api.store.protocol import Store
from graph_api.sync import sync
from tests.conftest import Run
from tests.demo import snapshots
from tests.graphql.conftest import Client


def test_a_load_that_was_interrupted_goes_on(
    store: Store, run: Run, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    run(sync(store, snapshots()[0], source_order(Settings())))
    run(load_demo(store, Settings()))
    known = client.ask("{ sources { name } entities(filter: {declared: true}) { totalCount } }")
    assert (
        f"of {len(known['sources']) - 1} sources: {known['entities']['totalCount']} entities" in capsys.readouterr().out
    )
    run(load_demo(store, Settings()))
    assert "is there already" in capsys.readouterr().out
