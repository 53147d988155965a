//! A URL that a plugin asks for: what is granted and nothing else, however it is written.

use std::net::IpAddr;

use myrelay_plugin_host::{HttpGrant, Manifest, Verdict, judge_address, judge_url};

const MANIFEST: &str = r#"
manifest = 1
[plugin]
id = "dev.example.fuzz"
name = "Fuzz"
version = "1.0.0"
kind = ["event"]
api = "1.0"
[[capabilities.http]]
host = "api.example.org"
methods = ["GET"]
path_prefix = "/v1/"
reason = "To try"
[[capabilities.http]]
host = "*"
port = 8443
methods = ["GET"]
reason = "To try"
"#;

const GRANTS: &str = r#"[
    {"scheme":"https","host":"api.example.org","port":443,"methods":["GET"],"path_prefix":"/v1/"},
    {"scheme":"https","host":"*.example.net","port":8443,"methods":["GET"],"path_prefix":"/"},
    {"scheme":"https","host":"127.0.0.1","port":8443,"methods":["GET"],"path_prefix":"/"}
]"#;

pub(crate) fn run(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else { return false };
    if let Ok(address) = text.parse::<IpAddr>() {
        // A public address is nothing else in disguise.
        let public = judge_address(address) == Verdict::Public;
        assert!(!public || address.to_canonical() == address, "{address}");
        assert!(!public || !address.is_loopback() && !address.is_multicast(), "{address}");
    }
    let manifest = Manifest::parse(MANIFEST).expect("it is sound");
    let grants: Vec<HttpGrant> = serde_json::from_str(GRANTS).expect("they are sound");
    for method in ["POST", "get", ""] {
        assert!(judge_url(text, method, &manifest.http, &grants).is_err(), "{method} {text}");
    }
    let target = match judge_url(text, "GET", &manifest.http, &grants) {
        Ok(target) => target,
        Err(denied) => {
            assert!(denied.why.chars().count() < 1000, "{denied}");
            assert!(!denied.why.chars().any(char::is_control), "{denied:?}");
            return false;
        }
    };
    let host = target.host.as_str();
    let granted = match target.port {
        443 => host == "api.example.org" && target.path.starts_with("/v1/"),
        8443 => host == "127.0.0.1" || (host.ends_with(".example.net") && host.len() > 12),
        _ => false,
    };
    assert!(granted, "{text} leads to {}", target.shown());
    assert!(!target.path.split('/').any(|it| it == ".." || it == "."), "{}", target.path);
    assert!(target.shown().bytes().all(|it| it.is_ascii_graphic()), "{}", target.shown());
    // What it is read as, it is read as again.
    let again = judge_url(&target.shown(), "GET", &manifest.http, &grants);
    assert_eq!(again.map(|it| it.shown()), Ok(target.shown()));
    true
}
