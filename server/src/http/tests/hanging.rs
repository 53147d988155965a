//! A plugin whose calls never come back holds up nobody: people sign in, make what they make, and
//! what is revoked is revoked.

use std::time::Duration;

use myrelay_app::contract::{
    AccountContract, CreateToken, PluginContract, PluginState, PodContract, TokenContract,
};
use myrelay_domain::ids::PodId;

use super::{Portal, Setup};
use crate::{
    context::Caller,
    deliveries, desired_state, jobs, messages,
    testing::{Actor, TestNode, World, stories},
};

/// What the plugin would hear of.
const EVENTS: [&str; 6] = [
    "account.created.v1",
    "session.started.v1",
    "pod.created.v1",
    "peer.added.v1",
    "token.created.v1",
    "token.revoked.v1",
];
/// Far longer than all of it takes, and shorter than any call of a plugin may.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a node serves any device of a pod.
async fn serves(world: &World, node: &TestNode, pod: PodId) -> bool {
    let state = desired_state::snapshot(&world.context, node.id).await.unwrap();
    state.pods.get(&pod).is_some_and(|it| !it.peers.is_empty())
}

/// Everything that people do while the call hangs.
async fn a_day(portal: &Portal, olga: &Actor<'_>, node: &mut TestNode) {
    let world = &portal.world;
    let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
    while world.host.events().is_empty() {
        tokio::task::yield_now().await;
    }
    let form = [("email", "eve@example.org"), ("password", super::PASSWORD)];
    assert_eq!(portal.browser().post("/sign-up", &form).await.status, 303);
    let mut browser = portal.signed_in("ana").await;
    let location = world.location("Berlin").await.to_string();
    let made = browser.post("/pods", &[("location", &location)]).await;
    assert_eq!(made.status, 303, "{}", made.text());
    let pod = ana.api().home().await.unwrap().pods[0].id;
    node.report(world).await;
    assert_eq!(browser.get(&format!("/pods/{pod}")).await.status, 200);
    ana.device(pod, 1).await;
    assert!(serves(world, node, pod).await);

    let (id, name, expiry) = (pod.to_string(), "router".to_owned(), "never".to_owned());
    let token = ana.api().create_token(CreateToken { pod: id, name, expiry }).await.unwrap();
    let mut program = portal.program(&token.token);
    assert_eq!(program.get("/api/v1/pods").await.status, 200);
    let row = ana.api().list_tokens(&pod.to_string()).await.unwrap().tokens[0].id;
    let revoked = browser.post(&format!("/pods/{pod}/tokens/{row}/revoke"), &[]).await;
    assert_eq!(revoked.status, 303);
    assert_eq!(program.get("/api/v1/pods").await.status, 401);

    let mut kept = browser.clone();
    assert_eq!(browser.post("/sign-out", &[]).await.status, 303);
    assert_eq!(kept.get("/home").await.status, 303, "the session is over everywhere");
    let mut other = portal.signed_in("ana").await;
    let Caller::Account(account) = ana.caller else { panic!("ana is a customer") };
    olga.api().suspend_account(&account.to_string()).await.unwrap();
    assert_eq!(other.get("/home").await.status, 303, "and so is another one");
    assert!(!serves(world, node, pod).await, "her devices leave the node");
    assert!(bob.api().list_tokens(&pod.to_string()).await.is_err());
}

stories! {
    async fn a_plugin_that_never_answers_holds_up_no_sign_in_no_pod_and_no_revocation(world) {
        let portal = Portal::of(world, Setup::default());
        let world = &portal.world;
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Berlin").await;
        let plugin = world.plugin("dev.example.slow", &EVENTS).await;
        let held = world.host.holds(plugin);
        let context = || world.context.clone();
        tokio::select! {
            () = deliveries::work(context()) => panic!("it works for as long as it is polled"),
            () = messages::work(context()) => panic!("it works for as long as it is polled"),
            () = jobs::work(context()) => panic!("it works for as long as it is polled"),
            done = tokio::time::timeout(PATIENCE, a_day(&portal, &olga, &mut node)) => {
                done.expect("nobody waits for the plugin");
            }
        }
        let view = olga.api().get_plugin(&plugin.to_string()).await.unwrap();
        assert_eq!(view.row.state, PluginState::Enabled);
        assert!(view.calls.iter().all(|it| it.call != "events.handle"), "none came back");
        assert!(0 < view.row.waiting);
        drop(held);
    }
}
