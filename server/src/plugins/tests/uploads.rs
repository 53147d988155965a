//! Stories about packages that operators send, read and install.

use std::fs;

use myrelay_app::contract::{
    CapabilityChange, InstallOutcome, InstallView, PluginContract, PluginFormContract, PluginState,
    PortalError, TypedFields, UploadPlugin,
};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_package::{Package, PublisherKey, SigningKey, keygen, sign};

use crate::{
    Error,
    plugins::{self, Input, Origin, install::install_from, testing},
    testing::{Actor, World, stories},
};

const SESSION: &str = "one session";
const HOUR: i64 = 3_600_000;
const SCHEMA: &str = r#"{
    "type": "object", "additionalProperties": false, "required": ["word"],
    "properties": { "word": { "type": "string", "title": "A word", "maxLength": 8 } }
}"#;

/// Somebody who makes plugins.
struct Publisher {
    key: SigningKey,
    public: PublisherKey,
}

impl Publisher {
    fn new() -> Self {
        let (secret, public) = keygen(None).unwrap();
        Self { key: SigningKey::open(&secret, None).unwrap(), public }
    }

    /// A package and its signature, to be sent.
    fn signed(&self, manifest: &str) -> UploadPlugin {
        let package = package(manifest);
        let signature = Some(sign(&package, &self.key, "a plugin").unwrap());
        UploadPlugin { session: SESSION.to_owned(), package, signature, publisher: String::new() }
    }
}

/// The manifest of a version, with settings and hosts that its operator names.
fn manifest(version: &str, events: &[&str]) -> String {
    let text = testing::manifest("dev.example.one", events).replace("1.2.3", version);
    text + "[config]\nschema = \"config.schema.json\"\n\
            [[capabilities.http]]\nhost = \"*\"\nmethods = [\"GET\"]\nreason = \"Ask them\"\n"
}

pub(crate) fn package(manifest: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("plugin.toml", manifest.as_bytes());
    write("plugin.wasm", b"\0asm\x0d\0\x01\0 and the rest");
    if manifest.contains("[config]") {
        write("config.schema.json", SCHEMA.as_bytes());
    }
    write("README.md", b"# One\n\nDo this first.\x1b");
    Package::from_folder(folder.path()).unwrap().pack().unwrap()
}

fn typed(view: &InstallView, pairs: &[(&str, &str)]) -> TypedFields {
    let before = ("before".to_owned(), view.before.clone());
    let pairs = pairs.iter().map(|(name, it)| ((*name).to_owned(), (*it).to_owned()));
    TypedFields([before].into_iter().chain(pairs).collect())
}

/// Sends a package, and reads what the portal says of it.
async fn send(olga: &Actor<'_>, input: UploadPlugin) -> Result<InstallView, PortalError> {
    let upload = olga.api().upload_plugin(input).await?;
    olga.api().plugin_upload(SESSION, &upload.to_string()).await
}

async fn install(olga: &Actor<'_>, view: &InstallView, pairs: &[(&str, &str)]) -> InstallOutcome {
    let upload = view.upload.to_string();
    olga.api().install_upload(SESSION, &upload, typed(view, pairs)).await.unwrap()
}

fn installed(outcome: InstallOutcome) -> InstallationId {
    match outcome {
        InstallOutcome::Installed(id) => id,
        InstallOutcome::Refused(view) => panic!("{view:?}"),
    }
}

fn refused(outcome: InstallOutcome) -> InstallView {
    match outcome {
        InstallOutcome::Refused(view) => *view,
        InstallOutcome::Installed(_) => panic!("it was installed"),
    }
}

/// What somebody has to grant to it, and the setting and the secret that it needs.
const GOOD: [(&str, &str); 3] =
    [("hosts", "desk.example.org"), ("setting-0", "hello"), ("secret-0", "hush")];

fn field(error: &PortalError) -> &str {
    match error {
        PortalError::Invalid { field, .. } => field,
        error => panic!("{error}"),
    }
}

async fn count(world: &World) -> i64 {
    world.count("SELECT COUNT(*) FROM plugin_uploads").await
}

