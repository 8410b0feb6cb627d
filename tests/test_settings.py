"""Settings: where they come from, what wins, and what is said about wrong ones."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from graph_api.access.principal import Role
from graph_api.app import source_order
from graph_api.catalog.kinds import Kind
from graph_api.settings import ENV_PREFIX, BadSettingsError, Settings, load_settings
from graph_api.source_entries import FileSource, OnlineSource
from tests.documents import ROOT


@pytest.fixture(autouse=True)
def nothing_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{ENV_PREFIX}{name.upper()}", raising=False)


def write(text: str, name: str = "graph-api.yaml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_an_option_wins_over_the_environment_that_over_the_file_and_that_over_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("port: 1\nmax_page: 11\nmax_body: 111\n")
    monkeypatch.setenv("GRAPH_API_PORT", "2")
    monkeypatch.setenv("GRAPH_API_MAX_PAGE", "22")

    settings = load_settings(chosen={"port": "3"})

    assert (settings.port, settings.max_page, settings.max_body, settings.deadline) == (3, 22, 111, 5.0)


def test_another_file_takes_the_place_of_the_one_in_the_working_directory() -> None:
    write("port: 1\nhost: '::1'")
    settings = load_settings(write("port: 2", "other.yaml"))
    assert (settings.port, settings.host) == (2, "127.0.0.1")


@pytest.mark.parametrize(
    ("in_file", "in_environment"),
    [("sources: [cmdb, files:shop]", None), ("", "cmdb, files:shop"), ("", "cmdb,files:shop,")],
)
def test_lists_are_lists_in_the_file_and_have_commas_in_the_environment(
    in_file: str, in_environment: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(in_file)
    if in_environment:
        monkeypatch.setenv("GRAPH_API_SOURCES", in_environment)
    assert load_settings().source_names == ("cmdb", "files:shop")


SOURCES = """
sources:
- cmdb
- {name: catalog, paths: [one, /two], repo: acme/shop, connectors: [files, trivy], every: 15m}
- name: alerts
  connector: github_alerts
  options: {organization: acme}
  token_variable: ACME_TOKEN
  webhook_secret_variable: HOOK_SECRET
