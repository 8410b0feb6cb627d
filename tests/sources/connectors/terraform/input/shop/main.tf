terraform {
  backend "s3" {
    bucket     = "states"
    secret_key = "canary-secret"
  }
}

variable "db_password" {
  default = "canary-secret"
}

locals {
  tags = {
    team = "orders-team"
    env  = "production"
  }
  db_subnets = module.net.subnet_ids
}

/* Where the
   network comes from */
module "net" {
  source = "./net"
  vpc_id = data.aws_vpc.main.id
}

module "cdn" {
  source  = "terraform-aws-modules/cloudfront/aws"
  version = "3.2.1"
  origin  = aws_s3_bucket.assets.bucket_regional_domain_name
}

data "aws_vpc" "main" {
  tags = { Name = "main" }
}

data "aws_iam_policy_document" "read" {
  statement {
    resources = [aws_s3_bucket.assets.arn]
  }
}

resource "aws_db_instance" "orders" {
  count                = 2
  identifier           = "orders"
  password             = var.db_password
  db_subnet_group_name = local.db_subnets[0]
  tags                 = merge(local.tags, { service = "checkout" })
}

resource "aws_s3_bucket" "assets" {
  bucket = "shop-assets-${terraform.workspace}"
  tags   = local.tags
}

resource "aws_iam_policy" "read" {
  policy = data.aws_iam_policy_document.read.json
}

resource "aws_iam_role" "web" {
  name = "web"
}

resource "aws_iam_role_policy_attachment" "web" {
  role       = aws_iam_role.web.name
  policy_arn = aws_iam_policy.read.arn
}

resource "kubernetes_deployment_v1" "web" {
  provider = kubernetes.shop
  metadata {
    name      = "web"
    namespace = "shop"
  }
  spec {
    template {
      spec {
        container {
          env {
            name  = "DATABASE"
            value = "postgres://app:canary-secret@${aws_db_instance.orders[0].address}/orders"
          }
          dynamic "port" {
            for_each = { for port in var.ports : port.name => port }
            content {
              container_port = port.value
            }
          }
        }
      }
    }
  }
  depends_on = [module.cdn]
}

resource "datadog_monitor" "orders" {
  name    = "Orders are late"
  query   = <<-EOT
    avg:orders.age{queue:${aws_sqs_queue.orders["main"].name}} > 60
    # { "this is no comment
  EOT
  tags    = ["team:orders-team", "cost:${var.cost}"]
}

resource "qovery_environment" "production" {
  project_id = qovery_project.shop.id
  name       = "production"
}

resource "qovery_project" "shop" {
  name = "shop"
}

resource "qovery_application" "checkout" {
  environment_id = qovery_environment.production.id
  name           = "checkout"
  git_repository = {
    url       = "https://github.com/shop/checkout.git"
    root_path = "/"
  }
  secrets = [{ key = "TOKEN", value = "canary-secret" }]
}
