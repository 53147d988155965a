//! Killing the programs under traffic: what was acknowledged stays, and tunnels come back.

use std::time::Duration;

use myrelay_tests::{
    browser::{Browser, Scripts},
    program::until,
    root,
    story::Stage,
};
use tempfile::TempDir;

#[tokio::test]
async fn a_killed_portal_drops_no_ping_and_a_killed_agent_restores_every_tunnel() {
    let folder = TempDir::new().unwrap();
    let mut stage = Stage::set("mrk", 23, folder.path()).await.unwrap();
    let pictures = root().join("target/pictures/crash");
    let browser = Browser::start(Scripts::On, &pictures).await.unwrap();
    stage.become_owner(&browser).await.unwrap();
    let mut node = stage.add_node(&browser, "lis-1", "Lisbon").await.unwrap();
    stage.sign_up(&browser, "ana@example.org").await.unwrap();
    stage.create_pod(&browser).await.unwrap();
    let pod = browser.url().await.unwrap();
    let file = stage.add_device(&browser, "phone").await.unwrap();
    // Only the network is lent to the client: the portal and the node are to be killed.
    let Stage { network, portal, recorder, .. } = &mut stage;
    let client = myrelay_tests::vpn_client::VpnClient::connect(network, &file).await.unwrap();
    let server = network.server()[0];
    client.reaches(server, Duration::from_secs(15)).await.unwrap();

    // The portal is not on the way of any packet.
    let (lost, restarted) = tokio::join!(client.ping(server, 20), portal.crash_and_restart());
    restarted.unwrap();
    assert_eq!(lost.unwrap(), 20, "a ping was lost while the portal was away");

    // What it acknowledged is there, and the node obeys it again.
    browser.open(pod.as_str()).await.unwrap();
    assert!(browser.text().await.unwrap().contains("phone"), "{}", portal.said());
    browser.open(&format!("{pod}/devices/new")).await.unwrap();
    browser.find("#make-key:enabled").await.unwrap();
    browser.fill("#device-name", "tablet").await.unwrap();
    browser.click("#make-key").await.unwrap();
    browser.find("#configuration").await.unwrap();
    until("the node to have the new device", Duration::from_secs(20), async || {
        browser.open(pod.as_str()).await?;
        Ok((!browser.text().await?.contains("Waiting for the node")).then_some(()))
    })
    .await
    .unwrap();

    // Userspace tunnels live in the agent: killed, they are back as they were without the
    // customer doing anything.
    node.crash_and_restart(network).await.unwrap();
    client.reaches(server, Duration::from_secs(30)).await.unwrap();
    assert_eq!(client.ping(server, 10).await.unwrap(), 10, "no ping is lost after that");

    // Without the portal a restarted node serves from its own disk.
    portal.stop().await.unwrap();
    node.crash_and_restart(network).await.unwrap();
    client.reaches(server, Duration::from_secs(30)).await.unwrap();
    assert!(!recorder.sent().is_empty());
    browser.close().await.unwrap();
}
