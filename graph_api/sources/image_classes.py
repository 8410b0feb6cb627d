"""What well-known container images are: database, cache, queue, storage, transit ... by the last part of their name."""

from graph_api.sources.naming import image_name

_CLASSES = {
    "database": """
        arangodb azure-sql-edge cassandra clickhouse clickhouse-server cockroach cockroachdb couchbase
        couchdb crate dgraph elasticsearch elasticsearch-oss etcd influxdb mariadb mariadb-galera meilisearch milvus
        mongo mongodb mongodb-community-server mssql-server mysql mysql-server neo4j opensearch oracle-free percona
        percona-server postgis postgres postgresql qdrant questdb rethinkdb scylla solr spilo-16 spilo-17 sqlserver
        surrealdb timescaledb timescaledb-ha typesense vitess weaviate""",
    "cache": """
        dragonfly garnet keydb memcached redis redis-cluster redismod redis-stack redis-stack-server valkey varnish""",
    "queue": """
        activemq activemq-artemis cp-kafka cp-server emqx hivemq4 kafka kafka-native mosquitto nats nats-streaming
        pulsar pulsar-all rabbitmq redpanda rocketmq zookeeper cp-zookeeper""",
    "storage": "azurite ceph localstack minio rustfs seaweedfs zenko",
    "transit": """
        apisix caddy coredns envoy haproxy kong nginx nginx-ingress nginx-unprivileged
        pgbouncer proxysql proxyv2 traefik""",
}
"""Class by the last part of the image's name, whoever publishes it: `bitnami/redis` is a cache as `redis` is."""

_PUBLISHERS = """
    apache bitnami bitnamilegacy calico cilium confluentinc curlimages elastic envoyproxy fluent fluxcd
    google_containers grafana hashicorp istio jaegertracing jetstack kiali kubernetesui library linuxserver
    open-telemetry openzipkin otel portainer prom prometheus prometheus-community
    prometheus-operator prometheuscommunity rancher selenium temporalio tensorflow victoriametrics"""
"""Publishers of images that are nobody's own software: many teams run them, and each of these is a thing of its own."""

_GENERIC_HOSTS = frozenset({"docker.elastic.co", "k8s.gcr.io", "mcr.microsoft.com", "registry.k8s.io"})
"""Registries of such publishers."""

_HUBS = frozenset({"docker.io", "gcr.io", "ghcr.io", "quay.io"})
"""Registries of many publishers, of whom the first folder is; a registry of one's own may hold theirs in any."""

_GENERIC_PUBLISHERS = frozenset(_PUBLISHERS.split())
_CLASS_OF = {name: class_ for class_, names in _CLASSES.items() for name in names.split()}


def class_of_image(image: str) -> str | None:
    """The Resource class of a well-known image; None of one's own software and of all that is unknown."""
    return _CLASS_OF.get(image_name(image).rpartition("/")[2])


def is_own_software(image: str) -> bool:
    """Whether the image may be what names a piece of software: no middleware, nothing that everybody runs."""
    host, *folders, name = image_name(image).split("/")
    publishers = folders[:1] if host in _HUBS else folders
    if host in _GENERIC_HOSTS or not _GENERIC_PUBLISHERS.isdisjoint(publishers):
        return False
    return bool(name) and class_of_image(image) is None
