//! What becomes of a customer's tunnel while operators give plans and move pods.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use myrelay_tests::{
    browser::{Browser, Scripts},
    network::{End, Network},
    node::Node,
    program::until,
    root,
    story::Stage,
    vpn_client::{VpnClient, values},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
/// A node tells what it counted about once a minute.
const TOLD: Duration = Duration::from_secs(120);
const MIB: usize = 1 << 20;
const CUSTOMER: &str = "ana@example.org";

/// A customer with a device on a node. The operator and the customer share a browser, each with a
/// cookie of their own.
struct Scene {
    stage: Stage,
    node: Node,
    browser: Browser,
    /// The address of the pod's page.
    pod: String,
    file: PathBuf,
    folder: TempDir,
}

impl Scene {
    async fn set(name: &str, number: u8) -> Self {
        let folder = TempDir::new().unwrap();
        let stage = Stage::set(name, number, folder.path()).await.unwrap();
        let pictures = root().join("target/pictures").join(name);
        let browser = Browser::start(Scripts::On, &pictures).await.unwrap();
        stage.become_owner(&browser).await.unwrap();
        let node = stage.add_node(&browser, "osl-1", "Oslo").await.unwrap();
        stage.sign_up(&browser, CUSTOMER).await.unwrap();
        stage.create_pod(&browser).await.unwrap();
        let pod = browser.url().await.unwrap().to_string();
        let downloaded = stage.add_device(&browser, "phone").await.unwrap();
        let file = folder.path().join("phone.conf");
        std::fs::copy(downloaded, &file).unwrap();
        Self { stage, node, browser, pod, file, folder }
    }

    fn network(&self) -> &Network {
        &self.stage.network
    }

    fn server(&self) -> IpAddr {
        self.network().server()[0]
    }

    /// Picks the option whose words begin so.
    async fn choose(&self, field: &str, words: &str) -> Result<()> {
        let select = format!("select[name='{field}']");
        let found = self.browser.find(&select).await?;
        let script = format!(
            "return [...document.querySelectorAll(\"{select} option\")]\
             .find(it => it.textContent.startsWith('{words}'))?.value"
        );
        let value = self.browser.execute(&script).await?;
        let value = value.as_str().with_context(|| format!("no {words:?} to choose"))?;
        Ok(found.select_by_value(value).await?)
    }

    /// The operator gives the customer another plan.
    async fn give_plan(&self, name: &str) -> Result<()> {
        let browser = &self.browser;
        browser.open(&self.stage.page("/operator/accounts")).await?;
        browser.follow(CUSTOMER).await?;
        self.choose("plan", &format!("{name}:")).await?;
        browser.click("form[action$='/plan'] button[type='submit']").await?;
        until("the account to have the plan", PATIENCE, async || {
            Ok((browser.text_of("dl.facts dd").await? == name).then_some(()))
        })
        .await
    }

    /// The operator moves the only pod to the other node.
    async fn move_pod(&self, target: &str, overlap: &str) -> Result<()> {
        let browser = &self.browser;
        browser.open(&self.stage.page("/operator/pods")).await?;
        browser.click("a[href$='/move']").await?;
        self.choose("node", target).await?;
        self.choose("overlap", overlap).await?;
        browser.picture("operator-move").await?;
        browser.click("form[action$='/move'] button[type='submit']").await?;
        until("the list of pods", PATIENCE, async || {
            Ok((browser.url().await?.path() == "/operator/pods").then_some(()))
        })
        .await
    }

    /// What the pod's page says, with plain spaces.
    async fn pod_page(&self) -> Result<String> {
        self.browser.open(&self.pod).await?;
        Ok(self.browser.text().await?.replace('\u{a0}', " "))
    }

    /// How many bytes the pod's page says were used, in its three digits.
    async fn used(&self) -> Result<u64> {
        self.browser.open(&self.pod).await?;
        let said = self.browser.text_of(".usage-words strong").await?;
        bytes(&said).with_context(|| format!("it says {said:?}"))
    }

    /// The customer asks for something on the pod's page.
    async fn switch(&self, what: &str) -> Result<()> {
        self.browser.open(&self.pod).await?;
        self.browser.click(&format!("form[action$='/{what}'] button[type='submit']")).await
    }

    /// Opens the device's page until its first block of code names this server; answers the block.
    async fn code_with(&self, server: &str, start: &str) -> Result<String> {
        let browser = &self.browser;
        browser.open(&self.pod).await?;
        browser.follow("phone").await?;
        browser.wait_text("What we know about it").await?;
        let page = browser.url().await?;
        until(&format!("{server} on the device's page"), PATIENCE, async || {
            browser.open(page.as_str()).await?;
            let code = browser.text_of("pre.code").await?;
            Ok((code.starts_with(start) && code.contains(server)).then_some(code))
        })
        .await
    }

