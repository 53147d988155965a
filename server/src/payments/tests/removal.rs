//! Plugins that are to be removed while their providers collect.

use myrelay_app::contract::{
    BillingContract, CollectingView, PluginContract, PluginState, PortalError, SubscriptionState,
};
use myrelay_plugin_host::Call;

use super::stage::Stage;
use crate::{context::Caller, payments::tasks, testing::stories};

stories! {
    async fn a_plugin_is_not_removed_while_its_provider_collects(world) {
        let stage = Stage::new(&world).await;
        let (plugin, olga) = (stage.plugin.to_string(), stage.olga.api());
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        stage.subscribes(&ana, "sub_1", "pi_1").await;
        stage.subscribes(&bob, "sub_2", "pi_2").await;
        let refused = async |what: &str| {
            let error = olga.remove_plugin(&plugin, false).await.unwrap_err();
            let PortalError::Invalid { field, message } = &error else { panic!("{error}") };
            assert_eq!(field, "leave");
            assert!(message.contains(what) && message.contains("end the subscriptions first"), "{message}");
        };
        refused("its provider collects for 2 subscriptions").await;
        let view = olga.get_plugin(&plugin).await.unwrap();
        assert_eq!(view.row.state, PluginState::Enabled, "nothing was done");
        assert_eq!(view.collecting, CollectingView { subscriptions: 2, untold: 0 });
        assert_eq!(stage.asked(|it| matches!(it, Call::Deactivate)), 0);

        // They end, and the provider is still to be told.
        ana.api().cancel_subscription().await.unwrap();
        refused("collects for 1 subscription and was not told yet that 1 subscription ends").await;
        let Caller::Account(bobs) = bob.caller else { panic!() };
        olga.end_subscription(&bobs.to_string()).await.unwrap();
        refused("its provider was not told yet that 2 subscriptions end").await;
        while tasks::round(&world.context).await.unwrap() {}
        assert_eq!(stage.asked(|it| matches!(it, Call::CancelSubscription { .. })), 2);
        olga.remove_plugin(&plugin, false).await.unwrap();
        assert_eq!(olga.remove_plugin(&plugin, false).await.unwrap_err().status(), 404);
    }

    async fn what_a_provider_collects_goes_on_where_an_operator_says_so(world) {
        let stage = Stage::new(&world).await;
        let (plugin, olga) = (stage.plugin.to_string(), stage.olga.api());
        let ana = world.customer("ana").await;
        stage.subscribes(&ana, "sub_1", "pi_1").await;
        ana.api().cancel_subscription().await.unwrap();
        assert_eq!(ana.api().remove_plugin(&plugin, true).await, Err(PortalError::NotAllowed));
        olga.remove_plugin(&plugin, true).await.unwrap();
        assert_eq!(olga.remove_plugin(&plugin, true).await.unwrap_err().status(), 404);
        assert_eq!(stage.asked(|it| matches!(it, Call::CancelSubscription { .. })), 0);
        let held = ana.api().billing().await.unwrap().subscription.unwrap();
        assert_eq!(held.state, SubscriptionState::Active, "what is paid is paid");
    }
}
