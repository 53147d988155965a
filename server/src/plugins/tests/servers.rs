//! Stories about operators who name a server that a plugin was not granted.

use myrelay_app::contract::{
    PluginContract, PluginFormContract, SettingField, SettingInput, SettingsChange, TypedFields,
};
use myrelay_plugin_host::{Grants, HostPattern, Manifest};
use serde_json::json;

use crate::{
    Error,
    plugins::{Input, grants::granted_to, install, testing},
    testing::{World, stories},
};

const MANIFEST: &str = include_str!("../../../../plugins/email/plugin.toml");
const SCHEMA: &str = include_str!("../../../../plugins/email/config.schema.json");

/// What an operator grants who names these hosts, and these private addresses.
fn granted(hosts: &[&str], private: &[&str]) -> Grants {
    let hosts: Vec<_> = hosts.iter().map(|it| HostPattern::parse(it).unwrap()).collect();
    let private: Vec<_> = private.iter().map(|it| it.parse().unwrap()).collect();
    granted_to(&Manifest::parse(MANIFEST).unwrap(), &hosts, false, &private).unwrap()
}

/// Our own mail plugin, to hand mails to a server.
fn mail(server: &serde_json::Value, grants: Grants) -> Input {
    let settings = json!({
        "provider": "smtp", "from": "VPN <hello@example.org>", "smtp": server,
    });
    Input {
        manifest: MANIFEST.to_owned(),
        schema: Some(SCHEMA.to_owned()),
        settings: Some(settings.to_string()),
        grants,
        ..testing::input("dev.example.one", &[])
    }
}

/// What was wrong with the settings of a plugin that was not installed.
async fn refused(world: &World, server: &serde_json::Value, grants: Grants) -> String {
    let refused = install(&world.context, mail(server, grants)).await.map(drop);
    let Err(error @ Error::Settings(_)) = refused else { panic!("{refused:?}") };
    error.to_string()
}

/// All fields of a form, those in groups as well.
fn fields(all: &[SettingField]) -> Vec<&SettingField> {
    all.iter()
        .flat_map(|it| match &it.input {
            SettingInput::Group(inside) => fields(inside),
            _ => vec![it],
        })
        .collect()
}

/// What a form sends where these settings are typed, by their labels, and all others stay.
fn typed(revision: &str, all: &[SettingField], changed: &[(&str, &str)]) -> TypedFields {
    let value = |it: &&SettingField| {
        let new = changed.iter().find(|(label, _)| *label == it.label);
        (it.name.clone(), new.map_or_else(|| it.value.clone(), |it| it.1.to_owned()))
    };
    let revision = ("revision".to_owned(), revision.to_owned());
    TypedFields([revision].into_iter().chain(fields(all).iter().map(value)).collect())
}

stories! {
    async fn a_mail_server_that_is_not_granted_is_found_where_it_is_typed(world) {
        let olga = world.operator("olga").await;
        let server = json!({ "host": "Mail.example.org" });
        let (id, ready) =
            install(&world.context, mail(&server, granted(&["mail.example.org"], &[]))).await.unwrap();
        ready.unwrap();
        let id = id.to_string();
        let form = olga.api().plugin_settings(&id).await.unwrap().form;
        let heard = world.host.heard().len();
        let sent = typed("1", &form.fields, &[("Host", "mx.example.net")]);
        let change = olga.api().change_plugin_settings(&id, sent).await.unwrap();
        let SettingsChange::Refused(view) = change else { panic!("it was saved") };
        let wrong: Vec<_> =
            fields(&view.form.fields).into_iter().filter(|it| it.error.is_some()).cloned().collect();
        assert_eq!((wrong.len(), wrong[0].label.as_str()), (1, "Host"));
        let why = wrong[0].error.as_deref().unwrap();
        let rule = "has not granted smtp with host = \"mx.example.net\", port = 587, security = \"starttls\"";
        assert!(why.contains(rule) && why.contains("--host"), "{why}");
        assert_eq!(wrong[0].value, "mx.example.net", "what was typed stays");
        assert_eq!(world.host.heard().len(), heard, "nobody had to be called for that");
        let after = olga.api().get_plugin(&id).await.unwrap();
        assert!(after.settings.contains("Mail.example.org"), "{}", after.settings);

        // Where mails do not go by SMTP, what stands there means nothing.
        let elsewhere = [("Host", "mx.example.net"), ("What carries the mails", "\"resend\"")];
        let sent = typed("1", &form.fields, &elsewhere);
        let change = olga.api().change_plugin_settings(&id, sent).await.unwrap();
        assert_eq!(change, SettingsChange::Saved);

        // And a server that is granted is taken.
        let server = json!({ "host": "mx.example.net", "security": "tls" });
        let both = granted(&["mx.example.net", "mail.example.org"], &[]);
        let (again, ready) = install(&world.context, mail(&server, both)).await.unwrap();
        ready.unwrap();
        assert_eq!(again.to_string(), id);
    }

    async fn a_plugin_is_not_installed_with_a_server_that_it_may_not_reach(world) {
        let named = || granted(&["mail.example.org"], &[]);
        let here = || granted(&["10.1.2.3", "mail.example.org"], &["10.1.2.3/32:25"]);
        for (server, grants, why) in [
            (json!({ "host": "mx.example.net" }), named(), "`settings`: /smtp/host: "),
            (json!({ "host": "mail.example.org", "port": 588 }), named(), "plugin.toml needs"),
            (json!({ "host": "mail..example" }), named(), "by its address"),
            (
                json!({ "host": "10.1.2.3" }),
                granted(&["10.1.2.3"], &[]),
                "grant the private address 10.1.2.3/32:587 to allow it",
            ),
            // In clear nothing goes to where somebody could read along.
            (
                json!({ "host": "mail.example.org", "security": "clear" }),
                named(),
                "grant the private address of the server with port 25",
            ),
            (
                json!({ "host": "8.8.8.8", "security": "clear" }),
                granted(&["8.8.8.8"], &["10.1.2.3/32:25"]),
                "grant the private address 8.8.8.8/32:25 to allow it",
            ),
        ] {
            let said = refused(&world, &server, grants).await;
            assert!(said.contains(why), "{server}: {said}");
        }
        assert_eq!(world.count("SELECT COUNT(*) FROM plugins").await, 0);
        let clear = json!({ "host": "10.1.2.3", "security": "clear" });
        let (id, ready) = install(&world.context, mail(&clear, here())).await.unwrap();
        ready.unwrap();
        // Other grants with the settings that it has: what they do not allow is told as well.
        let other = Input { settings: None, ..mail(&clear, named()) };
        let Err(Error::Settings(problems)) = install(&world.context, other).await.map(drop) else {
            panic!("it was installed");
        };
        assert_eq!(problems[0].place, "/smtp/host");
        let olga = world.operator("olga").await;
        assert!(olga.api().get_plugin(&id.to_string()).await.unwrap().settings.contains("10.1.2.3"));
    }
}
