"""What dbt, OpenLineage and Airflow call alike is one thing: tables, buckets, topics and DAGs; so are gRPC services."""

from graph_api.catalog.correlation import Rules, Stated, correlate
from graph_api.catalog.identifiers import identifiers_of
from graph_api.catalog.ref import Ref
from tests.sources.connectors.recorded import read_recorded

GRPC = "grpc:acme.shop.v1.CartService"


def test_datasets_and_pipelines_of_three_tools_are_joined_by_their_names() -> None:
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
    pipelines = [group for group in joined if any(ref.startswith("pipeline:") for ref in group)]
    assert pipelines == [{"pipeline:airflow/sales", "pipeline:openlineage-airflow-prod/sales"}]


def test_a_service_of_protobuf_is_the_api_that_names_it() -> None:
    described = Ref("api:default/carts")
    things = {Stated("files", described): identifiers_of("api", {"graph-api/identifiers": GRPC}, {})} | {
        Stated("protobuf", ref): said.identifiers for ref, said in read_recorded("protobuf").entities.items()
    }
    joined = [group for group in correlate(things, Rules()) if len(group) > 1]
    assert joined == [{described, "api:protobuf/acme.shop.v1.cartservice"}]
