//! Stories about what was given up and is tried again from a point on.

use myrelay_app::contract::{PluginContract, PortalError};
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::types::ErrorKind;

use super::{CREATED, settle};
use crate::testing::{Actor, World, stories};

/// A plugin with an event of each of these customers, all of which were given up.
async fn given_up(world: &World, plugin: &str, names: &[&str]) -> InstallationId {
    let id = world.plugin(plugin, &[CREATED]).await;
    for name in names {
        world.host.fails(ErrorKind::Denied);
        world.customer(name).await;
        settle(world).await;
        world.clock.advance(1_000);
    }
    id
}

async fn dead(olga: &Actor<'_>, plugin: InstallationId) -> Vec<String> {
    let view = olga.api().get_plugin(&plugin.to_string()).await.unwrap();
    view.dead.into_iter().map(|it| it.id.to_string()).collect()
}

stories! {
    async fn what_was_given_up_is_tried_again_from_a_point_on(world) {
        let olga = world.operator("olga").await;
        let id = given_up(&world, "dev.example.one", &["ana", "bob", "cleo", "dana"]).await;
        let (text, all) = (id.to_string(), dead(&olga, id).await);
        assert_eq!(all.len(), 4);
        let heard = world.host.events().len();
        olga.api().replay_deliveries_from(&text, &all[2]).await.unwrap();
        let waiting = olga.api().get_plugin(&text).await.unwrap().row.waiting;
        assert_eq!((waiting, dead(&olga, id).await.as_slice()), (2, &all[..2]));
        // It is denied once more, and is where it was.
        world.host.fails(ErrorKind::Denied);
        settle(&world).await;
        assert_eq!(world.host.events()[heard..], [(CREATED.to_owned(), 1), (CREATED.to_owned(), 1)]);
        let left = dead(&olga, id).await;
        assert!(left.len() == 3 && left[..2] == all[..2] && all[2..].contains(&left[2]), "{left:?}");

        // Of what was delivered nothing comes back, and twice there is nothing any more.
        olga.api().replay_deliveries_from(&text, &all[0]).await.unwrap();
        let missing = Err(PortalError::NotFound { what: "delivery".to_owned() });
        assert_eq!(olga.api().replay_deliveries_from(&text, &all[0]).await, missing);
        settle(&world).await;
        assert_eq!(dead(&olga, id).await, [""; 0]);
        assert_eq!(world.host.events().len(), heard + 2 + 3);
        assert_eq!(olga.api().replay_deliveries_from(&text, &all[0]).await, missing);
    }

    async fn a_point_that_is_unknown_or_another_plugins_revives_nothing(world) {
        let (olga, zoe) = (world.operator("olga").await, world.customer("zoe").await);
        let two = given_up(&world, "dev.example.two", &["ana"]).await;
        let other = dead(&olga, two).await.remove(0);
        olga.api().disable_plugin(&two.to_string()).await.unwrap();
        let one = given_up(&world, "dev.example.one", &["bob", "cleo"]).await;
        let (text, all) = (one.to_string(), dead(&olga, one).await);
        assert_eq!(all.len(), 2);
        let missing = Err(PortalError::NotFound { what: "delivery".to_owned() });
        let unknown = "dlv_00000000000000000000000000000001";
        for point in ["", "dlv_0", unknown, &other] {
            assert_eq!(olga.api().replay_deliveries_from(&text, point).await, missing, "{point}");
        }
        let nobody = Err(PortalError::NotFound { what: "plugin".to_owned() });
        for plugin in ["", "inst_00000000000000000000000000000000"] {
            assert_eq!(olga.api().replay_deliveries_from(plugin, &all[0]).await, nobody);
        }
        let refused = zoe.api().replay_deliveries_from(&text, &all[0]).await;
        assert_eq!(refused, Err(PortalError::NotAllowed));
        assert_eq!((dead(&olga, one).await, dead(&olga, two).await.len()), (all.clone(), 1));
        olga.api().replay_deliveries_from(&text, &all[0]).await.unwrap();
        assert_eq!(dead(&olga, two).await, [other], "what is another one's stays");
    }
}
