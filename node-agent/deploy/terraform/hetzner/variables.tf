# What a node is made of. The join line of the portal has the first two.

variable "portal" {
  description = "Where agents reach the portal, from the join line"
  type        = string
  validation {
    condition     = can(regex("^https://[A-Za-z0-9.:\\[\\]-]+$", var.portal))
    error_message = "The portal reads https://name:port."
  }
}

variable "join_token" {
  description = "The token of the join line: good once, for ten minutes"
  type        = string
  sensitive   = true
  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+$", var.join_token))
    error_message = "The token is what stands after --token in the join line."
  }
}

variable "archive" {
  description = "Where the server finds myrelay-node.tar.gz"
  type        = string
  validation {
    condition     = can(regex("^https://[^[:space:]\"'\\\\]+$", var.archive))
    error_message = "The archive is at https://…"
  }
}

variable "archive_sha256" {
  description = "The archive's SHA-256, from SHA256SUMS"
  type        = string
  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.archive_sha256))
    error_message = "A SHA-256 is 64 hexadecimal digits."
  }
}

variable "ssh_keys" {
  description = "Names of your SSH keys at Hetzner: passwords are refused"
  type        = list(string)
  validation {
    condition     = length(var.ssh_keys) > 0
    error_message = "Without a key nobody could sign in."
  }
}

variable "name" {
  description = "The server's name"
  type        = string
  default     = "myrelay-node"
}

variable "server_type" {
  description = "How large the server is"
  type        = string
  default     = "cx22"
}

variable "location" {
  description = "Where the server is"
  type        = string
  default     = "fsn1"
}
