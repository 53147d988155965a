//! The one table of settings: name, default, and the words that explain it.

/// One setting. Its flag is `--name`, its variable `MYRELAY_NAME` with underscores, and its key in
/// the file `name`.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    /// What is used when nobody says otherwise; empty: nothing, or what the help says.
    pub default: &'static str,
    pub kind: Kind,
    /// What stands for the value in the help.
    pub value: &'static str,
    pub help: &'static str,
}

/// What a setting's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Separated by commas; in the file a list.
    List,
    /// `true` or `false`; the flag alone means `true`.
    Switch,
    /// Never printed; also read from the file that `MYRELAY_…_FILE` names.
    Secret,
}

impl Setting {
    /// The name of its environment variable.
    pub fn variable(&self) -> String {
        format!("MYRELAY_{}", self.name.to_uppercase().replace('-', "_"))
    }
}

const fn text(
    name: &'static str,
    default: &'static str,
    value: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, default, kind: Kind::Text, value, help }
}

const fn list(
    name: &'static str,
    default: &'static str,
    value: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, default, kind: Kind::List, value, help }
}

const fn switch(name: &'static str, help: &'static str) -> Setting {
    Setting { name, default: "false", kind: Kind::Switch, value: "true|false", help }
}

/// Every setting, in the order of the help.
pub const SETTINGS: &[Setting] = &[
    text(
        "data-dir",
        "myrelay-data",
        "FOLDER",
        "Where the database and the keys are; made with mode 0700",
    ),
    Setting {
        name: "database-url",
        default: "",
        kind: Kind::Secret,
        value: "URL",
        help: "sqlite:<path> or postgres://…; default: myrelay.db in the data folder",
    },
    text("listen", "127.0.0.1:8440", "ADDRESS:PORT", "Where the site listens"),
    text(
        "node-listen",
        "0.0.0.0:8441",
        "ADDRESS:PORT",
        "Where node agents connect, always with TLS 1.3",
    ),
    text("public-url", "", "URL", "Where people reach the site; default: what it listens on"),
    text(
        "node-url",
        "",
        "URL",
        "Where agents reach the node listener; default: the host of public-url and the port of node-listen",
    ),
    text("tls-certificate", "", "FILE", "The site's certificate chain, PEM, ECDSA"),
    text("tls-key", "", "FILE", "The private key of tls-certificate, PEM"),
    switch(
        "tls-self-signed",
        "Serve the site with a certificate of its own making, for trying out",
    ),
    switch("insecure-http", "Serve the site in clear text, on loopback only"),
    switch(
        "insecure-http-beyond-loopback",
        "With insecure-http: on any address. Passwords cross the network readable",
    ),
    list("trusted-proxies", "", "NETWORK,…", "Proxies whose X-Forwarded-For is believed"),
    text(
        "v4-pool",
        "10.64.0.0/10",
        "NETWORK",
        "The private IPv4 network that pods get their addresses from",
    ),
    list(
        "client-dns",
        "",
        "ADDRESS,…",
        "DNS servers that client configurations name; none: they name none",
    ),
    list(
        "dns-upstreams",
        "",
        "RESOLVER,…",
        "Resolvers that nodes ask for their devices, such as tls://9.9.9.9#dns.quad9.net; none: nodes run no resolver",
    ),
    text("client-mtu", "1420", "BYTES", "MTU of client configurations, 1280 to 1500"),
    text(
        "metrics-listen",
        "",
        "ADDRESS:PORT",
        "Where Prometheus on this machine asks for the nodes' metrics, on loopback only",
    ),
    switch("unsigned-plugins", "Let plugins that nobody signed be installed, for development"),
    text(
        "plugin-dir",
        "",
        "FOLDER",
        "Packages of plugins with their signatures, which operators see in the gallery; default: none",
    ),
    text(
        "plugin-host",
        "process",
        "process|in-process",
        "Where plugins run: in a process without files and network, or, for development, in the portal",
    ),
    text(
        "plugin-user",
        "",
        "USER",
        "The user of /etc/passwd that the process of plugins becomes where the portal is root; \
         default: the portal's own, or nobody for root",
    ),
    text(
        "site-dir",
        "",
        "FOLDER",
        "What the browser loads, made by `cargo xtask site`; default: site beside the program",
    ),
    text(
        "log-format",
        "auto",
        "auto|json|text",
        "How the log reads; auto: text on a terminal, else JSON",
    ),
    text(
        "rate-per-minute",
        "600",
        "NUMBER",
        "Requests that one address (IPv6: one /64) may make in a minute",
    ),
    text(
        "sign-in-per-minute",
        "10",
        "NUMBER",
        "Sign-ins, sign-ups and invitations that one address may try in a minute",
    ),
    text(
        "enrol-per-minute",
        "60",
        "NUMBER",
        "Times in a minute that one address may try to join a node",
    ),
    text("connections-per-ip", "128", "NUMBER", "Connections that one address may hold"),
];

/// The setting of a name.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
