//! Every disguise of a URL, and what a rule lets through.

use crate::{
    bindings::smtp::{Security, Server},
    egress::{
        policy::{judge, judge_mail, parse},
        rules::{HostPattern, HttpGrant, HttpRule, MAIL, Scheme},
    },
    manifest::AskedHttp,
};

fn rule(host: &str, methods: &[&str], path: &str) -> HttpRule {
    HttpRule {
        scheme: Scheme::Https,
        host: HostPattern::parse(host).unwrap(),
        port: 443,
        methods: methods.iter().map(|it| (*it).to_owned()).collect(),
        path_prefix: path.to_owned(),
    }
}

fn asked(host: &str, methods: &[&str], path: &str) -> Vec<AskedHttp> {
    vec![AskedHttp { rule: rule(host, methods, path), reason: "Because".to_owned() }]
}

fn granted(host: &str, methods: &[&str], path: &str) -> Vec<HttpGrant> {
    let rule = rule(host, methods, path);
    vec![HttpGrant { rule, any_host: false, private: Vec::new() }]
}

#[test]
fn a_url_has_one_meaning_or_none() {
    let refused = [
        ("", "no URL"),
        ("api.example.org", "no URL"),
        ("//api.example.org/", "no URL"),
        ("https:/api.example.org/", "https://"),
        ("https:api.example.org", "https://"),
        ("ftp://api.example.org/", "https://"),
        ("ws://api.example.org/", "https://"),
        ("data:text/plain,x", "https://"),
        ("javascript:alert(1)", "https://"),
        ("unix:///run/x", "https://"),
        ("https://user@api.example.org/", "no user"),
        ("https://user:pass@api.example.org/", "no user"),
        ("https://@api.example.org/", "no user"),
        ("https://:@api.example.org/", "no user"),
        ("https://api.example.org@evil.example/", "no user"),
        ("https://api.example.org/#x", "no fragment"),
        ("https://api.example.org/#", "no fragment"),
        ("https://api.example.org#@evil.example/", "no fragment"),
        ("https://api.example.org\\@evil.example/", "backslashes"),
        ("https://evil.example\\.api.example.org/", "backslashes"),
        ("https://api.exam\tple.org/", "no spaces"),
        ("https://api.exam\nple.org/", "no spaces"),
        (" https://api.example.org/", "no spaces"),
        ("https://api.example.org/a b", "no spaces"),
        ("https://api.example.org/\0", "no spaces"),
        ("https://api.example.org/\u{202e}", "no spaces"),
        ("https://api.example.org./", "no dot"),
        ("https://api..example.org/", "no dot"),
        ("https://.example.org/", "no dot"),
        ("https://-api.example.org/", "no dot"),
        ("https://api%2eexample.org/", "without %"),
        ("https://%61pi.example.org/", "without %"),
        ("https://api.example.org%00.evil.example/", "no URL"),
        ("https://api.example.org:0x1bb/", "no URL"),
        ("https://api.example.org:99999/", "no URL"),
        ("https://api.example.org:-1/", "no URL"),
        ("https://[::1/", "no URL"),
        ("https://[fe80::1%25eth0]/", "no URL"),
        ("https://127.1/", "127.0.0.1"),
        ("https://127.0.1/", "127.0.0.1"),
        ("https://2130706433/", "127.0.0.1"),
        ("https://0x7f000001/", "127.0.0.1"),
        ("https://0x7f.0.0.1/", "127.0.0.1"),
        ("https://0177.0.0.1/", "127.0.0.1"),
        ("https://017700000001/", "127.0.0.1"),
        ("https://127.0.0.1./", "127.0.0.1"),
        ("https://127。0。0。1/", "127.0.0.1"),
        ("https://１２７.0.0.1/", "127.0.0.1"),
        ("https://①②⑦.0.0.1/", "127.0.0.1"),
        ("https://0/", "0.0.0.0"),
        ("https://[0:0:0:0:0:0:0:1]/", "[::1]"),
        ("https://[::127.0.0.1]/", "[::7f00:1]"),
        ("https://[::FFFF:7f00:1]/", "[::ffff:127.0.0.1]"),
        ("https://[FD00::7]/", "[fd00::7]"),
        ("https://api.example.org/a%2fb", "%2f"),
        ("https://api.example.org/a%2Fb", "%2f"),
        ("https://api.example.org/%5c..", "%5c"),
        ("https://api.example.org/%00", "%00"),
        ("https://api.example.org/%252e%252e/", "%25"),
    ];
    for (url, why) in refused {
        let denied = parse(url).err().map(|it| it.why).unwrap_or_default();
        assert!(denied.contains(why), "{url}: {denied:?}");
    }
    assert!(parse(&format!("https://a.example/{}", "x".repeat(5000))).is_err());
}

#[test]
fn a_url_is_read_in_its_canonical_form() {
    let read = [
        ("https://api.example.org", "https://api.example.org/", 443),
        ("HTTPS://API.Example.ORG/A", "https://api.example.org/A", 443),
        ("https://api.example.org:443/", "https://api.example.org/", 443),
        ("https://api.example.org:8443/", "https://api.example.org:8443/", 8443),
        ("http://api.example.org/", "http://api.example.org/", 80),
        ("https://münchen.example/", "https://xn--mnchen-3ya.example/", 443),
        ("https://xn--mnchen-3ya.example/", "https://xn--mnchen-3ya.example/", 443),
        ("https://api。example.org/", "https://api.example.org/", 443),
        ("https://a/b/../c/./d", "https://a/c/d", 443),
        ("https://a/../../c", "https://a/c", 443),
        ("https://a/%2e%2e/c", "https://a/c", 443),
        ("https://10.1.2.3/", "https://10.1.2.3/", 443),
        ("https://[fd00::7]:8443/", "https://[fd00::7]:8443/", 8443),
    ];
    for (url, shown, port) in read {
        let target = parse(url).unwrap();
        assert_eq!((target.shown().as_str(), target.port), (shown, port), "{url}");
        assert_eq!(parse(&target.shown()).unwrap(), target, "it reads back");
    }
}

