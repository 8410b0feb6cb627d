"""Classes of cloud resources: what a type of Terraform's or Pulumi's is to an organization, whoever sells it.

A Terraform type is looked up by its words, the longest known beginning first: `aws_db_instance_role_association` ->
`aws_db_instance` -> `aws_db`. A Pulumi token `aws:rds/instance:Instance` is looked up as `aws:rds/instance`, then as
`aws:rds`; its provider's other names (`azure-native`, `google-native`, `gcp`, `aws-native`) and versions of modules
(`apps/v1`) make no difference.

- database, storage (objects, blocks, files, images), cache, search, queue (queues, topics, streams)
- compute (machines, functions, clusters), container (workloads on a cluster)
- transit (what carries traffic: load balancers, gateways, CDNs, peerings), network (addresses, rules, DNS)
- secret (secrets, keys, certificates), identity (accounts, roles, policies)
- observability, delivery (builds and releases), other
"""

from functools import lru_cache

OTHER = "other"

_TABLE = {
    "database": """
        aws_db aws_rds aws_dynamodb aws_dax aws_docdb aws_docdbelastic aws_neptune aws_redshift aws_redshiftserverless
        aws_timestreamwrite aws_keyspaces aws_qldb aws_memorydb aws_dsql aws_athena aws_glue_catalog
        azurerm_postgresql azurerm_mysql azurerm_mariadb azurerm_mssql azurerm_sql azurerm_cosmosdb azurerm_synapse
        azurerm_kusto azurerm_oracle
        google_sql google_spanner google_bigtable google_firestore google_firebase_database google_bigquery
        google_alloydb google_datastore digitalocean_database scaleway_rdb scaleway_mongodb openstack_db mongodbatlas
        snowflake cloudflare_d1 postgresql mysql databricks_sql qovery_database oci_database oci_mysql alicloud_db
        alicloud_polardb ovh_cloud_project_database hcloud_database exoscale_database linode_database
        heroku_postgresql
        aws:rds aws:dynamodb aws:dax aws:docdb aws:neptune aws:redshift aws:redshiftserverless aws:timestreamwrite
        aws:keyspaces aws:qldb aws:memorydb aws:athena
        azure:postgresql azure:dbforpostgresql azure:mysql azure:dbformysql azure:mariadb azure:dbformariadb
        azure:mssql azure:sql azure:cosmosdb azure:documentdb azure:synapse azure:kusto
        google:sql google:sqladmin google:spanner google:bigtable google:bigtableadmin google:firestore
        google:bigquery google:alloydb google:datastore digitalocean:index/databasecluster
        digitalocean:index/databasedb cloud:table
    """,
    "storage": """
        aws_s3 aws_s3control aws_ebs aws_efs aws_fsx aws_glacier aws_backup aws_ecr aws_ecrpublic aws_storagegateway
        aws_lakeformation aws_volume_attachment aws_dlm aws_ami
        azurerm_storage azurerm_managed_disk azurerm_container_registry azurerm_netapp azurerm_data_lake
        azurerm_recovery_services azurerm_backup azurerm_image azurerm_shared_image
        google_storage google_filestore google_compute_disk google_compute_snapshot google_compute_image
        google_compute_attached_disk google_artifact_registry google_container_registry google_compute_region_disk
        kubernetes_persistent_volume kubernetes_storage_class openstack_blockstorage openstack_objectstorage
        openstack_sharedfilesystem openstack_compute_volume openstack_images flexibleengine_blockstorage
        digitalocean_spaces digitalocean_volume digitalocean_container_registry scaleway_object scaleway_block
        scaleway_registry scaleway_instance_volume hcloud_volume cloudflare_r2 minio qovery_container_registry
        oci_objectstorage oci_core_volume alicloud_oss
        aws:s3 aws:s3control aws:ebs aws:efs aws:fsx aws:glacier aws:backup aws:ecr aws:ecrpublic aws:ec2/ami
        aws:ec2/volume aws:ec2/volumeattachment
        azure:storage azure:containerservice/registry azure:containerregistry azure:compute/manageddisk
        azure:compute/disk azure:netapp azure:recoveryservices
        google:storage google:filestore google:compute/disk google:compute/snapshot google:compute/image
        google:artifactregistry google:container/registry
        kubernetes:core/persistentvolume kubernetes:core/persistentvolumeclaim kubernetes:storage.k8s.io
        digitalocean:index/spacesbucket digitalocean:index/volume cloudflare:index/r2bucket cloud:bucket
    """,
    "compute": """
        aws_instance aws_spot aws_launch aws_autoscaling aws_lambda aws_ecs aws_eks aws_batch aws_lightsail aws_emr
        aws_emrserverless aws_elastic_beanstalk aws_apprunner aws_sagemaker aws_ec2_fleet aws_ec2_capacity
        aws_placement_group aws_key_pair aws_sfn aws_glue aws_mwaa aws_imagebuilder
        azurerm_virtual_machine azurerm_linux azurerm_windows azurerm_orchestrated azurerm_kubernetes
        azurerm_container azurerm_app_service azurerm_service_plan azurerm_function azurerm_batch azurerm_databricks
        azurerm_logic_app azurerm_data_factory azurerm_availability_set azurerm_machine_learning azurerm_static_web
        azurerm_static_site azurerm_spring_cloud azurerm_hdinsight
        google_compute_instance google_compute_region_instance google_compute_autoscaler
        google_compute_region_autoscaler google_container google_cloud_run google_cloudfunctions
        google_cloudfunctions2 google_app_engine google_dataproc google_dataflow google_composer google_notebooks
        google_vertex_ai google_workflows google_gke google_cloud_scheduler openstack_compute openstack_containerinfra
        flexibleengine_compute flexibleengine_cce scaleway_instance scaleway_k8s scaleway_container scaleway_function
        digitalocean_droplet digitalocean_kubernetes digitalocean_app hcloud_server linode_instance linode_lke
        vsphere_virtual proxmox_vm libvirt_domain oci_core_instance oci_containerengine alicloud_instance alicloud_cs
        cloudflare_workers cloudflare_worker cloudflare_pages heroku_app vercel_project netlify_site
        databricks_cluster databricks_job nomad_job rancher2_cluster qovery_cluster
        aws:ec2/instance aws:ec2/spotinstancerequest aws:ec2/launchtemplate aws:ec2/launchconfiguration
        aws:ec2/keypair aws:ec2/fleet aws:autoscaling aws:lambda aws:ecs aws:eks aws:batch aws:lightsail aws:emr
        aws:elasticbeanstalk aws:apprunner aws:sagemaker aws:sfn aws:glue aws:mwaa eks awsx:ecs awsx:lambda
        azure:compute azure:containerservice azure:containerinstance azure:appservice azure:web azure:batch
        azure:databricks azure:logic azure:datafactory azure:app
        google:compute/instance google:compute/instancetemplate google:compute/instancegroup
        google:compute/instancegroupmanager google:compute/autoscaler google:container google:cloudrun
        google:cloudrunv2 google:run google:cloudfunctions google:cloudfunctionsv2 google:appengine google:dataproc
        google:dataflow google:composer google:workflows google:cloudscheduler digitalocean:index/droplet
        digitalocean:index/kubernetescluster digitalocean:index/app openstack:compute hcloud:index/server
        cloudflare:index/workerscript cloudflare:index/workersscript cloud:function cloud:timer docker:index/container
        docker_container
    """,
    "container": """
        kubernetes_deployment kubernetes_stateful_set kubernetes_daemonset kubernetes_daemon_set kubernetes_job
        kubernetes_cron_job kubernetes_pod kubernetes_replication_controller kubernetes_manifest
        kubernetes_horizontal_pod_autoscaler helm_release kubectl_manifest
        kubernetes:apps kubernetes:batch kubernetes:core/pod kubernetes:core/replicationcontroller kubernetes:helm.sh
        kubernetes:yaml kubernetes:kustomize kubernetes:autoscaling docker_service docker:index/service
    """,
    "queue": """
        aws_sqs aws_sns aws_kinesis aws_msk aws_mskconnect aws_mq aws_cloudwatch_event aws_scheduler aws_pipes
        aws_schemas aws_ses aws_sesv2
        azurerm_servicebus azurerm_eventhub azurerm_eventgrid azurerm_storage_queue azurerm_notification_hub
        azurerm_iothub azurerm_stream_analytics
        google_pubsub google_cloud_tasks google_eventarc google_managed_kafka confluent kafka rabbitmq
        cloudflare_queue scaleway_mnq oci_streaming alicloud_alikafka
        aws:sqs aws:sns aws:kinesis aws:msk aws:mskconnect aws:mq aws:cloudwatch/eventrule aws:cloudwatch/eventtarget
        aws:cloudwatch/eventbus aws:scheduler aws:pipes aws:ses
        azure:servicebus azure:eventhub azure:eventgrid azure:notificationhub azure:storage/queue
        google:pubsub google:cloudtasks google:eventarc confluentcloud cloud:topic
    """,
    "cache": """
        aws_elasticache
        azurerm_redis azurerm_managed_redis
        google_redis google_memcache google_memorystore scaleway_redis upstash_redis rediscloud
        aws:elasticache
        azure:redis azure:cache
        google:redis google:memcache google:memorystore heroku_redis
    """,
    "search": """
        aws_elasticsearch aws_opensearch aws_opensearchserverless aws_cloudsearch
        azurerm_search elasticstack ec_deployment
        google_discovery_engine
        aws:elasticsearch aws:opensearch aws:cloudsearch
        azure:search ec
    """,
    "transit": """
        aws_lb aws_alb aws_elb aws_api_gateway aws_apigatewayv2 aws_cloudfront aws_globalaccelerator aws_ec2_transit
        aws_dx aws_vpn aws_customer_gateway aws_nat_gateway aws_internet_gateway aws_egress_only_internet_gateway
        aws_vpc_peering aws_vpc_endpoint aws_networkfirewall aws_appmesh aws_vpclattice aws_networkmanager aws_appsync
        aws_proxy_protocol_policy aws_load_balancer aws_app_cookie_stickiness_policy
        azurerm_lb azurerm_application_gateway azurerm_frontdoor azurerm_cdn azurerm_traffic_manager azurerm_firewall
        azurerm_virtual_network_gateway azurerm_virtual_network_peering azurerm_local_network_gateway
        azurerm_express_route azurerm_vpn azurerm_virtual_wan azurerm_virtual_hub azurerm_nat_gateway
        azurerm_private_endpoint azurerm_private_link azurerm_api_management azurerm_bastion
        google_compute_forwarding_rule google_compute_global_forwarding_rule google_compute_backend
        google_compute_region_backend google_compute_url_map google_compute_region_url_map google_compute_target
        google_compute_region_target google_compute_router google_compute_vpn google_compute_ha_vpn
        google_compute_external_vpn google_compute_interconnect google_compute_network_peering
        google_compute_health_check google_compute_http_health_check google_compute_https_health_check
        google_compute_region_health_check google_compute_service_attachment google_api_gateway google_apigee
        google_endpoints google_network_connectivity google_network_services google_vpc_access
        google_service_networking
        kubernetes_ingress kubernetes_service openstack_lb openstack_networking_router flexibleengine_lb scaleway_lb
        scaleway_vpc_gateway scaleway_vpc_public digitalocean_loadbalancer digitalocean_cdn hcloud_load_balancer
        linode_nodebalancer oci_load_balancer oci_core_drg oci_core_nat_gateway oci_core_internet_gateway alicloud_slb
        alicloud_alb cloudflare_load_balancer cloudflare_tunnel cloudflare_zero_trust_tunnel cloudflare_spectrum kong
        fastly
        aws:lb aws:alb aws:elb aws:elasticloadbalancing aws:elasticloadbalancingv2 aws:applicationloadbalancing
        aws:apigateway aws:apigatewayv2 aws:cloudfront aws:globalaccelerator aws:ec2transitgateway aws:directconnect
        aws:ec2/vpnconnection aws:ec2/vpngateway aws:ec2/customergateway aws:ec2/natgateway aws:ec2/internetgateway
        aws:ec2/egressonlyinternetgateway aws:ec2/vpcpeeringconnection aws:ec2/vpcendpoint aws:ec2/transitgateway
        aws:networkfirewall aws:appmesh aws:vpclattice aws:appsync awsx:lb aws-apigateway
        azure:lb azure:cdn azure:frontdoor azure:trafficmanager azure:apimanagement azure:network/loadbalancer
        azure:network/applicationgateway azure:network/virtualnetworkgateway azure:network/virtualnetworkpeering
        azure:network/expressroutecircuit azure:network/azurefirewall azure:network/natgateway
        azure:network/privateendpoint azure:network/trafficmanagerprofile azure:network/virtualwan
        google:compute/forwardingrule google:compute/globalforwardingrule google:compute/backendservice
        google:compute/backendbucket google:compute/urlmap google:compute/targethttpproxy
        google:compute/targethttpsproxy google:compute/targetpool google:compute/router google:compute/routernat
        google:compute/healthcheck google:compute/vpntunnel google:compute/vpngateway google:apigateway google:apigee
        google:vpcaccess google:endpoints
        kubernetes:core/service kubernetes:networking.k8s.io/ingress kubernetes:extensions/ingress
        kubernetes:gateway.networking.k8s.io cloudflare:index/loadbalancer digitalocean:index/loadbalancer cloud:http
        cloud:httpendpoint cloud:api
    """,
    "network": """
        aws_vpc aws_subnet aws_default aws_route aws_route53 aws_security_group aws_network aws_eip aws_ec2_managed
        aws_main_route_table_association aws_flow_log aws_service_discovery aws_waf aws_wafv2 aws_wafregional
        aws_shield aws_ram
        azurerm_virtual_network azurerm_subnet azurerm_network azurerm_public_ip azurerm_route azurerm_dns
        azurerm_private_dns azurerm_application_security_group azurerm_web_application_firewall azurerm_ip_group
        google_compute_network google_compute_subnetwork google_compute_firewall google_compute_address
        google_compute_global_address google_compute_route google_dns google_compute_security_policy
        google_compute_shared_vpc google_compute_project google_service_directory
        kubernetes_network_policy kubernetes_endpoints openstack_networking openstack_compute_floatingip openstack_dns
        flexibleengine_networking flexibleengine_vpc scaleway_vpc scaleway_domain scaleway_instance_ip
        scaleway_instance_security_group digitalocean_vpc digitalocean_firewall digitalocean_domain
        digitalocean_record digitalocean_floating_ip digitalocean_reserved_ip hcloud_network hcloud_firewall
        hcloud_floating_ip oci_core oci_dns alicloud_vpc alicloud_vswitch alicloud_security_group cloudflare dns ns1
        linode_firewall linode_domain
        aws:ec2 aws:route53 aws:servicediscovery aws:waf aws:wafv2 aws:wafregional awsx:ec2
        azure:network azure:dns azure:privatedns
        google:compute/network google:compute/subnetwork google:compute/firewall google:compute/address
        google:compute/globaladdress google:compute/route google:dns google:compute/securitypolicy
        kubernetes:networking.k8s.io kubernetes:core/endpoints openstack:networking openstack:dns
        digitalocean:index/vpc digitalocean:index/firewall digitalocean:index/domain digitalocean:index/dnsrecord
        dnsimple
    """,
    "secret": """
        aws_secretsmanager aws_ssm_parameter aws_kms aws_acm aws_acmpca aws_cloudhsm aws_signer
        azurerm_key_vault azurerm_app_configuration azurerm_app_service_certificate
        google_secret_manager google_kms google_certificate_manager google_compute_ssl_certificate
        google_compute_managed_ssl_certificate google_privateca google_compute_region_ssl_certificate
        kubernetes_secret kubernetes_config_map openstack_keymanager vault tls acme random_password
        cloudflare_origin_ca_certificate digitalocean_certificate hcloud_uploaded_certificate scaleway_secret
        aws:secretsmanager aws:ssm/parameter aws:kms aws:acm aws:certificatemanager aws:acmpca
        azure:keyvault azure:appconfiguration
        google:secretmanager google:kms google:cloudkms google:certificatemanager google:compute/sslcertificate
        google:compute/managedsslcertificate
        kubernetes:core/secret kubernetes:core/configmap random:index/randompassword
    """,
    "identity": """
        aws_iam aws_identitystore aws_ssoadmin aws_cognito aws_organizations aws_sso aws_directory_service
        aws_transfer_user aws_verifiedpermissions
        azurerm_role azurerm_user_assigned_identity azurerm_federated_identity azurerm_policy azurerm_management_group
        azuread msgraph
        google_project google_service_account google_organization google_folder google_iam google_identity_platform
        google_iap google_cloud_identity google_access_context_manager
        kubernetes_service_account kubernetes_role kubernetes_cluster_role openstack_identity scaleway_iam okta auth0
        keycloak github_team github_membership gitlab_group cloudflare_access cloudflare_zero_trust_access
        oci_identity
        aws:iam aws:identitystore aws:ssoadmin aws:cognito aws:organizations
        azure:authorization azure:managedidentity azure:management
        google:projects google:serviceaccount google:serviceaccounts google:organizations google:iam google:folder
        google:identityplatform google:iap
        kubernetes:rbac.authorization.k8s.io kubernetes:core/serviceaccount openstack:identity
    """,
    "observability": """
        aws_cloudwatch aws_cloudtrail aws_xray aws_prometheus aws_grafana aws_config aws_guardduty aws_securityhub
        aws_synthetics aws_inspector2
        azurerm_monitor azurerm_log_analytics azurerm_application_insights azurerm_dashboard azurerm_portal
        azurerm_security_center azurerm_sentinel azurerm_security
        google_monitoring google_logging google_error_reporting google_scc datadog grafana newrelic pagerduty opsgenie
        sentry dynatrace honeycombio splunk statuspage elasticstack_kibana
        aws:cloudwatch aws:cloudtrail aws:xray aws:amp aws:grafana aws:cfg aws:guardduty aws:securityhub
        aws:synthetics
        azure:monitoring azure:insights azure:loganalytics azure:operationalinsights azure:operationalmanagement
        azure:appinsights
        google:monitoring google:logging
    """,
    "delivery": """
        aws_codebuild aws_codepipeline aws_codedeploy aws_codecommit aws_codeartifact aws_codestarconnections
        aws_cloudformation
        google_cloudbuild google_clouddeploy google_sourcerepo
        azurerm_dev azuredevops github gitlab argocd flux buildkite circleci spacelift tfe bitbucket
        aws:codebuild aws:codepipeline aws:codedeploy aws:codecommit aws:codeartifact aws:cloudformation
        google:cloudbuild google:clouddeploy google:sourcerepo
        azure:devtest docker:image docker:index/image docker-build docker_image
    """,
    OTHER: """
        aws_iam_policy_document aws_caller_identity aws_region aws_availability_zone aws_availability_zones
        aws_partition aws_default_tags aws_arn aws_ip_ranges aws_service_principal aws_ecr_authorization_token
        aws_eks_cluster_auth aws_elb_service_account aws_ec2_instance_type aws_resourcegroups aws_budgets
        azurerm_client_config azurerm_resource_group azurerm_subscription azurerm_resource_provider
        google_client_config google_client_openid_userinfo google_compute_zones google_compute_regions
        google_project_service google_iam_policy google_netblock_ip_ranges google_container_engine_versions
        cloudflare_ip_ranges tls_certificate
        google_billing
        kubernetes_namespace
        kubernetes:core/namespace vault_generic_secret
        google:projects/service
        azure:core/resourcegroup azure:resources/resourcegroup
    """,
}

