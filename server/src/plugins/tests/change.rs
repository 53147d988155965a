//! Stories about operators who change what a plugin is set to.

use myrelay_app::contract::{
    PluginContract, PluginFormContract, PluginSettingsView, PluginState, PortalError,
    SettingsChange, TypedFields,
};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::Call;

use crate::{
    outbox,
    plugins::{Input, install, testing},
    testing::{World, stories},
};

const SCHEMA: &str = r#"{
    "type": "object", "additionalProperties": false, "required": ["word"],
    "properties": {
        "word": { "type": "string", "title": "A word", "maxLength": 8 },
        "tries": { "type": "integer", "minimum": 1, "default": 3 }
    }
}"#;

/// A plugin with two settings and a secret.
pub(super) async fn set_up(world: &World) -> InstallationId {
    let settings = Some(r#"{"word":"one"}"#.to_owned());
    let first = testing::input("dev.example.one", &["account.created.v1"]);
    let input = Input { schema: Some(SCHEMA.to_owned()), settings, ..first };
    let (id, enabled) = install(&world.context, input).await.unwrap();
    enabled.unwrap();
    id
}

fn typed(pairs: &[(&str, &str)]) -> TypedFields {
    TypedFields(pairs.iter().map(|(name, it)| ((*name).to_owned(), (*it).to_owned())).collect())
}

fn refused(change: SettingsChange) -> PluginSettingsView {
    match change {
        SettingsChange::Refused(view) => *view,
        SettingsChange::Saved => panic!("it was saved"),
    }
}

/// The errors beside the fields, in their order.
fn errors(view: &PluginSettingsView) -> Vec<Option<&str>> {
    view.form.fields.iter().map(|it| it.error.as_deref()).collect()
}

stories! {
    async fn an_operator_changes_settings_and_a_secret_by_a_form(world) {
        let (id, olga) = (set_up(&world).await.to_string(), world.operator("olga").await);
        let view = olga.api().plugin_settings(&id).await.unwrap();
        let shown: Vec<_> =
            view.form.fields.iter().map(|it| (it.label.as_str(), it.value.as_str())).collect();
        assert_eq!(shown, [("A word", "one"), ("tries", "3")]);
        let secret = &view.form.secrets[0];
        assert_eq!((secret.secret.as_str(), secret.given), ("api_key", true));
        assert!(!view.form.is_wrong() && !format!("{view:?}").contains("hush"));

        let sent = [("revision", "1"), ("setting-0", "two"), ("setting-1", ""), ("secret-0", "")];
        let done = olga.api().change_plugin_settings(&id, typed(&sent)).await.unwrap();
        assert_eq!(done, SettingsChange::Saved);
        let after = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!(after.settings, r#"{"tries":3,"word":"two"}"#, "left empty, it is its default");
        assert_eq!(after.row.state, PluginState::Enabled);
        let key = |world: &World| world.host.heard().pop().unwrap().secrets["api_key"].expose().to_owned();
        assert_eq!(key(&world), "hush-hush", "what is left empty stays");
        let sent = [("revision", "2"), ("setting-0", "two"), ("setting-1", "5"), ("secret-0", "new")];
        olga.api().change_plugin_settings(&id, typed(&sent)).await.unwrap();
        assert_eq!(key(&world), "new");
        let calls: Vec<_> = world.host.heard().into_iter().map(|it| it.call).collect();
        assert!(matches!(calls.as_slice(), [.., Call::ValidateConfig(_), Call::Activate { .. }]));
        let told = outbox::names(&world.context).await;
        assert_eq!(told.iter().filter(|it| *it == "plugin.upgraded").count(), 2);
    }

    async fn what_does_not_fit_changes_nothing_and_is_told_beside_its_field(world) {
        let (id, olga) = (set_up(&world).await.to_string(), world.operator("olga").await);
        let send = async |word: &str, tries: &str, secret: &str| {
            let sent = [
                ("revision", "1"), ("setting-0", word), ("setting-1", tries), ("secret-0", secret),
            ];
            refused(olga.api().change_plugin_settings(&id, typed(&sent)).await.unwrap())
        };
        let view = send("much too long", "0", "").await;
        assert_eq!(errors(&view), [Some("at most 8 characters"), Some("at least 1")]);
        assert_eq!(view.form.fields[0].value, "much too long");
        assert_eq!(errors(&send("", "3", "").await), [Some("it is needed"), None]);
        assert_eq!(errors(&send("x", "three", "").await), [None, Some("expected a whole number")]);
        // The plugin itself finds something wrong with it.
        assert_eq!(errors(&send("bad", "3", "hidden").await), [Some("it is bad"), None]);
        let long = "x".repeat(8193);
        let view = send("fine", "3", &long).await;
        assert!(view.form.secrets[0].error.is_some() && !format!("{view:?}").contains("xxxx"));
        let after = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!((after.settings.as_str(), after.row.state), (r#"{"tries":3,"word":"one"}"#, PluginState::Enabled));
        assert_eq!(world.count("SELECT COUNT(*) FROM plugins WHERE revision = 1").await, 1);
        assert!(!outbox::names(&world.context).await.contains(&"plugin.upgraded".to_owned()));
    }

    async fn two_operators_do_not_undo_each_other_and_nobody_sends_what_is_not_asked_for(world) {
        let (id, olga) = (set_up(&world).await.to_string(), world.operator("olga").await);
        let sent = [("revision", "1"), ("setting-0", "two")];
        let done = olga.api().change_plugin_settings(&id, typed(&sent)).await.unwrap();
        assert_eq!(done, SettingsChange::Saved);
        let sent = [("revision", "1"), ("setting-0", "three")];
        let late = refused(olga.api().change_plugin_settings(&id, typed(&sent)).await.unwrap());
        assert!(late.form.problems[0].contains("Somebody changed"), "{late:?}");
        assert_eq!((late.form.fields[0].value.as_str(), late.revision), ("two", 2));
        for sent in [
            vec![("revision", "2"), ("setting-7", "x")],
            vec![("revision", "2"), ("secret-1", "x")],
            vec![("revision", "2"), ("setting-0", "x"), ("setting-0", "y")],
        ] {
            let error = olga.api().change_plugin_settings(&id, typed(&sent)).await.unwrap_err();
            assert!(matches!(&error, PortalError::Invalid { field, .. } if field == "form"), "{error}");
        }
        // One that is disabled stays so.
        olga.api().disable_plugin(&id).await.unwrap();
        let sent = [("revision", "2"), ("setting-0", "four")];
        olga.api().change_plugin_settings(&id, typed(&sent)).await.unwrap();
        let after = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!(after.row.state, PluginState::Disabled);
        assert!(after.settings.contains("four"));
    }

    async fn only_operators_see_settings_and_an_unknown_plugin_has_none(world) {
        let id = set_up(&world).await.to_string();
        let (ana, olga) = (world.customer("ana").await, world.operator("olga").await);
        let sent = || typed(&[("revision", "1"), ("setting-0", "two")]);
        assert_eq!(ana.api().plugin_settings(&id).await, Err(PortalError::NotAllowed));
        let change = ana.api().change_plugin_settings(&id, sent()).await;
        assert_eq!(change, Err(PortalError::NotAllowed));
        for unknown in ["", "inst_00000000000000000000000000000000"] {
            let missing = PortalError::NotFound { what: "plugin".to_owned() };
            assert_eq!(olga.api().plugin_settings(unknown).await, Err(missing.clone()));
            let change = olga.api().change_plugin_settings(unknown, sent()).await;
            assert_eq!(change, Err(missing));
        }
    }

    async fn one_that_does_not_make_itself_ready_with_new_settings_is_stopped_and_says_so(world) {
        let (id, olga) = (set_up(&world).await.to_string(), world.operator("olga").await);
        let mut tx = world.context.database.write().await.unwrap();
        sqlx::query("DELETE FROM plugin_secrets").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let sent = [("revision", "1"), ("setting-0", "two")];
        let done = olga.api().change_plugin_settings(&id, typed(&sent)).await.unwrap();
        assert_eq!(done, SettingsChange::Saved);
        let after = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!(after.row.state, PluginState::Stopped);
        assert!(after.why.unwrap().contains("did not make itself ready"));
        assert!(after.settings.contains("two"));
    }
}
