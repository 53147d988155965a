//! The promises themselves: what the service says about itself in public.

/// A heading, and below it the promises: their ids and what they say.
pub(crate) type Chapter = (&'static str, &'static [(&'static str, &'static str)]);

/// Every promise, in the order of their ids but for a few that joined an older heading later.
pub(crate) const CHAPTERS: &[Chapter] = &[
    (
        "WireGuard and keys",
        &[
            (
                "p01",
                "The data plane is WireGuard: the kernel's, or one named userspace library; \
                 our own code never touches a packet",
            ),
            (
                "p02",
                "Curve25519, ChaCha20-Poly1305, BLAKE2s: our key generation agrees with `wg \
                 pubkey` and the RFC 7748 vectors, and a stock client completes a handshake",
            ),
            (
                "p03",
                "Forward secrecy: session keys rotate while traffic flows (a capture over 130 \
                 s shows at least two handshakes)",
            ),
            (
                "p04",
                "Silent to unauthenticated packets: random, mutated and wrong-key packets get \
                 no reply; from outside, only a node's WireGuard ports are open",
            ),
            (
                "p05",
                "A customer's private key is made on the customer's device and never leaves \
                 it: it appears, in no encoding, in any request, server file, database, log \
                 or backup; a request that carries one is refused",
            ),
            ("p06", "Node keys are made on the node, per node; the portal never sees them"),
            (
                "p07",
                "Every customer has an interface and key pair of their own on each subscribed \
                 node; keys and peers survive a reboot of the node; delete and create again \
                 gives a new key",
            ),
        ],
    ),
    (
        "Isolation",
        &[
            (
                "p08",
                "No packet passes between two customers' pods, to the node's own services \
                 (but DNS if offered), to private ranges or to the cloud metadata address; \
                 IPv4 and IPv6",
            ),
            (
                "p09",
                "Interfaces are named `wg-…`, unique, at most 15 characters, never derived \
                 from personal data",
            ),
            (
                "p10",
                "Subnets never overlap, on a node or across nodes; addresses are assigned by \
                 the server and a peer cannot claim another's",
            ),
            (
                "p11",
                "Each pod has firewall rules of its own, anti-spoofing included; creation \
                 fails and rolls back if they cannot be set; deletion leaves the rule set as \
                 it was before",
            ),
            (
                "p12",
                "The control plane manages the life of pods and cannot see inside: no client \
                 address, handshake time or per-destination data is reported or stored",
            ),
            (
                "p13",
                "A pod-scoped token manages that pod's peers and nothing else (every route × \
                 every caller in the authorisation table)",
            ),
            (
                "p14",
                "Overloading or breaking one pod's management does not stop another pod's \
                 traffic or management",
            ),
        ],
    ),
    (
        "Transport and hosts",
        &[
            (
                "p15",
                "Every API and agent connection is TLS with ECDSA certificates; TLS 1.2 is \
                 the floor for browsers and 1.3 for agents; clients never skip verification",
            ),
            (
                "p16",
                "Traffic between device and node is encrypted: a marker sent through the \
                 tunnel never appears on the wire",
            ),
            (
                "p17",
                "The portal refuses to start without TLS unless explicitly overridden, and \
                 beyond loopback only when overridden twice",
            ),
            (
                "p18",
                "Node hardening: SSH by key only; no password or keyboard-interactive login, \
                 whatever drop-in files say (`sshd -T` proves it)",
            ),
            ("p19", "Root login `prohibit-password`"),
            (
                "p20",
                "fail2ban guards SSH (the shipped jail parses, and a synthetic log leads to a \
                 ban)",
            ),
            ("p21", "Unattended security updates are on"),
            (
                "p22",
                "Host firewall and cloud firewall state the same exposure: SSH and the pods' \
                 UDP ports, opened while a pod lives and closed after",
            ),
            (
                "p23",
                "The agent runs as its own user with CAP_NET_ADMIN and nothing else \
                 (effective, permitted, bounding and ambient sets; seccomp; `systemd-analyze \
                 security` score gate)",
            ),
        ],
    ),
    (
        "Authentication and tokens",
        &[
            (
                "p24",
                "Operator API tokens carry 256 bits from the system's generator; weak \
                 configured ones are refused; no token in logs, arguments or URLs",
            ),
            (
                "p25",
                "Node, pod, API, session, reset and enrolment tokens are stored as SHA-256 \
                 hashes only",
            ),
            ("p26", "Secrets are compared in constant time: secret types have no `==`"),
            (
                "p27",
                "Rate limits per IP (IPv6 per /64) on every endpoint, stricter for sign-in \
                 and token failures; `429` with `Retry-After`; memory bounded; forwarded \
                 headers trusted only from configured proxies",
            ),
        ],
    ),
    (
        "Data at rest",
        &[
            (
                "p28",
                "WireGuard and state files are created 0600 in 0700 directories, without a \
                 window, symlinks not followed",
            ),
            (
                "p29",
                "The SQLite files (database, WAL, shm, backups) are 0600; the portal refuses \
                 to open one that others can read",
            ),
            ("p30", "No column, file or backup holds a customer's private key"),
            (
                "p31",
                "Daily encrypted backups; restore is a command and is tested; a flipped byte \
                 or wrong key fails loudly; retention prunes",
            ),
            (
                "p44",
                "Sensitive columns (mail address, TOTP and plugin secrets, CA key) are \
                 encrypted at rest with a key that is not in the database",
            ),
        ],
    ),
    (
        "Input",
        &[
            (
                "p32",
                "WireGuard keys: 44 characters, canonical base64, 32 bytes, not a small-order \
                 point; accepted means `wg` accepts it and it re-encodes to itself",
            ),
            (
                "p33",
                "Every CIDR and address is parsed and canonical; no host bits, v4-mapped \
                 forms, zone ids; `/0` only where meant",
            ),
            (
                "p34",
                "Interface names match `^wg-[a-z0-9]{1,12}$`; nothing that could be read as \
                 an option or path is accepted anywhere",
            ),
            (
                "p35",
                "Request bodies over 1 MB get 413 on every route, chunked ones too, with \
                 memory bounded",
            ),
            (
                "p36",
                "Rendered configurations, pages, mails, firewall rules and cloud-init cannot \
                 be injected: newline, NUL, `#`, `PostUp=` are refused, and the output parses \
                 back to exactly what was meant",
            ),
        ],
    ),
    (
        "What we do not do",
        &[
            (
                "p37",
                "Traffic is not logged, inspected or stored: after a session at the highest \
                 log level, no log, metric, row or backup holds a client address, tunnel \
                 destination or DNS name",
            ),
            (
                "p38",
                "No deep packet inspection: the rule set has no log, queue or tproxy \
                 statement, the agent no packet socket",
            ),
            (
                "p39",
                "Traffic is not modified (byte-for-byte transfer) and no page loads anything \
                 from another origin",
            ),
            (
                "p40",
                "No data goes to third parties: the programs contact only what the operator \
                 configured",
            ),
            ("p41", "No analytics or telemetry"),
            ("p42", "The privacy policy is served, versioned, and true"),
            (
                "p43",
                "`/.well-known/security.txt` is served and valid; SECURITY.md says how to \
                 report",
            ),
            (
                "p45",
                "Deleting an account removes every row that refers to it and its pods on \
                 every node, a node that was offline included",
            ),
            ("p46", "Usage is aggregate per pod interface"),
            (
                "p47",
                "MIT licence; two clean builds give the same bytes for what the browser \
                 loads; an SBOM is published",
            ),
        ],
    ),
];