#[test]
fn both_sides_have_to_allow_it() {
    let both = ["GET", "POST"];
    let (plugin, operator) =
        (asked("api.example.org", &both, "/v1/"), granted("api.example.org", &["GET"], "/v1/a"));
    let judged = |url, method| judge(url, method, &plugin, &operator).map_err(|it| it.why);
    assert!(judged("https://api.example.org/v1/a?b=/v2/", "GET").is_ok());
    for (url, method, why) in [
        ("https://api.example.org/v1/a", "POST", "operator has not granted http with"),
        ("https://api.example.org/v1/b", "GET", "path_prefix = \"/v1/b\""),
        ("https://api.example.org/v1/a/../b", "GET", "path_prefix = \"/v1/b\""),
        ("https://api.example.org/v2/", "GET", "plugin.toml needs [[capabilities.http]]"),
        ("https://api.example.org/V1/a", "GET", "plugin.toml needs"),
        ("https://api.example.org/v1/a", "DELETE", "methods = [\"DELETE\"]"),
        ("https://api.example.org:444/v1/a", "GET", "port = 444"),
        ("http://api.example.org/v1/a", "GET", "scheme = \"http\""),
        ("http://api.example.org:443/v1/a", "GET", "scheme = \"http\""),
        ("https://api.example.org.evil.example/v1/a", "GET", "evil.example"),
        ("https://evilapi.example.org/v1/a", "GET", "evilapi"),
        ("https://a.api.example.org/v1/a", "GET", "a.api"),
    ] {
        let denied = judged(url, method).unwrap_err();
        assert!(denied.contains(why), "{method} {url}: {denied}");
    }
}

#[test]
fn any_host_is_meant_only_where_the_operator_says_so_twice() {
    let plugin = asked("*", &["GET"], "/");
    let mut operator = granted("*", &["GET"], "/");
    let url = "https://anything.example/";
    assert!(judge(url, "GET", &plugin, &operator).is_err());
    operator[0].any_host = true;
    assert!(judge(url, "GET", &plugin, &operator).is_ok());
    // What a manifest leaves open, the operator names.
    assert!(judge(url, "GET", &plugin, &granted("anything.example", &["GET"], "/")).is_ok());
    let below = granted("*.anything.example", &["GET"], "/");
    assert!(judge("https://a.anything.example/", "GET", &plugin, &below).is_ok());
    assert!(judge(url, "GET", &plugin, &below).is_err());
    assert!(judge(url, "GET", &[], &operator).is_err());
    assert!(judge(url, "GET", &plugin, &[]).is_err());
}

#[test]
fn a_mail_goes_to_the_servers_that_both_name_and_to_no_others() {
    let web = rule("mail.example.org", &["POST"], "/");
    let rule = |host: &str, port, scheme| HttpRule { scheme, port, ..rule(host, &[MAIL], "/") };
    let grant = |rule| HttpGrant { rule, any_host: false, private: Vec::new() };
    let any = rule("*", 465, Scheme::Smtps);
    let asked = [AskedHttp { rule: any.clone(), reason: "Because".to_owned() }];
    let granted = [grant(rule("mail.example.org", 465, Scheme::Smtps)), grant(any)];
    let server = |host: &str, port, security| Server { host: host.to_owned(), port, security };
    let good = server("mail.example.org", 465, Security::Tls);
    let target = judge_mail(&good, &asked, &granted).unwrap();
    assert_eq!(target.shown(), "smtps://mail.example.org/");
    for (refused, why) in [
        (server("mail.example.org", 587, Security::Tls), "port = 587, security = \"tls\""),
        (server("mail.example.org", 465, Security::Clear), "security = \"clear\""),
        (server("mail.example.org", 465, Security::Starttls), "security = \"starttls\""),
        // An operator who granted `*` named nobody.
        (server("evil.example", 465, Security::Tls), "has not granted smtp with host"),
        (server("127.0.0.1", 465, Security::Tls), "has not granted"),
        (server("*", 465, Security::Tls), "in lower case"),
        (server("*.example.org", 465, Security::Tls), "in lower case"),
        (server("Mail.example.org", 465, Security::Tls), "in lower case"),
        (server("mail.example.org.", 465, Security::Tls), "in lower case"),
        (server("mail.example.org:465", 465, Security::Tls), "in lower case"),
        (server("127.1", 465, Security::Tls), "in lower case"),
        (server("2130706433", 465, Security::Tls), "in lower case"),
        (server("::ffff:7f00:1", 465, Security::Tls), "in lower case"),
        (server("", 465, Security::Tls), "in lower case"),
    ] {
        let denied = judge_mail(&refused, &asked, &granted).unwrap_err();
        assert!(denied.why.contains(why), "{refused:?}: {denied}");
    }
    // A rule for mails lets no request through, and the other way about.
    assert!(judge("smtps://mail.example.org/", MAIL, &asked, &granted).is_err());
    assert!(judge("https://mail.example.org:465/", "POST", &asked, &granted).is_err());
    let web = AskedHttp { rule: web, reason: "Because".to_owned() };
    let only = [grant(web.rule.clone())];
    assert!(judge_mail(&server("mail.example.org", 443, Security::Tls), &[web], &only).is_err());
}