    /// The configuration with the two lines that name a server changed to those of a text.
    fn follow(&self, lines: &str, name: &str) -> PathBuf {
        let new = |key| values(lines, key).next().unwrap().to_owned();
        let (key, endpoint) = (new("PublicKey"), new("Endpoint"));
        let text = std::fs::read_to_string(&self.file).unwrap();
        let changed = text.lines().map(|line| match line.split(" = ").next() {
            Some("PublicKey") => format!("PublicKey = {key}\n"),
            Some("Endpoint") => format!("Endpoint = {endpoint}\n"),
            _ => format!("{line}\n"),
        });
        let file = self.folder.path().join(name);
        std::fs::write(&file, changed.collect::<String>()).unwrap();
        file
    }

    /// Connects once an earlier client's interface is gone.
    async fn connect(&self, file: &Path) -> VpnClient<'_> {
        let (network, interface) = (self.network(), self.network().client_interface());
        until("the client's interface to go", PATIENCE, async || {
            let links = network.inside(End::Client, "ip -brief link").await?;
            Ok((!links.contains(&interface)).then_some(()))
        })
        .await
        .unwrap();
        let client = VpnClient::connect(network, file).await.unwrap();
        client.reaches(self.server(), PATIENCE).await.unwrap();
        assert_eq!(client.ping(self.server(), 10).await.unwrap(), 10, "{}", file.display());
        client
    }
}

/// A number with its unit, such as `4.31 MB`, in bytes; what is below a kilobyte is none.
fn bytes(said: &str) -> Option<u64> {
    let mut words = said.split_whitespace();
    let (number, unit) = (words.next()?, words.next()?);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let thousandths: u64 = format!("{whole}{part:0<3}").parse().ok()?;
    let factor = match unit {
        "B" => 0,
        "kB" => 1,
        "MB" => 1000,
        "GB" => 1_000_000,
        _ => return None,
    };
    Some(thousandths * factor)
}

/// The operator adds a plan that is slow and soon used up.
async fn add_small_plan(scene: &Scene) {
    let browser = &scene.browser;
    browser.open(&scene.stage.page("/operator/plans/new")).await.unwrap();
    scene.choose("then", "Stop").await.unwrap();
    let fields = [
        ("name", "Small"),
        ("pods", "1"),
        ("devices_per_pod", "2"),
        ("speed_down", "8"),
        ("speed_up", "8"),
        ("quota", "0.02"),
    ];
    browser.submit("/operator/plans/new", &fields).await.unwrap();
    browser.wait_text("then stopped").await.unwrap();
    browser.picture("operator-plans").await.unwrap();
}

/// Waits until the queues of the pod's interface hold back what is above 8 Mbit/s.
async fn is_limited(scene: &Scene) {
    let network = scene.network();
    let interface = scene.node.interfaces(network).await.unwrap().remove(0);
    let line = format!("tc class show dev {}", interface.split('@').next().unwrap());
    until("the speed to count", PATIENCE, async || {
        let classes = network.inside(End::Node, &line).await?;
        ensure!(classes.contains(" 8Mbit"), "tc says: {classes}");
        Ok(Some(()))
    })
    .await
    .unwrap();
}

