import pytest

from graph_api.store.protocol import Store
from tests.store.loading import Loader


@pytest.fixture
def loader(store: Store) -> Loader:
    return Loader(store)