stories! {
    async fn an_operator_sends_a_package_reads_it_and_installs_it(world) {
        let (olga, paula) = (world.operator("olga").await, Publisher::new());
        let first = paula.signed(&manifest("1.0.0", &["account.created.v1"]));
        let input = UploadPlugin { publisher: paula.public.to_file(), ..first };
        let view = send(&olga, input).await.unwrap();
        assert_eq!((view.name.as_str(), view.version.as_str()), ("Plugin dev.example.one", "1.0.0"));
        assert_eq!(view.publisher, Some(paula.public.to_string()));
        assert!(!view.is_pinned && view.replaces.is_none() && !view.grows && view.names_hosts);
        assert_eq!(view.readme.as_deref(), Some("# One\n\nDo this first.…"));
        let asked: Vec<_> = view.asked.iter().map(|it| (it.what.as_str(), it.change)).collect();
        assert!(asked.contains(&("Hear of account.created.v1", None)), "{asked:?}");
        assert!(view.asked.iter().any(|it| it.reason == "Ask them"));
        assert_eq!(world.count("SELECT COUNT(*) FROM plugins").await, 0, "nothing is installed yet");

        let sent = [("hosts", "no host!"), ("setting-0", "much too long"), ("private", "somewhere")];
        let wrong = refused(install(&olga, &view, &sent).await);
        assert!(wrong.errors.contains_key("hosts") && wrong.errors.contains_key("private"), "{wrong:?}");
        assert_eq!(wrong.form.fields[0].error, None, "what the schema says comes after");
        let sent = [("hosts", "a.example"), ("setting-0", "much too long"), ("secret-0", "hush")];
        let wrong = refused(install(&olga, &view, &sent).await);
        assert_eq!(wrong.form.fields[0].error.as_deref(), Some("at most 8 characters"));
        assert_eq!((wrong.hosts.as_str(), wrong.form.fields[0].value.as_str()), ("a.example", "much too long"));
        assert_eq!(world.count("SELECT COUNT(*) FROM plugins").await, 0);

        let id = installed(install(&olga, &view, &GOOD).await);
        let now = olga.api().get_plugin(&id.to_string()).await.unwrap();
        assert_eq!((now.row.state, now.settings.as_str()), (PluginState::Enabled, r#"{"word":"hello"}"#));
        let may: Vec<_> = now.capabilities.iter().map(|it| it.what.as_str()).collect();
        assert!(may.contains(&"GET https://desk.example.org/"), "{may:?}");
        assert_eq!(count(&world).await, 0, "what is installed waits no more");
    }

    async fn another_version_that_asks_for_more_takes_a_tick_and_keeps_what_was_granted(world) {
        let (olga, paula) = (world.operator("olga").await, Publisher::new());
        let first = paula.signed(&manifest("1.0.0", &["account.created.v1"]));
        let input = UploadPlugin { publisher: paula.public.to_string(), ..first };
        let view = send(&olga, input).await.unwrap();
        let id = installed(install(&olga, &view, &GOOD).await);
        // Her key is known by now.
        let next = paula.signed(&manifest("2.0.0", &["account.created.v1", "pod.created.v1"]));
        let view = send(&olga, next).await.unwrap();
        assert!(view.is_pinned && view.grows);
        assert_eq!((view.replaces.as_deref(), view.hosts.as_str()), (Some("1.0.0"), "desk.example.org"));
        assert_eq!(view.form.fields[0].value, "hello");
        assert!(view.form.secrets[0].given);
        let change = |what: &str| view.asked.iter().find(|it| it.what == what).unwrap().change;
        assert_eq!(change("Hear of pod.created.v1"), Some(CapabilityChange::Added));
        assert_eq!(change("Hear of account.created.v1"), Some(CapabilityChange::Same));
        let sent = [("hosts", "desk.example.org"), ("setting-0", "bye")];
        let wrong = refused(install(&olga, &view, &sent).await);
        assert!(wrong.errors["growth"].contains("tick"), "{wrong:?}");
        let ticked = [("hosts", "desk.example.org"), ("setting-0", "bye"), ("growth", "on"), ("test_mode", "on")];
        // The plugin itself finds something wrong with it.
        let bad = ticked.map(|(name, it)| (name, if name == "setting-0" { "bad" } else { it }));
        let wrong = refused(install(&olga, &view, &bad).await);
        assert_eq!(wrong.form.fields[0].error.as_deref(), Some("it is bad"));
        assert!(wrong.agreed && wrong.test_mode);
        assert_eq!(installed(install(&olga, &view, &ticked).await), id);
        let now = olga.api().get_plugin(&id.to_string()).await.unwrap();
        assert_eq!((now.row.version.as_str(), now.settings.as_str()), ("2.0.0", r#"{"word":"bye"}"#));
        // One that was read before somebody installed another one is read once more.
        let next = paula.signed(&manifest("3.0.0", &["account.created.v1"]));
        let view = send(&olga, next).await.unwrap();
        assert!(!view.grows && view.test_mode);
        let sent = [("revision", "2"), ("setting-0", "x")];
        let sent = TypedFields(sent.map(|(name, it)| (name.to_owned(), it.to_owned())).to_vec());
        olga.api().change_plugin_settings(&id.to_string(), sent).await.unwrap();
        let sent = [("hosts", "desk.example.org"), ("setting-0", "bye")];
        let late = refused(install(&olga, &view, &sent).await);
        assert!(late.form.problems[0].contains("since you read this page"), "{late:?}");
        assert_ne!(late.before, view.before);
        // So is one that was changed in the moment between.
        let found = plugins::find(&world.context, "dev.example.one").await.unwrap().unwrap();
        let seen = [None, Some((found.id, found.revision - 1)), Some((world.context.new_id(), found.revision))];
        for read in seen.map(Some) {
            let origin = Origin { read, ..Origin::default() };
            let input = testing::input("dev.example.one", &["account.created.v1"]);
            let input = Input { publisher: Some(paula.public.clone()), ..input };
            let error = install_from(&world.context, input, &origin).await.unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "before", .. }), "{error}");
        }
        let now = olga.api().get_plugin(&id.to_string()).await.unwrap();
        assert_eq!(now.row.version, "2.0.0");
        let again = installed(install(&olga, &late, &sent).await);
        assert_eq!(again, id);
    }

    async fn a_secret_that_is_missing_takes_a_tick_before_anything_is_enabled(world) {
        let olga = world.operator("olga").await;
        let text = manifest("1.0.0", &["account.created.v1"]);
        let text = text.replace("name = \"api_key\"", "name = \"api_key\"\nlabel = \"Key of the desk\"");
        let unsigned = || UploadPlugin {
            session: SESSION.to_owned(),
            package: package(&text),
            signature: None,
            publisher: String::new(),
        };
        let view = send(&olga, unsigned()).await.unwrap();
        assert_eq!((view.missing.as_slice(), view.without), (&["Key of the desk".to_owned()][..], false));
        let optional = text.replace("label =", "optional = true\nlabel =");
        let one_way = UploadPlugin { package: package(&optional), ..unsigned() };
        assert!(send(&olga, one_way).await.unwrap().missing.is_empty());
        let bare = [("hosts", "desk.example.org"), ("setting-0", "hello"), ("secret-0", "")];
        let asked = refused(install(&olga, &view, &bare).await);
        assert!(asked.errors["without"].contains("Key of the desk"), "{asked:?}");
        assert_eq!(world.count("SELECT COUNT(*) FROM plugins").await, 0);
        let ticked = [("hosts", "desk.example.org"), ("setting-0", "hello"), ("without", "on")];
        let id = installed(install(&olga, &view, &ticked).await).to_string();
        let view = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!(view.missing, ["Key of the desk"]);
        // What is given once is not asked for again.
        let view = send(&olga, unsigned()).await.unwrap();
        assert_eq!(view.missing.len(), 1);
        installed(install(&olga, &view, &GOOD).await);
        assert_eq!(olga.api().get_plugin(&id).await.unwrap().missing, [""; 0]);
        let view = send(&olga, unsigned()).await.unwrap();
        assert!(view.missing.is_empty());
        installed(install(&olga, &view, &bare).await);
    }

    async fn what_is_not_sound_or_not_signed_as_it_must_be_is_refused_by_field(world) {
        let (olga, paula, eve) = (world.operator("olga").await, Publisher::new(), Publisher::new());
        let text = manifest("1.0.0", &["account.created.v1"]);
        let good = || UploadPlugin { publisher: paula.public.to_string(), ..paula.signed(&text) };
        let refused = async |input| olga.api().upload_plugin(input).await.unwrap_err();
        for (expected, input) in [
            ("package", UploadPlugin { package: Vec::new(), ..good() }),
            ("signature", UploadPlugin { signature: None, ..good() }),
            ("signature", UploadPlugin { signature: Some("signed".to_owned()), ..good() }),
            ("signature", UploadPlugin { package: package(&text.replace("Ask", "Take")), ..good() }),
            ("publisher", UploadPlugin { publisher: "RWnonsense".to_owned(), ..good() }),
            ("publisher", UploadPlugin { publisher: eve.public.to_string(), ..good() }),
            // Nobody knows her here yet.
            ("publisher", UploadPlugin { publisher: String::new(), ..good() }),
        ] {
            let error = refused(input).await;
            assert_eq!(field(&error), expected, "{error}");
        }
        let junk = b"no package".to_vec();
        let signature = Some(sign(&junk, &paula.key, "junk").unwrap());
        let error = refused(UploadPlugin { package: junk, signature, ..good() }).await;
        assert_eq!(field(&error), "package");
        let deaf = testing::manifest("dev.example.one", &[]);
        let deaf = UploadPlugin { publisher: paula.public.to_string(), ..paula.signed(&deaf) };
        assert_eq!(field(&refused(deaf).await), "package");
        assert_eq!(count(&world).await, 0);
        // A name is its first publisher's.
        let view = send(&olga, good()).await.unwrap();
        installed(install(&olga, &view, &GOOD).await);
        let hers = UploadPlugin { publisher: eve.public.to_string(), ..eve.signed(&text) };
        assert_eq!(field(&refused(hers).await), "publisher");
    }

    async fn what_nobody_signed_is_taken_only_where_the_portal_says_so(world) {
        let olga = world.operator("olga").await;
        let text = manifest("1.0.0", &["account.created.v1"]);
        let unsigned = || UploadPlugin {
            session: SESSION.to_owned(),
            package: package(&text),
            signature: None,
            publisher: String::new(),
        };
        let strict = world.portal_set(|it| it.unsigned_plugins = false).await;
        assert!(!plugins::takes_unsigned(&strict, olga.caller).unwrap());
        let error = plugins::upload(&strict, olga.caller, unsigned()).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "signature", .. }), "{error}");
        assert!(olga.api().takes_unsigned_plugins().await.unwrap());
        let view = send(&olga, unsigned()).await.unwrap();
        assert_eq!(view.publisher, None);
        installed(install(&olga, &view, &GOOD).await);
    }

    async fn a_package_waits_for_an_hour_for_the_session_that_sent_it(world) {
        let (olga, otto) = (world.operator("olga").await, world.operator("otto").await);
        let ana = world.customer("ana").await;
        let paula = Publisher::new();
        let text = manifest("1.0.0", &["account.created.v1"]);
        let good = || UploadPlugin { publisher: paula.public.to_string(), ..paula.signed(&text) };
        assert_eq!(ana.api().upload_plugin(good()).await, Err(PortalError::NotAllowed));
        assert_eq!(ana.api().takes_unsigned_plugins().await, Err(PortalError::NotAllowed));
        let view = send(&olga, good()).await.unwrap();
        let upload = view.upload.to_string();
        let missing = PortalError::NotFound { what: "uploaded package".to_owned() };
        let error = olga.api().plugin_upload("another session", &upload).await.unwrap_err();
        assert_eq!(error, missing);
        assert_eq!(otto.api().plugin_upload(SESSION, &upload).await.unwrap_err(), missing);
        let theirs = otto.api().install_upload(SESSION, &upload, typed(&view, &GOOD)).await;
        assert_eq!(theirs.unwrap_err(), missing);
        assert_eq!(ana.api().plugin_upload(SESSION, &upload).await.unwrap_err(), PortalError::NotAllowed);
        for unknown in ["", "upl_0", "upl_00000000000000000000000000000000"] {
            assert_eq!(olga.api().plugin_upload(SESSION, unknown).await.unwrap_err(), missing);
        }
        otto.api().discard_upload(SESSION, &upload).await.unwrap();
        assert_eq!(count(&world).await, 1, "it is not his");
        for _ in 0..2 {
            olga.api().discard_upload(SESSION, &upload).await.unwrap();
            assert_eq!(count(&world).await, 0);
        }
        // Only the newest few wait, and none for longer than an hour.
        let first = send(&olga, good()).await.unwrap().upload.to_string();
        for _ in 0..3 {
            world.clock.advance(1);
            send(&olga, good()).await.unwrap();
        }
        assert_eq!(count(&world).await, 3);
        assert_eq!(olga.api().plugin_upload(SESSION, &first).await.unwrap_err(), missing);
        let last = send(&olga, good()).await.unwrap().upload.to_string();
        world.clock.advance(HOUR);
        assert_eq!(olga.api().plugin_upload(SESSION, &last).await.unwrap_err(), missing);
        plugins::prune(&world.context).await.unwrap();
        assert_eq!(count(&world).await, 0);
    }
}