/// Moves data until the quota stops it, which the page has to say.
async fn use_up(scene: &Scene, client: &VpnClient<'_>) {
    let too_much = async {
        match client.transfer(scene.server(), vec![7; 24 * MIB]).await {
            Ok(()) => {}
            // It hangs where the quota ended, and gives up.
            Err(_stopped) => std::future::pending().await,
        }
    };
    let told = until("the page to say that it is used up", TOLD, async || {
        Ok(scene.pod_page().await?.contains("Used up: stopped").then_some(()))
    });
    tokio::select! {
        () = too_much => panic!("48 MiB went through a quota of 20 MB"),
        told = told => told.unwrap(),
    }
    scene.browser.picture("pod-used-up").await.unwrap();
    client.goes_silent(scene.server(), PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_plan_limits_usage_is_counted_and_a_pause_pauses() {
    let scene = Scene::set("mrl", 41).await;
    let server = scene.server();
    let client = scene.connect(&scene.file).await;

    add_small_plan(&scene).await;
    scene.give_plan("Small").await.unwrap();
    is_limited(&scene).await;
    let page = scene.pod_page().await.unwrap();
    assert!(page.contains("Up to 8 Mbit/s.") && page.contains("of 20 MB used"), "{page}");

    // What moved is what the page says: every byte both ways, and little around them.
    client.transfer(server, vec![5; 2 * MIB]).await.unwrap();
    let moved = u64::try_from(2 * 2 * MIB).unwrap();
    let used = until("the usage to be told", TOLD, async || {
        let used = scene.used().await?;
        Ok((moved <= used).then_some(used))
    })
    .await
    .unwrap();
    assert!(used * 10 < moved * 13, "{used} bytes counted of {moved} that moved");
    scene.browser.open(&format!("{}/usage", scene.pod)).await.unwrap();
    scene.browser.wait_text("The last 48 hours").await.unwrap();
    scene.browser.picture("usage").await.unwrap();

    // A plan without a quota lets the same configuration go on.
    use_up(&scene, &client).await;
    scene.give_plan("Free").await.unwrap();
    client.reaches(server, PATIENCE).await.unwrap();
    client.transfer(server, vec![6; MIB]).await.unwrap();
    assert!(!scene.pod_page().await.unwrap().contains("Used up"));

    // A pause stops it and keeps everything.
    scene.switch("pause").await.unwrap();
    scene.browser.wait_text("Resume this location").await.unwrap();
    client.goes_silent(scene.server(), PATIENCE).await.unwrap();
    scene.switch("resume").await.unwrap();
    client.reaches(server, PATIENCE).await.unwrap();
    assert_eq!(client.ping(server, 10).await.unwrap(), 10);
    drop(client);
    scene.browser.close().await.unwrap();
}

/// Waits until an end has no interface of a pod.
async fn is_bare(network: &Network, end: End) {
    until("the pod's interface to go", PATIENCE, async || {
        Ok((!network.inside(end, "ip -brief link").await?.contains("wg-")).then_some(()))
    })
    .await
    .unwrap();
}

/// The address of the page that retires a node.
async fn retire_page(scene: &Scene, name: &str) -> String {
    let browser = &scene.browser;
    browser.open(&scene.stage.page("/operator/nodes")).await.unwrap();
    browser.follow(name).await.unwrap();
    browser.find("a[href$='/retire']").await.unwrap();
    format!("{}/retire", browser.url().await.unwrap())
}

#[tokio::test]
async fn a_pod_that_moves_is_served_by_both_nodes_until_its_overlap_ends() {
    let mut scene = Scene::set("mrm", 42).await;
    let network = scene.network();
    network.add_second().await.unwrap();
    let mut second =
        scene.stage.add_node_at(&scene.browser, End::Second, "osl-2", "Oslo").await.unwrap();
    let old = std::fs::read_to_string(&scene.file).unwrap();
    let old_endpoint = values(&old, "Endpoint").next().unwrap().to_owned();
    let client = scene.connect(&scene.file).await;
    let new_server = network.v4(End::Second).to_string();

    // Both serve it: the old configuration goes on, and the two lines that the page names lead to
    // the new node.
    scene.move_pod("osl-2", "1 hour").await.unwrap();
    let lines = scene.code_with(&new_server, "PublicKey").await.unwrap();
    scene.browser.picture("device-moved").await.unwrap();
    assert_eq!(client.ping(scene.server(), 10).await.unwrap(), 10, "the old node serves it still");
    drop(client);
    let followed = scene.follow(&lines, "followed.conf");
    drop(scene.connect(&followed).await);
    drop(scene.connect(&scene.file).await);
    let retire = retire_page(&scene, "osl-1").await;
    scene.browser.open(&retire).await.unwrap();
    scene.browser.wait_text("still served here").await.unwrap();
    assert_eq!(scene.browser.count("main form").await.unwrap(), 0, "nothing retires it now");

    // Back at once: the new node drops it, and the old one has the port and key that it had.
    scene.move_pod("osl-1", "Not at all").await.unwrap();
    is_bare(network, End::Second).await;
    let back = scene.code_with(&old_endpoint, "PublicKey").await.unwrap();
    for key in ["PublicKey", "Endpoint"] {
        assert_eq!(values(&back, key).next(), values(&old, key).next(), "{key}");
    }
    let client = scene.connect(&scene.file).await;

    // There for good, without an overlap: the old node drops it and can go.
    scene.move_pod("osl-2", "Not at all").await.unwrap();
    client.goes_silent(scene.server(), PATIENCE).await.unwrap();
    drop(client);
    is_bare(network, End::Node).await;
    let lines = scene.code_with(&new_server, "PublicKey").await.unwrap();
    let client = scene.connect(&scene.follow(&lines, "moved.conf")).await;
    scene.browser.open(&retire).await.unwrap();
    scene.browser.click("main form button[type='submit']").await.unwrap();
    scene.browser.wait_text("Retired").await.unwrap();
    assert_eq!(client.ping(scene.server(), 10).await.unwrap(), 10, "it needs no other node");
    drop(client);
    second.stop().await.unwrap();
    scene.node.stop().await.unwrap();
    scene.browser.close().await.unwrap();
}