"""


def test_sources_are_names_or_say_what_to_sync() -> None:
    Path("config").mkdir()
    settings = load_settings(write(SOURCES, "config/settings.yaml"))
    files, alerts = settings.configured_sources
    assert settings.source_names == ("cmdb", "catalog", "alerts")
    assert isinstance(files, FileSource)
    assert (files.paths, files.every) == ((Path("config/one"), Path("/two")), 900)
    assert isinstance(alerts, OnlineSource)
    assert (alerts.options, alerts.every, alerts.url) == ({"organization": "acme"}, None, None)


def test_names_in_the_environment_take_the_place_of_all_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    write(SOURCES)
    monkeypatch.setenv("GRAPH_API_SOURCES", "catalog,cmdb")
    settings = load_settings()
    assert (settings.source_names, settings.configured_sources) == (("catalog", "cmdb"), ())


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{paths: [a]}", "sources: 0.files.name: Field required"),
        ("{name: a b}", "sources: 0.name.name: "),
        ("{name: a, paths: []}", "sources: 0.files.paths: "),
        ("{name: a, paths: hunter2}", "sources: 0.files.paths: "),
        ("{name: a, paths: [b], every: 15}", "sources: 0.files.every: write a number and s, m, h or d"),
        ("{name: a, paths: [b], every: 0m}", "sources: 0.files.every: write a number"),
        ("{name: a, paths: [b], token: hunter2}", "sources: 0.files.token: "),
        ("{name: a, paths: [b], repo: not a repository}", "sources: 0.files.repo: write org/repo"),
        ("{name: a, paths: [b], connectors: [trivi]}", "sources: 0.files.connectors.0: there is no connector trivi"),
        ("{name: a, connector: trivi}", "sources: 0.online.connector: there is no connector trivi"),
        ("{name: a, connector: trivy}", "trivy reads files only: give `paths`"),
        ("{name: a, connector: zipkin}", "sources: 0.online: zipkin needs the `url` of its API"),
        ("{name: a, connector: zipkin, url: 'ftp://host'}", "sources: 0.online.url: write http://HOST"),
        ("{name: a, connector: zipkin, url: 'http://u:hunter2@host'}", "no user or password in the URL"),
        ("{name: a, connector: zipkin, url: 'http://h', options: {hour: 2}}", "zipkin has no option hour; its options"),
        ("{name: a, connector: zipkin, url: 'http://h', token_variable: 'a b'}", "0.online.token_variable: "),
        ("{name: a}, a", "sources: a is listed twice"),
    ],
)
def test_wrong_entries_of_sources_are_explained(entry: str, message: str) -> None:
    write(f"sources: [{entry}]")
    with pytest.raises(BadSettingsError) as refused:
        load_settings()
    assert message in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("in_file", "in_environment"),
    [("kinds: [Stream, {name: Badge}]", None), ("", "Stream, Badge"), ("kinds: [Other]", "Stream,Badge")],
)
def test_kinds_are_names_or_objects(in_file: str, in_environment: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    write(in_file)
    if in_environment:
        monkeypatch.setenv("GRAPH_API_KINDS", in_environment)
    assert load_settings().kinds == (Kind("Stream"), Kind("Badge"))


@pytest.mark.parametrize(
    "store",
    [
        "embedded:data/catalog.db",
        "embedded:/srv/with space@home/catalog.db",
        "embedded::memory:",
        "neo4j://graph.example.org:7687",
        "neo4j+s://graph.example.org",
        "bolt://127.0.0.1:7687",
        "bolt://[::1]:7687",
    ],
)
def test_a_store_is_a_file_memory_or_a_database(store: str) -> None:
    assert load_settings(chosen={"store": store}).store == store


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        ({"store": "mysql://host"}, ("store", "embedded:PATH")),
        ({"store": "embedded:"}, ("store", "embedded:PATH")),
        ({"store": "neo4j://"}, ("store", "neo4j://HOST:PORT")),
        ({"store": "neo4j://neo4j:hunter2@host"}, ("store", "neo4j_password")),
        ({"port": "70000"}, ("port", "65535")),
        ({"port": "http"}, ("port", "integer")),
        ({"deadline": "31"}, ("deadline", "30")),
        ({"deadline": "nan"}, ("deadline",)),
        ({"log_level": "loud"}, ("log_level", "debug")),
        ({"kinds": "component"}, ("kinds", "there is a kind component already")),
        ({"kinds": "Stream, stream"}, ("kinds", "there is a kind stream already")),
        ({"kinds": "My Kind"}, ("kinds", "My Kind", "letters")),
        ({"kinds": [{"name": "Stream", "like": "River"}]}, ("kinds", "like River", "no built-in kind")),
        ({"kinds": [{"name": "Stream", "ownabel": True}]}, ("kinds", "0.ownabel")),
        ({"kinds": [{"ownable": True}]}, ("kinds", "0.name")),
        ({"keep_runs": "0"}, ("keep_runs", "1")),
        ({"sources": [{"name": "x", "paths": "hunter2"}]}, ("sources: 0.files.paths: write a list",)),
        ({"sources": [{"name": "x", "paths": ["a"], "connector": "flux"}]}, ("0.online.paths", "give one of them")),
        ({"sources": [{"name": "x", "paths": ["a"], "url": "hunter2"}]}, ("0.files.url", "give one of them")),
        ({"sources": [{"name": "x", "paths": ["a"], "everi": "15m"}]}, ("no such field; did you mean every?",)),
        ({"sources": [{"name": "hunter2 b"}]}, ("0.name.name: it has characters",)),
        ({"kinds": [42]}, ("kinds: 0: write a name, or an object",)),
        ({"separate": [["component:a"]]}, ("separate: 0.1: write two of them",)),
        ({"separate": [["component:a", "component:b", "component:c"]]}, ("separate: 0: write two of them",)),
        ({"restricted": [{"kind": ["a"], "to": ["owners"]}]}, ("0.kind: there is no such field; did you mean kinds",)),
        ({"restricted": "owners"}, ("restricted: as one text it is a JSON list",)),
        ({"oidc_roles": "x"}, ("oidc_roles: x is not of the form VALUE=ROLE",)),
        ({"oidc_roles": [{"a": "b=editor"}]}, ("oidc_roles: {'a': 'b=editor'} is not of the form VALUE=ROLE",)),
        ({"otel_endpoint": "hunter2"}, ("otel_endpoint: write a URL",)),
        ({"separate": [["component:a", "Component:default/A"]]}, ("separate", "component:default/a stands twice")),
        ({"allowed_hosts": "*"}, ("allowed_hosts", "* is no name of a host")),
        ({"allowed_hosts": "portal.example:8443"}, ("allowed_hosts", "without scheme and port")),
        ({"descriptor_groups": ["a b"]}, ("descriptor_groups", "a b is no group")),
        ({"descriptor_groups": "acme.example/v1"}, ("descriptor_groups", "before the /")),
    ],
)
def test_a_wrong_value_is_explained_without_repeating_secrets(chosen: dict[str, Any], named: tuple[str, ...]) -> None:
    with pytest.raises(BadSettingsError) as refused:
        load_settings(chosen=chosen)
    message = str(refused.value)
    assert all(word in message for word in named)
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("stroe: embedded:x.db\nport: 70000", ("stroe is no setting; did you mean store?", "port: ")),
        ("neo4j_password: [hunter2", ("graph-api.yaml:1: not valid YAML",)),
        ("- port", ("graph-api.yaml: write one setting a line",)),
    ],
)
def test_a_wrong_file_is_explained_without_repeating_secrets(text: str, named: tuple[str, ...]) -> None:
    write(text)
    with pytest.raises(BadSettingsError) as refused:
        load_settings()
    message = str(refused.value)
    assert all(word in message for word in named)
    assert "hunter2" not in message


def test_a_file_that_is_named_must_be_there() -> None:
    with pytest.raises(BadSettingsError, match=r"nowhere\.yaml: No such file"):
        load_settings(Path("nowhere.yaml"))


def test_an_unknown_variable_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_API_PRT", "1")
    with pytest.raises(BadSettingsError, match="GRAPH_API_PRT is no setting; did you mean GRAPH_API_PORT"):
        load_settings()


def test_the_password_is_never_shown() -> None:
    write("neo4j_password: hunter2")
    settings = load_settings()
    assert "hunter2" not in repr(settings)
    assert settings.neo4j_password is not None
    assert settings.neo4j_password.get_secret_value() == "hunter2"


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n", encoding="utf-8")
    settings = load_settings(chosen={"neo4j_password": "other", "neo4j_password_file": str(secret)})
    assert settings.password_of_neo4j == secret.read_text(encoding="utf-8").strip()
    assert load_settings().password_of_neo4j is None
    with pytest.raises(BadSettingsError, match="neo4j_password_file"):
        load_settings(chosen={"neo4j_password_file": str(tmp_path / "nothing")})


LOOPBACK = ("127.0.0.1", "127.9.9.9", "::1", "localhost")
ELSEWHERE = ("0.0.0.0", "::", "graph.example.org")


@pytest.mark.parametrize("host", LOOPBACK + ELSEWHERE)
def test_everybody_may_come_in_on_loopback_only_unless_a_second_word_is_said(host: str) -> None:
    chosen = {"host": host, "insecure_anonymous": True}
    if host in ELSEWHERE:
        with pytest.raises(BadSettingsError, match="insecure_anonymous is for loopback"):
            load_settings(chosen=chosen)
    assert load_settings(chosen={**chosen, "insecure_anonymous_anywhere": host in ELSEWHERE}).insecure_anonymous
    assert not load_settings(chosen={"host": host}).insecure_anonymous


ISSUER = {"oidc_issuer": "https://id.example", "oidc_audience": "catalog"}


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({"oidc_issuer": "https://id.example"}, "needs oidc_audience"),
        ({"oidc_audience": "catalog"}, "need oidc_issuer"),
        ({"oidc_issuer": "http://id.example", "oidc_audience": "catalog"}, "https URL"),
        ({**ISSUER, "oidc_jwks_url": "file:///etc/passwd"}, "https URL"),
        ({**ISSUER, "oidc_algorithms": "RS256,HS256"}, "HS256"),
        ({**ISSUER, "oidc_algorithms": "none"}, "none"),
        ({**ISSUER, "oidc_algorithms": ""}, "choose among"),
        ({**ISSUER, "oidc_roles": "admins=root"}, "oidc_roles"),
        ({**ISSUER, "oidc_roles": "feeds=ingestor"}, "no role ingestor"),
        ({**ISSUER, "oidc_leeway": 61}, "oidc_leeway"),
        ({"trusted_proxies": "everybody"}, "trusted_proxies"),
    ],
)
def test_settings_of_access_that_are_wrong_are_refused(chosen: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadSettingsError, match=complaint):
        load_settings(chosen=chosen)


def test_roles_are_one_text_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPH_API_OIDC_ROLES", "platform=admin, group:default/sec=security")
    roles = load_settings(chosen=ISSUER).oidc_roles
    assert roles == {"platform": Role.ADMIN, "group:default/sec": Role.SECURITY}
    assert load_settings(chosen={**ISSUER, "oidc_roles": {"a=b": "editor"}}).oidc_roles == {"a=b": Role.EDITOR}


def test_configured_sources_come_first_in_their_order_and_the_api_last() -> None:
    order = source_order(load_settings(chosen={"sources": ["zulu", "alpha", "api:trusted"]}))
    sources = ["api", "bravo", "alpha", "api:import", "api:trusted", "aardvark", "zulu"]
    assert sorted(sources, key=order) == ["zulu", "alpha", "api:trusted", "aardvark", "bravo", "api", "api:import"]


def test_the_containers_answer_to_names_of_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    for name, value in compose["services"]["api"]["environment"].items():
        monkeypatch.setenv(name, value)
    settings = load_settings(chosen={"host": "0.0.0.0"})
    assert settings.known_hosts == frozenset({"0.0.0.0", "localhost", "127.0.0.1", "::1"})
    assert not settings.insecure_anonymous


def test_hosts_are_names_and_addresses() -> None:
    hosts = ("Portal.example", "my_host", "10.0.0.1", "2001:db8::1")
    assert load_settings(chosen={"allowed_hosts": list(hosts)}).allowed_hosts == hosts
