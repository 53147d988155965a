//! The program as people start it: what it refuses, and that it says which setting to change.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// `myrelay` in a folder of its own; nothing of this machine's environment reaches it.
fn command(folder: &Path, line: &str, environment: &[(&str, &str)]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the program is run as people run it")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_myrelay"));
    command.current_dir(folder).env_clear().envs(environment.iter().copied());
    command.args(line.split_whitespace());
    command
}

fn myrelay(folder: &Path, line: &str, environment: &[(&str, &str)]) -> Output {
    command(folder, line, environment).output().unwrap()
}

/// It did not start, said why, and left nothing behind.
fn refuses(line: &str, environment: &[(&str, &str)], why: &str) {
    let folder = TempDir::new().unwrap();
    let output = myrelay(folder.path(), line, environment);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{line}: it started");
    assert!(said.contains(why), "{line}: {said}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{line}: something was made");
}

#[test]
fn p17_it_refuses_to_start_in_clear_text_unless_told_and_beyond_loopback_unless_told_twice() {
    refuses("serve", &[], "tls-certificate: the site is not served without TLS");
    refuses("serve --insecure-http --listen 0.0.0.0:0", &[], "insecure-http: clear text");
    refuses("serve --insecure-http --listen [::]:0", &[], "insecure-http: clear text");
    let told = [("MYRELAY_INSECURE_HTTP", "true"), ("MYRELAY_LISTEN", "192.0.2.1:80")];
    refuses("serve", &told, "insecure-http: clear text");
    refuses("serve --insecure-http-beyond-loopback", &[], "tls-certificate");
}

#[test]
fn what_it_cannot_use_it_names() {
    let clear = "serve --insecure-http --listen 127.0.0.1:0 --node-listen 127.0.0.1:0";
    refuses(&format!("{clear} --v4-pool 8.8.8.0/24"), &[], "v4-pool");
    refuses(&format!("{clear} --database-url mysql://db"), &[], "database-url");
    refuses(&format!("{clear} --site-dir nowhere"), &[], "cargo xtask site");
    refuses(&format!("{clear} --config nowhere.toml"), &[], "nowhere.toml");
    refuses(&format!("{clear} --listn 127.0.0.1:1"), &[], "--listn");
    refuses(clear, &[("MYRELAY_CLIENT_MTU", "9000")], "MYRELAY_CLIENT_MTU");
}

#[test]
fn what_works_on_a_portal_says_which_settings_it_needs_and_makes_none() {
    let where_it_is = "there is no portal in myrelay-data: name its folder by --data-dir";
    for line in [
        "plugin list",
        "plugin revoked",
        "plugin remove org.example.mail",
        "plugin limits org.example.mail",
        "ca show",
    ] {
        refuses(line, &[], where_it_is);
    }
    // What tells addresses of the site has to know how it is served.
    let as_served = "this needs the settings that `myrelay serve` has, with --config FILE or one \
                     by one: tls-certificate: ";
    refuses("plugin rollback org.example.mail", &[], as_served);
    refuses("operator invite", &[], as_served);
    let served = [("MYRELAY_INSECURE_HTTP", "true")];
    let none =
        "there is no portal in myrelay-data: give this the settings that `myrelay serve` has";
    for line in [
        "operator invite",
        "plugin rollback org.example.mail",
        "plugin install one.pplug --grant",
        "plugin dev --portal one",
        "node add --name one --location Berlin --endpoint one.example.org",
    ] {
        refuses(line, &served, none);
    }
    // A folder that is there, of something else.
    let folder = TempDir::new().unwrap();
    for line in ["plugin list", "operator invite", "ca show"] {
        let line = format!("{line} --data-dir . --database-url sqlite:other.db");
        let output = myrelay(folder.path(), &line, &served);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("there is no portal in .: "), "{line}: {said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{line}: something was made");
    }
}

