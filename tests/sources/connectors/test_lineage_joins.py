"""The same tables, buckets and topics, as dbt, OpenLineage and Airflow name them, are one each."""

from graph_api.catalog.correlation import Rules, Stated, correlate
from tests.sources.connectors.recorded import read_recorded


def test_datasets_of_three_tools_are_joined_by_their_names() -> None:
    things = {
        Stated(name, ref): said.identifiers
        for name in ("dbt", "openlineage", "airflow")
        for ref, said in read_recorded(name).entities.items()
    }
    joined = [{str(ref) for ref in group} for group in correlate(things, Rules()) if len(group) > 1]
    datasets = [group for group in joined if any(ref.startswith("dataset:") for ref in group)]
    assert sorted(map(sorted, datasets)) == [
        ["dataset:airflow/bigquery-acme-mart-revenue", "dataset:openlineage-bigquery/acme.mart.revenue"],
        [
            "dataset:airflow/kafka-broker.acme.example-9092-clicks",
            "dataset:openlineage-kafka-broker-acme-example-9092/clicks",
        ],
        [
            "dataset:airflow/postgres-db.acme.example-shop-public-orders",
            "dataset:openlineage-postgres-db-acme-example-5432/shop.public.orders",
        ],
        ["dataset:airflow/s3-acme-lake-sales-daily", "dataset:openlineage-s3-acme-lake/sales-daily"],
        [
            "dataset:dbt-shop/dwh.analytics.customers",
            "dataset:openlineage-postgres-dwh-acme-example-5432/dwh.analytics.customers",
        ],
    ]