_CLASSES = {beginning: name for name, text in _TABLE.items() for beginning in text.split()}
_MOST_WORDS = 1 + max(beginning.count("_") for beginning in _CLASSES)
_PROVIDERS = {
    "aws-native": "aws",
    "azure-native": "azure",
    "azure-nextgen": "azure",
    "gcp": "google",
    "google-native": "google",
}


@lru_cache(maxsize=10_000)
def resource_class(type_: str) -> str:
    """The class of a Terraform type or a Pulumi token; `other` for what no beginning in the table fits."""
    beginnings = _token_beginnings(type_) if ":" in type_ else _type_beginnings(type_)
    return next((_CLASSES[beginning] for beginning in beginnings if beginning in _CLASSES), OTHER)


def provider_of(type_: str) -> str:
    """The provider's name, the same for both tools: `google` of `google_sql_user` and `gcp:sql/user:User`."""
    name = type_.partition(":")[0] if ":" in type_ else type_.partition("_")[0]
    return {"azurerm": "azure"}.get(name, _PROVIDERS.get(name, name))


def _type_beginnings(type_: str) -> list[str]:
    words = type_.lower().split("_", _MOST_WORDS)[:_MOST_WORDS]
    return ["_".join(words[:count]) for count in range(len(words), 0, -1)]


def _token_beginnings(token: str) -> list[str]:
    provider, _, rest = token.partition(":")
    module, _, name = rest.rpartition(":")
    provider, module = _PROVIDERS.get(provider, provider), module.partition("/")[0].lower()
    return [f"{provider}:{module}/{name.lower()}", f"{provider}:{module}", provider]
