//! Precedence, refusals, and that no text breaks the reader.

use std::{collections::BTreeMap, fs, path::Path};

use proptest::prelude::*;

use super::{sources::parse_file, *};

fn values(flags: &[(&'static str, &str)]) -> Values {
    let flags = flags.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();
    Values::collect(&flags, None, &|_| None).unwrap()
}

fn read(flags: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
    Config::read(&values(flags))
}

fn refusal(flags: &[(&'static str, &str)]) -> ConfigError {
    read(flags).err().expect("a refusal")
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("myrelay.toml");
    fs::write(&file, "listen = \"127.0.0.1:1\"\nnode-listen = \"127.0.0.1:1\"\nclient-mtu = 1300")
        .unwrap();
    let flags = BTreeMap::from([("listen", "127.0.0.1:3".to_owned())]);
    let variable = |name: &str| {
        matches!(name, "MYRELAY_LISTEN" | "MYRELAY_NODE_LISTEN").then(|| "127.0.0.1:2".to_owned())
    };
    let values = Values::collect(&flags, Some(&file), &variable).unwrap();

    let got = |name| (values.get(name).text, values.get(name).source);
    assert_eq!(got("listen"), ("127.0.0.1:3".to_owned(), Source::Flag));
    let from_variable = Source::Variable("MYRELAY_NODE_LISTEN".to_owned());
    assert_eq!(got("node-listen"), ("127.0.0.1:2".to_owned(), from_variable));
    assert_eq!(got("client-mtu"), ("1300".to_owned(), Source::File(file)));
    assert_eq!(got("log-format"), ("auto".to_owned(), Source::Default));
}

#[test]
fn a_secret_comes_from_a_file_and_is_never_printed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    fs::write(&file, "postgres://me:sesame@db/myrelay\n").unwrap();
    let variable =
        |name: &str| (name == "MYRELAY_DATABASE_URL_FILE").then(|| file.display().to_string());
    let values = Values::collect(&BTreeMap::new(), None, &variable).unwrap();
    assert_eq!(values.get("database-url").text, "postgres://me:sesame@db/myrelay");

    let printed = values.to_string();
    assert!(!printed.contains("sesame"), "{printed}");
    assert!(printed.contains("MYRELAY_DATABASE_URL_FILE"), "{printed}");
    // What is printed is a file again.
    let lines = printed.lines().filter(|line| !line.contains("(hidden)"));
    parse_file(&lines.collect::<Vec<_>>().join("\n")).unwrap();
}

#[test]
fn p17_without_tls_it_starts_only_when_told_and_beyond_loopback_only_when_told_twice() {
    assert!(refusal(&[]).message.contains("not served without TLS"));
    let clear = [("insecure-http", "true")];
    assert_eq!(read(&clear).unwrap().tls, SiteTls::Clear);
    for listen in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
        let told_once = [("insecure-http", "true"), ("listen", listen)];
        assert_eq!(refusal(&told_once).setting, "insecure-http", "{listen}");
        let told_otherwise = [("insecure-http-beyond-loopback", "true"), ("listen", listen)];
        assert_eq!(refusal(&told_otherwise).setting, "tls-certificate", "{listen}");
        let told_twice = [
            ("insecure-http", "true"),
            ("insecure-http-beyond-loopback", "true"),
            ("listen", listen),
        ];
        assert_eq!(read(&told_twice).unwrap().tls, SiteTls::Clear, "{listen}");
    }
    for listen in ["127.0.0.1:80", "127.8.9.1:80", "[::1]:80"] {
        assert!(read(&[("insecure-http", "true"), ("listen", listen)]).is_ok(), "{listen}");
    }
    let both = [("insecure-http", "true"), ("tls-self-signed", "true")];
    assert!(refusal(&both).message.contains("choose one"));
    assert_eq!(refusal(&[("tls-certificate", "x.pem")]).setting, "tls-key");
}

#[test]
fn what_serves_nothing_needs_not_be_told_how_the_site_is_served() {
    let unserved = |flags: &[(&'static str, &str)]| Config::read_without_site(&values(flags));
    for flags in
        [&[][..], &[("listen", "0.0.0.0:443")], &[("public-url", "https://vpn.example.org")]]
    {
        assert!(refusal(flags).message.contains("not served without TLS"));
        assert!(unserved(flags).is_ok(), "{flags:?}");
    }
    let error = unserved(&[("database-url", "mysql://db")]).err().unwrap();
    assert_eq!(error.setting, "database-url");
}

#[test]
fn every_value_is_checked_and_the_error_names_its_setting() {
    for (name, text) in [
        ("listen", "8440"),
        ("node-listen", "localhost"),
        ("public-url", "vpn.example.org"),
        ("public-url", "http://vpn.example.org"),
        ("public-url", "https://vpn.example.org/portal"),
        ("node-url", "http://vpn.example.org:8441"),
        ("tls-self-signed", "yes"),
        ("trusted-proxies", "10.0.0.0/8,everyone"),
        ("v4-pool", "8.8.8.0/24"),
        ("v4-pool", "10.64.0.1/10"),
        ("client-dns", "one.one.one.one"),
        ("client-mtu", "9000"),
        ("metrics-listen", "0.0.0.0:9464"),
        ("metrics-listen", "9464"),
        ("log-format", "xml"),
        ("rate-per-minute", "0"),
        ("connections-per-ip", "-1"),
        ("database-url", "mysql://db"),
        ("data-dir", ""),
    ] {
        let mut flags = vec![(name, text)];
        if name != "tls-self-signed" {
            flags.push(("tls-self-signed", "true"));
        }
        assert_eq!(refusal(&flags).setting, name, "{name} = {text}");
    }
}

#[test]
fn a_file_with_an_unknown_key_is_refused() {
    assert!(parse_file("lisen = \"127.0.0.1:1\"").unwrap_err().contains("`lisen` is no setting"));
    assert!(parse_file("listen = 5.5").unwrap_err().contains("`listen`"));
    let secret = parse_file("database-url = \"postgres://me:sesame@db\" x").unwrap_err();
    assert!(!secret.contains("sesame"), "{secret}");
    let missing = Path::new("/nowhere/myrelay.toml");
    let error = Values::collect(&BTreeMap::new(), Some(missing), &|_| None).err().unwrap();
    assert_eq!(error.setting, "config");
}

#[test]
fn an_origin_is_written_as_browsers_write_it() {
    let read = |text: &str| text.parse::<Origin>().map(|it| it.to_string());
    assert_eq!(read("https://VPN.example.org/"), Ok("https://vpn.example.org".to_owned()));
    assert_eq!(read("https://a.org:443"), Ok("https://a.org".to_owned()));
    assert_eq!(read("http://a.org:443"), Ok("http://a.org:443".to_owned()));
    assert_eq!(read("https://[::1]:8440"), Ok("https://[::1]:8440".to_owned()));
    for text in ["", "a.org", "https://u@a.org", "https://a.org?x", "ftp://a.org", "https://a:0"] {
        assert_eq!(read(text), Err(()), "{text}");
    }
}

proptest! {
    #[test]
    fn no_file_breaks_the_reader(text in "\\PC{0,200}") {
        drop(parse_file(&text));
    }

    #[test]
    fn no_value_breaks_the_check(setting in 0..SETTINGS.len(), text in "\\PC{0,80}") {
        drop(read(&[(SETTINGS[setting].name, &text), ("tls-self-signed", "true")]));
    }
}
