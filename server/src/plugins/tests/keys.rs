//! Stories about publishers whose keys change, and about what an operator does not let run.

use myrelay_app::contract::{PluginContract, PluginState, PortalError};
use myrelay_plugin_package::{PublisherKey, Rotation, SigningKey, keygen};

use crate::{
    Error, outbox,
    plugins::{
        Input, Origin, find, install, install::install_from, revoke, revoked, rollback_to, testing,
        unrevoke,
    },
    testing::{World, stories},
};

const ONE: &str = "dev.example.one";
const TWO: &str = "dev.example.two";

/// A publisher's pair.
fn pair() -> (SigningKey, PublisherKey) {
    let (secret, public) = keygen(None).unwrap();
    (SigningKey::open(&secret, None).unwrap(), public)
}

fn by(id: &str, version: &str, publisher: &PublisherKey) -> Input {
    let mut input = testing::input(id, &["account.created.v1"]);
    input.manifest = input.manifest.replace("1.2.3", version);
    input.component.extend_from_slice(version.as_bytes());
    Input { publisher: Some(publisher.clone()), ..input }
}

fn becomes(key: &SigningKey, to: &PublisherKey) -> Rotation {
    Rotation::read(&Rotation::sign(key, to).unwrap()).unwrap()
}

async fn refused(world: &World, input: Input, origin: &Origin, why: &str) {
    let error = install_from(&world.context, input, origin).await.unwrap_err();
    assert!(matches!(&error, Error::Invalid { field: "publisher", .. }), "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

stories! {
    async fn a_publisher_changes_keys_by_the_word_of_the_key_before(world) {
        let ((old, first), (next, second), (_, third)) = (pair(), pair(), pair());
        for id in [ONE, TWO] {
            install(&world.context, by(id, "1.0.0", &first)).await.unwrap().1.unwrap();
        }
        refused(&world, by(ONE, "2.0.0", &second), &Origin::default(), "--rotation").await;
        // A stranger's word does not count for what the first key published.
        let stranger = Origin { rotations: vec![becomes(&next, &third)], ..Origin::default() };
        refused(&world, by(ONE, "2.0.0", &third), &stranger, "was signed by").await;
        let said = || Origin { rotations: vec![becomes(&old, &second)], ..Origin::default() };
        let (id, ready) = install_from(&world.context, by(ONE, "2.0.0", &second), &said()).await.unwrap();
        ready.unwrap();
        let olga = world.operator("olga").await;
        let view = olga.api().get_plugin(&id.to_string()).await.unwrap();
        assert_eq!(view.publisher, Some(second.to_string()));
        // It holds for all that it published, and the key before publishes nothing any more.
        install(&world.context, by(TWO, "2.0.0", &second)).await.unwrap().1.unwrap();
        refused(&world, by(ONE, "3.0.0", &first), &Origin::default(), "was signed by").await;
        // Twice is fine, and so is one after the other.
        let both = Origin {
            rotations: vec![becomes(&old, &second), becomes(&next, &third)], ..Origin::default()
        };
        install_from(&world.context, by(ONE, "3.0.0", &third), &both).await.unwrap().1.unwrap();
    }

    async fn what_was_signed_once_does_not_go_back_to_what_nobody_signed(world) {
        let (_, first) = pair();
        let unsigned = |version: &str| Input { publisher: None, ..by(ONE, version, &first) };
        let olga = world.operator("olga").await;
        let (id, _) = install(&world.context, unsigned("1.0.0")).await.unwrap();
        let id = id.to_string();
        let earlier = async || olga.api().get_plugin(&id).await.unwrap().versions;
        install(&world.context, unsigned("2.0.0")).await.unwrap().1.unwrap();
        olga.api().rollback_plugin(&id, earlier().await[0].number).await.unwrap();
        install(&world.context, by(ONE, "3.0.0", &first)).await.unwrap().1.unwrap();
        for version in earlier().await {
            assert_eq!(version.key_id, None);
            // Its page says so before.
            assert!(version.barred.unwrap().contains("nobody signed this"));
            let error = olga.api().rollback_plugin(&id, version.number).await.unwrap_err();
            assert!(error.to_string().contains("nobody signed this"), "{error}");
        }
        install(&world.context, by(ONE, "4.0.0", &first)).await.unwrap().1.unwrap();
        let version = earlier().await.remove(0);
        assert_eq!((version.version.as_str(), version.key_id), ("3.0.0", Some(first.key_id())));
        assert_eq!(version.barred, None);
        olga.api().rollback_plugin(&id, version.number).await.unwrap();
    }

    async fn what_is_revoked_stops_and_is_neither_installed_nor_enabled(world) {
        let ((old, first), (_, second)) = (pair(), pair());
        let (olga, ana) = (world.operator("olga").await, world.customer("ana").await);
        let (id, _) = install(&world.context, by(ONE, "1.0.0", &first)).await.unwrap();
        let (other, _) = install(&world.context, by(TWO, "1.0.0", &second)).await.unwrap();
        let (id, other) = (id.to_string(), other.to_string());
        let key = first.to_string();
        for _ in 0..2 {
            let stopped = revoke(&world.context, &key, "it was stolen").await.unwrap();
            assert_eq!(stopped.iter().map(|it| it.plugin.as_str()).collect::<Vec<_>>(), [ONE]);
        }
        let view = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!(view.row.state, PluginState::Stopped);
        assert!(view.why.as_deref().unwrap().contains("it was stolen"), "{:?}", view.why);
        assert_eq!(olga.api().get_plugin(&other).await.unwrap().row.state, PluginState::Enabled);
        let heard = world.host.heard().len();
        let error = olga.api().enable_plugin(&id).await.unwrap_err();
        assert!(matches!(&error, PortalError::Invalid { .. }), "{error:?}");
        assert_eq!(olga.api().get_plugin(&id).await.unwrap().row.state, PluginState::Stopped);
        assert_eq!(ana.api().enable_plugin(&id).await, Err(PortalError::NotAllowed));
        let told = outbox::names(&world.context).await;
        assert_eq!(told.iter().filter(|it| *it == "plugin.stopped").count(), 1);

        refused(&world, by(ONE, "2.0.0", &first), &Origin::default(), "it was stolen").await;
        // Whoever stole it says nothing of the next key either.
        let said = Origin { rotations: vec![becomes(&old, &second)], ..Origin::default() };
        refused(&world, by(ONE, "2.0.0", &second), &said, "it was stolen").await;
        // And nothing of it is called, not even to try.
        let call = olga.api().get_plugin(&id).await.unwrap().calls;
        let call = call.iter().find(|it| it.input.is_some()).unwrap().id.to_string();
        assert!(olga.api().try_call(&id, &call).await.is_err());
        assert_eq!(world.host.heard().len(), heard);

        let all = revoked(&world.context).await.unwrap();
        let all: Vec<_> = all.iter().map(|it| (it.what.as_str(), it.reason.as_str())).collect();
        assert_eq!(all, [(key.as_str(), "it was stolen")]);
        unrevoke(&world.context, &key).await.unwrap();
        let error = unrevoke(&world.context, &key).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { field: "what", .. }), "{error:?}");
        // Signatures name a key by its id, and that will do where it was met before.
        let stopped = revoke(&world.context, &first.key_id(), "it was stolen").await.unwrap();
        assert_eq!(stopped.len(), 1);
        assert_eq!(revoked(&world.context).await.unwrap()[0].what, key);
        unrevoke(&world.context, &first.key_id().to_lowercase()).await.unwrap();
        let error = revoke(&world.context, "0123456789ABCDEF", "why").await.err().unwrap();
        assert!(error.to_string().contains("give the key itself"), "{error}");
        olga.api().enable_plugin(&id).await.unwrap();
        assert_eq!(olga.api().get_plugin(&id).await.unwrap().row.state, PluginState::Enabled);
    }

    async fn a_key_that_another_took_the_place_of_is_revoked_by_its_id(world) {
        let ((old, first), (_, second)) = (pair(), pair());
        let olga = world.operator("olga").await;
        let (id, _) = install(&world.context, by(ONE, "1.0.0", &first)).await.unwrap();
        let id = id.to_string();
        let said = Origin { rotations: vec![becomes(&old, &second)], ..Origin::default() };
        install_from(&world.context, by(ONE, "2.0.0", &second), &said).await.unwrap().1.unwrap();
        let stopped = revoke(&world.context, &first.key_id(), "it was lost").await.unwrap();
        assert!(stopped.is_empty(), "what runs is by the key after it");
        let before = olga.api().get_plugin(&id).await.unwrap().versions.remove(0);
        let error = olga.api().rollback_plugin(&id, before.number).await.unwrap_err();
        assert!(error.to_string().contains("it was lost"), "{error}");
        unrevoke(&world.context, &first.key_id()).await.unwrap();
        olga.api().rollback_plugin(&id, before.number).await.unwrap();
        assert_eq!(revoke(&world.context, &first.key_id(), "lost").await.unwrap().len(), 1);
    }

    async fn one_package_is_revoked_and_the_version_before_it_runs(world) {
        let (_, first) = pair();
        let olga = world.operator("olga").await;
        let (id, _) = install(&world.context, by(ONE, "1.0.0", &first)).await.unwrap();
        let id = id.to_string();
        let hash = "ab".repeat(32);
        let origin = || Origin { package_hash: Some(hash.clone()), ..Origin::default() };
        install_from(&world.context, by(ONE, "2.0.0", &first), &origin()).await.unwrap().1.unwrap();
        let stopped = revoke(&world.context, &hash.to_uppercase(), "it loses money").await.unwrap();
        assert_eq!(stopped.len(), 1);
        refused(&world, by(ONE, "2.0.0", &first), &origin(), "it loses money").await;
        let found = find(&world.context, ONE).await.unwrap().unwrap();
        let (version, ready) = rollback_to(&world.context, &found, None).await.unwrap();
        ready.unwrap();
        assert_eq!(version, "1.0.0");
        let view = olga.api().get_plugin(&id).await.unwrap();
        assert_eq!((view.row.state, view.why), (PluginState::Enabled, None));
        // There is no way back to what is revoked.
        assert!(view.versions[0].barred.as_deref().unwrap().contains("it loses money"));
        let number = view.versions[0].number;
        let error = olga.api().rollback_plugin(&id, number).await.unwrap_err();
        assert!(matches!(&error, PortalError::Invalid { .. }), "{error:?}");
        // A component is named in the same way.
        let component = by(ONE, "1.0.0", &first).component;
        let digest = myrelay_plugin_package::Package::digest(&component);
        assert_eq!(revoke(&world.context, &digest, "and so does this").await.unwrap().len(), 1);
        assert_eq!(olga.api().get_plugin(&id).await.unwrap().row.state, PluginState::Stopped);

        let long = "x".repeat(201);
        for (what, reason, field) in [
            ("", "why", "what"), ("abc", "why", "what"), (&hash[1..], "why", "what"),
            (&hash, " ", "reason"), (&hash, "a\nb", "reason"), (&hash, &long, "reason"),
        ] {
            let error = revoke(&world.context, what, reason).await.err().unwrap();
            assert!(matches!(error, Error::Invalid { field: it, .. } if it == field), "{error}");
        }
    }
}
