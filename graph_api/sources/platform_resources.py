"""Classes of the resource types that Score, Humanitec and Qovery name: what each is to an organization."""

_CLASSES = {
    "database": """
        clickhouse cockroachdb dynamodb dynamodb-table influxdb mariadb mongodb mongodb-instance mssql mssql-instance
        mysql mysql-instance neo4j oracle postgres postgres-instance postgresql snowflake-database""",
    "cache": "memcached redis valkey",
    "search": "elasticsearch opensearch",
    "queue": """
        amqp azure-service-bus-queue azure-service-bus-topic gcp-pubsub-subscription gcp-pubsub-topic kafka kafka-topic
        nats rabbitmq sns-topic sqs""",
    "storage": """
        azure-blob azure-blob-storage azure-blob-storage-account container-registry gcs gcs-bucket s3 s3-bucket volume
        volume-nfs volume-pvc persistent-volume""",
    "transit": "gateway ingress load-balancer route",
    "network": "dns vpc",
    "compute": "aws-lambda ecs-cluster k8s-cluster k8s-namespace vm",
    "identity": """
        aws-policy aws-role azure-federated-identity azure-managed-identity gcp-iam-member gcp-iam-policy-binding
        gcp-service-account k8s-service-account""",
    "secret": "config secret tls-cert",
    "observability": "logging observability",
}

_CLASS_OF = {type_: class_ for class_, types in _CLASSES.items() for type_ in types.split()}


def class_of(type_: str) -> str:
    """The class of a resource type; a type that is unknown is its own class."""
    return _CLASS_OF.get(type_.lower(), type_)
