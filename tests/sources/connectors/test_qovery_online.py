import pytest

from graph_api.sources.api import ApiError
from graph_api.sources.qovery import CONNECTOR
from tests.sources.connectors.answering import Tool, recorded_answers
from tests.sources.connectors.recorded import FOLDER, read_recorded

GOOD = recorded_answers(FOLDER / "qovery" / "input")
SHOP = {"organization": "o1"}


def test_the_api_tells_what_its_recorded_answers_tell() -> None:
    online, recorded = Tool(CONNECTOR, GOOD).read(SHOP), read_recorded("qovery")
    of_files = {ref for ref in recorded.entities if "qovery-shop" in ref}
    assert online.entities.keys() == recorded.entities.keys() - of_files
    assert online.links.keys() == {key for key in recorded.links if key.source not in of_files}


def test_a_fault_ends_the_run() -> None:
    with pytest.raises(ApiError, match="nothing was withdrawn"):
        Tool(CONNECTOR, GOOD, "/environment/e1/helm").read(SHOP)


def test_a_wrong_token_is_told() -> None:
    with pytest.raises(ApiError, match="token"):
        Tool(CONNECTOR, GOOD).read(SHOP, known=False)


def test_what_to_ask_for_must_be_said() -> None:
    with pytest.raises(ApiError, match="`organization` is missing"):
        Tool(CONNECTOR, GOOD).read({})
