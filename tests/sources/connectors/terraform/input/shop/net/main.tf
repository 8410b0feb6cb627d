variable "vpc_id" {}

resource "aws_subnet" "private" {
  for_each = toset(["a", "b"])
  vpc_id   = var.vpc_id
}

output "subnet_ids" {
  value = values(aws_subnet.private)[*].id
}
