"""The table of resource classes, by Terraform type and by Pulumi token."""

import pytest

from graph_api.sources.resource_classes import provider_of, resource_class


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("aws_db_instance", "database"),
        ("aws_rds_cluster_instance", "database"),
        ("aws_dynamodb_table", "database"),
        ("aws_s3_bucket_policy", "storage"),
        ("aws_instance", "compute"),
        ("aws_lambda_function", "compute"),
        ("aws_lb_target_group", "transit"),
        ("aws_ec2_transit_gateway_route", "transit"),
        ("aws_vpc", "network"),
        ("aws_vpc_endpoint", "transit"),
        ("aws_sqs_queue", "queue"),
        ("aws_cloudwatch_metric_alarm", "observability"),
        ("aws_cloudwatch_event_rule", "queue"),
        ("aws_elasticache_replication_group", "cache"),
        ("aws_secretsmanager_secret", "secret"),
        ("aws_iam_role", "identity"),
        ("aws_iam_policy_document", "other"),
        ("azurerm_postgresql_flexible_server", "database"),
        ("azurerm_storage_account", "storage"),
        ("azurerm_storage_queue", "queue"),
        ("azurerm_kubernetes_cluster", "compute"),
        ("azurerm_virtual_network", "network"),
        ("azurerm_virtual_network_gateway", "transit"),
        ("azurerm_redis_cache", "cache"),
        ("azurerm_key_vault_secret", "secret"),
        ("google_sql_database_instance", "database"),
        ("google_storage_bucket", "storage"),
        ("google_container_cluster", "compute"),
        ("google_compute_network", "network"),
        ("google_compute_network_peering", "transit"),
        ("google_pubsub_topic", "queue"),
        ("google_project_service", "other"),
        ("kubernetes_deployment_v1", "container"),
        ("kubernetes_service_account", "identity"),
        ("helm_release", "container"),
        ("openstack_lb_pool_v2", "transit"),
        ("cloudflare_record", "network"),
        ("datadog_monitor", "observability"),
        ("aws", "other"),
        ("null_resource", "other"),
        ("", "other"),
        ("aws:rds/instance:Instance", "database"),
        ("aws-native:rds:DBInstance", "database"),
        ("aws:ec2/instance:Instance", "compute"),
        ("aws:ec2/securityGroup:SecurityGroup", "network"),
        ("aws:ec2/natGateway:NatGateway", "transit"),
        ("azure-native:storage:StorageAccount", "storage"),
        ("azure-native:storage/v20230101:StorageAccount", "storage"),
        ("azure:postgresql/server:Server", "database"),
        ("gcp:sql/databaseInstance:DatabaseInstance", "database"),
        ("google-native:storage/v1:Bucket", "storage"),
        ("kubernetes:apps/v1:Deployment", "container"),
        ("kubernetes:core/v1:Secret", "secret"),
        ("kubernetes:helm.sh/v3:Release", "container"),
        ("eks:index:Cluster", "compute"),
        ("my:component:Thing", "other"),
        (":", "other"),
    ],
)
def test_the_longest_known_beginning_gives_the_class(type_: str, expected: str) -> None:
    assert resource_class(type_) == expected


@pytest.mark.parametrize(
    ("terraform", "pulumi", "expected"),
    [
        ("google_sql_user", "gcp:sql/user:User", "google"),
        ("azurerm_storage_account", "azure-native:storage:StorageAccount", "azure"),
        ("aws_vpc", "aws-native:ec2:Vpc", "aws"),
        ("kubernetes_secret", "kubernetes:core/v1:Secret", "kubernetes"),
    ],
)
def test_both_tools_name_a_provider_alike(terraform: str, pulumi: str, expected: str) -> None:
    assert (provider_of(terraform), provider_of(pulumi)) == (expected, expected)