#[test]
fn it_prints_what_it_would_use_and_who_said_so_but_no_secret() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("my.toml"), "client-mtu = 1300\ninsecure-http = true\n").unwrap();
    let environment = [("MYRELAY_DATABASE_URL", "postgres://me:sesame@db/x")];
    let line = "config --config my.toml --listen 127.0.0.1:1";
    let output = myrelay(folder.path(), line, &environment);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let line = |name: &str| {
        let start = format!("{name} = ");
        let line = printed.lines().find(|it| it.starts_with(&start)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(line("listen"), r#"listen = "127.0.0.1:1" # flag"#);
    assert_eq!(line("client-mtu"), r#"client-mtu = "1300" # my.toml"#);
    assert_eq!(line("database-url"), r#"database-url = "(hidden)" # MYRELAY_DATABASE_URL"#);
    assert_eq!(line("log-format"), r#"log-format = "auto" # default"#);
    assert!(!printed.contains("sesame"));
}

/// A program that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Serves a portal in the folder until it has made what it keeps, and ends it.
fn serve_once(folder: &Path) {
    let line = "serve --insecure-http --listen 127.0.0.1:0 --node-listen 127.0.0.1:0";
    let mut command = command(folder, line, &[]);
    let mut portal = Running(command.stdout(Stdio::piped()).spawn().unwrap());
    let said = BufReader::new(portal.0.stdout.take().unwrap());
    let link = said.lines().map(Result::unwrap).find(|it| it.contains("/operator/invite/"));
    assert!(link.is_some(), "it ended by itself");
}

/// Writes the plugin `one`, whose component nobody can run.
fn write_plugin(folder: &Path, more: &str) {
    let manifest = "manifest = 1\n[plugin]\nid = \"dev.example.one\"\nname = \"One\"\n\
                    version = \"1.0.0\"\nkind = [\"notification\"]\napi = \"1.0\"\n";
    fs::create_dir(folder.join("one")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("one/plugin.toml", format!("{manifest}{more}").as_bytes());
    write("one/plugin.wasm", b"\0asm\x0d\0\x01\0 and the rest");
    write("one/README.md", b"# One");
}

#[test]
fn a_secret_that_is_not_given_is_named_before_anything_is_installed() {
    let folder = TempDir::new().unwrap();
    serve_once(folder.path());
    let uses = "[[capabilities.http]]\nhost = \"api.example.org\"\nmethods = [\"POST\"]\n\
                reason = \"Carry messages\"\n[[secrets]]\nname = \"token\"\n\
                label = \"Token of the service\"\n\
                use = [{ host = \"api.example.org\", in = [\"auth\"] }]\n";
    write_plugin(folder.path(), uses);
    let clear = [("MYRELAY_INSECURE_HTTP", "true")];
    let line = "plugin install one --grant --unsigned-plugins";
    let output = myrelay(folder.path(), line, &clear);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "it is installed: {said}");
    for part in [
        "nothing was installed",
        "  --secret token=FILE  (Token of the service)\n",
        "--without-secrets",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let asked = format!("{line} --secret tokn=one/README.md");
    let said = String::from_utf8(myrelay(folder.path(), &asked, &clear).stderr).unwrap();
    assert!(said.contains("--secret tokn: this plugin has no such secret; it has token"), "{said}");
    let asked = format!("{line} --without-secrets --host mail.example.org");
    let said = String::from_utf8(myrelay(folder.path(), &asked, &clear).stderr).unwrap();
    assert!(said.contains("--host: this plugin asks for no hosts that you name"), "{said}");
    // To look at the portal nobody says how it is served.
    for (line, told) in [
        ("plugin list", "No plugin is installed.\n"),
        ("plugin revoked", "Nothing is revoked.\n"),
        ("ca show", "nodes that do not know it yet: none\n"),
    ] {
        let output = myrelay(folder.path(), line, &[]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.ends_with(told), "{line}: {said}");
    }
}

#[test]
fn a_plugin_that_needs_a_later_portal_is_not_even_asked_what_it_wants() {
    let folder = TempDir::new().unwrap();
    write_plugin(folder.path(), "min_portal = \"99.0\"\n");
    let clear = [("MYRELAY_INSECURE_HTTP", "true")];
    let output = myrelay(folder.path(), "plugin install one", &clear);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    let ours = format!("this is {}", env!("CARGO_PKG_VERSION"));
    let why = "plugin.min_portal: it works with version 99.0 of the portal or a later one";
    assert!(said.contains(why) && said.contains(&ours), "{said}");
}
