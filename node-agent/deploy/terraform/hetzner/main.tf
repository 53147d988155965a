# One node of MyRelay at Hetzner: a server, and a firewall before it that lets in what the server's
# own firewall lets in. The server joins by itself and appears on the portal's page Nodes.

terraform {
  required_version = ">= 1.5"
  required_providers {
    hcloud = {
      source  = "hetznercloud/hcloud"
      version = "~> 1.45"
    }
  }
}

# The key to the project is read from the environment, HCLOUD_TOKEN, and stands in no file.
provider "hcloud" {}

resource "hcloud_firewall" "node" {
  name = "${var.name}-node"

  rule {
    description = "SSH"
    direction   = "in"
    protocol    = "tcp"
    port        = "22"
    source_ips  = ["0.0.0.0/0", "::/0"]
  }

  # Every port a pod can have. Which of them are open is said by the server's own firewall: those
  # of the pods that live.
  rule {
    description = "Pods"
    direction   = "in"
    protocol    = "udp"
    port        = "51820-61819"
    source_ips  = ["0.0.0.0/0", "::/0"]
  }

  rule {
    description = "Errors on the way, and being asked whether one is there"
    direction   = "in"
    protocol    = "icmp"
    source_ips  = ["0.0.0.0/0", "::/0"]
  }
}

resource "hcloud_server" "node" {
  name         = var.name
  image        = "debian-12"
  server_type  = var.server_type
  location     = var.location
  ssh_keys     = var.ssh_keys
  firewall_ids = [hcloud_firewall.node.id]

  user_data = templatefile("${path.module}/../../cloud-init.yaml", {
    portal  = var.portal
    token   = var.join_token
    archive = var.archive
    sha256  = var.archive_sha256
  })

  lifecycle {
    # The token is used up after the first start; another one does not make another server.
    ignore_changes = [user_data, ssh_keys]
  }
}
