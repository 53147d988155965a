//! A customer pays on a provider's page and by a transfer, by our own plugins in their own process:
//! what is paid for is on the node, and what is given back is not.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use myrelay_fake_providers::{Fake as _, Mail, Stripe, StripeOptions};
use myrelay_tests::{
    browser::{Browser, Scripts},
    program::{run_line, until},
    root,
    story::{PASSWORD, Stage, public_key_of},
};
use tempfile::TempDir;

const KEY: &str = "rk_test_0123456789abcdef";
const SIGNING: &str = "whsec_0123456789abcdef";
const PATIENCE: Duration = Duration::from_secs(30);

/// What time it is at the provider, which has a clock of its own.
fn now() -> u64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// One of our plugins in a folder, whose provider is on this machine.
fn plugin(folder: &Path, name: &str, hosts: &[&str], port: u16) -> String {
    let built = Path::new(&env::var_os("MYRELAY_TEST_PLUGINS").unwrap())
        .join(format!("myrelay_plugin_{name}.wasm"));
    let source = root().join("plugins").join(name);
    let folder = folder.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(built, folder.join("plugin.wasm")).unwrap();
    fs::copy(source.join("config.schema.json"), folder.join("config.schema.json")).unwrap();
    let here = format!("\nscheme = \"http\"\nhost = \"127.0.0.1\"\nport = {port}\n");
    let mut manifest = fs::read_to_string(source.join("plugin.toml")).unwrap();
    // Both of its pages are one here.
    manifest = manifest.replace("\"checkout.stripe.com\", \"billing.stripe.com\"", "\"127.0.0.1\"");
    for host in hosts {
        manifest = manifest
            .replace(&format!("\nhost = \"{host}\"\n"), &here)
            .replace(&format!("\"{host}\""), "\"127.0.0.1\"");
    }
    fs::write(folder.join("plugin.toml"), manifest).unwrap();
    folder.display().to_string()
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let file = folder.join(name);
    fs::write(&file, text).unwrap();
    file.display().to_string()
}

/// Installs the plugins for cards, for transfers and for mail.
async fn install(stage: &Stage, stripe: &Stripe, mail: &Mail) {
    let at = stage.folder.join("plugins");
    let cards = plugin(&at, "stripe", &["api.stripe.com"], stripe.port());
    let mails = plugin(&at, "email", &["api.postmarkapp.com", "api.resend.com"], mail.port());
    let transfers = plugin(&at, "manual", &[], 0);
    let key = format!("api_key={}", file(&at, "key", KEY));
    let signing = format!("webhook_secret={}", file(&at, "signing", SIGNING));
    let of_cards = format!("{{\"api_url\": \"{}\"}}", stripe.url());
    let of_cards = file(&at, "stripe.json", &of_cards);
    let of_mails = format!(
        "{{\"provider\": \"resend\", \"from\": \"VPN <hello@example.org>\", \"api_url\": \"{}\"}}",
        mail.url()
    );
    let of_mails = file(&at, "email.json", &of_mails);
    let of_transfers = "{\"recipient\": \"Relay\", \"account\": \"DE89 3704 0044 0532 0130 00\", \"currencies\": [\"EUR\"]}";
    let of_transfers = file(&at, "manual.json", of_transfers);
    let (of_stripe, of_mail) =
        (format!("127.0.0.1/32:{}", stripe.port()), format!("127.0.0.1/32:{}", mail.port()));
    let install = ["plugin", "install", "--grant", "--settings"];
    for words in [
        &[
            &*of_cards,
            "--secret",
            &*key,
            "--secret",
            &*signing,
            "--private",
            &*of_stripe,
            "--test-mode",
            &*cards,
        ][..],
        &[&*of_mails, "--secret", &*key, "--private", &*of_mail, &*mails],
        &[&*of_transfers, &*transfers],
    ] {
        stage.portal.ask(&[&install, words].concat()).await.unwrap();
    }
    let list = stage.portal.ask(&["plugin", "list"]).await.unwrap();
    assert_eq!(list.matches("enabled").count(), 3, "{list}");
}

/// The id of a plugin's installation.
async fn id_of(stage: &Stage, plugin: &str) -> String {
    let list = stage.portal.ask(&["plugin", "list"]).await.unwrap();
    let line = list.lines().find(|it| it.contains(plugin)).unwrap();
    line.split_whitespace().next().unwrap().to_owned()
}

/// A plan that costs something, which every new account has.
async fn sell(stage: &Stage, browser: &Browser) {
    browser.open(&stage.page("/operator/plans/new")).await.unwrap();
    let fields = [("name", "Large"), ("pods", "2"), ("devices_per_pod", "5"), ("price", "9.99")];
    browser.submit("/operator/plans/new", &fields).await.unwrap();
    browser.wait_text("Large").await.unwrap();
    browser.click("form[action$='/default'] button").await.unwrap();
}

/// The first invoice that is open; answers its page.
async fn choose(stage: &Stage, browser: &Browser, method: &str) -> String {
    browser.open(&stage.page("/plan")).await.unwrap();
    browser.picture("plan").await.unwrap();
    browser.click("form[action='/plan/choose'] button").await.unwrap();
    browser.find("form[action$='/pay']").await.unwrap();
    let invoice = browser.url().await.unwrap().to_string();
    pay_by(browser, method).await;
    invoice
}

/// Chooses a way to pay, on the page of an invoice.
async fn pay_by(browser: &Browser, method: &str) {
    let way = format!("form[action$='/pay']:has([value='{method}']) button[type='submit']");
    browser.click(&way).await.unwrap();
}

/// Follows the invoice's page to the provider's, and presses a button there.
async fn at_the_checkout(browser: &Browser, button: &str) {
    browser.click("main a[href^='https://127.0.0.1:']").await.unwrap();
    browser.wait_text("Fake checkout").await.unwrap();
    browser.click(button).await.unwrap();
}

/// Pays, which comes to nothing: that is said, and nothing is theirs. Answers the invoice's page.
async fn try_in_vain(stage: &Stage, browser: &Browser, mail: &Mail, method: &str) -> String {
    let invoice = choose(stage, browser, method).await;
    at_the_checkout(browser, "#fail").await;
    browser.wait_text("The last payment did not succeed").await.unwrap();
    assert!(browser.url().await.unwrap().as_str().starts_with(&invoice));
    wait_mail(mail, "failed").await;
    browser.open(&stage.page("/home")).await.unwrap();
    assert_eq!(browser.count("form[action='/pods']").await.unwrap(), 0, "it is not paid for");
    invoice
}

/// The card is changed on the provider's page: the form leads there, through the policy.
async fn change_card(stage: &Stage, browser: &Browser) {
    browser.open(&stage.page("/plan")).await.unwrap();
    browser.picture("plan-paid").await.unwrap();
    browser.click("form[action='/plan/provider'] button").await.unwrap();
    browser.wait_text("Your subscription").await.unwrap();
}

/// A device with a key of one's own, in the pod whose page is open; answers its configuration.
async fn device(stage: &Stage, browser: &Browser) -> PathBuf {
    let key = run_line("wg genkey").await.unwrap().trim().to_owned();
    let public_key = public_key_of(&key).await.unwrap();
    let pod = browser.url().await.unwrap();
    browser.open(&format!("{pod}/devices/new")).await.unwrap();
    browser.click("details:has(form[action$='/devices/new']) > summary").await.unwrap();
    let fields = [("name", "laptop"), ("public_key", &*public_key)];
    browser.submit(&format!("{}/devices/new", pod.path()), &fields).await.unwrap();
    browser.wait_text("laptop").await.unwrap();
    let shown = browser.text_of("pre").await.unwrap();
    let line = |line: &str| match line.contains("PrivateKey") {
        true => format!("PrivateKey = {key}\n"),
        false => format!("{line}\n"),
    };
    let file = stage.folder.join("laptop.conf");
    fs::write(&file, shown.lines().map(line).collect::<String>()).unwrap();
    file
}

/// A customer has messages sent to an address of theirs.
async fn subscribe(stage: &Stage, browser: &Browser, mail: &Mail) {
    browser.open(&stage.page("/notifications")).await.unwrap();
    let fields = [("address", "ana@example.org")];
    browser.submit("/notifications/channels", &fields).await.unwrap();
    browser.find("form[action$='/verify']").await.unwrap();
    let code = until("the code to arrive", PATIENCE, async || {
        let last = mail.mailed().pop();
        Ok(last.and_then(|it| it.subject.strip_suffix(" is your code").map(str::to_owned)))
    })
    .await
    .unwrap();
    browser.fill("form[action$='/verify'] [name='code']", &code).await.unwrap();
    browser.click("form[action$='/verify'] button[type='submit']").await.unwrap();
    browser.find("form[action$='/kinds']").await.unwrap();
}

async fn wait_mail(mail: &Mail, subject: &str) {
    until(&format!("a mail about {subject:?}"), PATIENCE, async || {
        let subjects: Vec<_> = mail.mailed().into_iter().map(|it| it.subject).collect();
        if subjects.iter().any(|it| it.contains(subject)) {
            return Ok(Some(()));
        }
        Err(anyhow::anyhow!("there is {subjects:?}"))
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_customer_pays_on_the_providers_page_and_by_transfer_and_gets_it_back() {
    let folder = TempDir::new().unwrap();
    let options = StripeOptions {
        api_key: KEY.to_owned(),
        webhook_secret: SIGNING.to_owned(),
        webhook_url: None,
        port: 0,
        now,
    };
    let stripe = Stripe::start(options).await.unwrap();
    let mail = Mail::start(0, KEY).await.unwrap();
    let flags = ["--unsigned-plugins"];
    let stage = Stage::set_with("pay", 29, folder.path(), &flags).await.unwrap();
    let browser = Browser::start(Scripts::Off, &root().join("target/pictures")).await.unwrap();
    stage.become_owner(&browser).await.unwrap();
    let _node = stage.add_node(&browser, "fra-1", "Frankfurt").await.unwrap();
    install(&stage, &stripe, &mail).await;
    let (cards, transfers) =
        (id_of(&stage, "dev.myrelay.stripe").await, id_of(&stage, "dev.myrelay.manual").await);
    // Where the provider reports stands on the plugin's page; the operator types it in there.
    browser.open(&stage.page(&format!("/operator/plugins/{cards}"))).await.unwrap();
    stripe.send_to(&browser.text_of("code.breakable").await.unwrap());
    stage.sign_up(&browser, "zoe@example.org").await.unwrap();
    sell(&stage, &browser).await;

    // Who has to pay first has no location before.
    browser.open(&stage.page("/plan")).await.unwrap();
    browser.forget().await.unwrap();
    stage.sign_up(&browser, "ana@example.org").await.unwrap();
    subscribe(&stage, &browser, &mail).await;
    browser.open(&stage.page("/home")).await.unwrap();
    assert_eq!(browser.count("form[action='/pods']").await.unwrap(), 0, "it is not paid for");

    let invoice = try_in_vain(&stage, &browser, &mail, &cards).await;
    browser.open(&invoice).await.unwrap();
    pay_by(&browser, &cards).await;
    browser.find("main a[href^='https://127.0.0.1:']").await.unwrap();
    browser.picture("invoice-checkout").await.unwrap();
    at_the_checkout(&browser, "#pay").await;
    browser.wait_text("Paid").await.unwrap();
    assert!(browser.url().await.unwrap().as_str().starts_with(&invoice));
    browser.picture("invoice-paid").await.unwrap();
    change_card(&stage, &browser).await;
    stage.create_pod(&browser).await.unwrap();
    let file = device(&stage, &browser).await;
    let client = stage.use_tunnel(&file).await.unwrap();
    wait_mail(&mail, "Your payment of 9.99 EUR arrived").await;

    // The operator gives it back: the tunnel is dead.
    browser.open(&stage.page("/operator/sign-in")).await.unwrap();
    let fields = [("email", "olga@example.org"), ("password", PASSWORD)];
    browser.submit("/operator/sign-in", &fields).await.unwrap();
    browser.wait_text("Overview").await.unwrap();
    browser.open(&stage.page("/operator/payments")).await.unwrap();
    browser.picture("operator-payments").await.unwrap();
    browser.click("a[href$='/refund']").await.unwrap();
    browser.fill("form[action$='/refund'] [name='amount']", "9.99").await.unwrap();
    browser.click("form[action$='/refund'] button[type='submit']").await.unwrap();
    let server = stage.network.server()[0];
    client.goes_silent(server, PATIENCE).await.unwrap();
    wait_mail(&mail, "returned").await;

    // Paid once more, by a transfer that the operator finds, it goes on with the same file.
    let invoice = choose(&stage, &browser, &transfers).await;
    browser.wait_text("DE89 3704 0044 0532 0130 00").await.unwrap();
    browser.picture("invoice-transfer").await.unwrap();
    let id = invoice.rsplit('/').next().unwrap();
    browser.open(&stage.page(&format!("/operator/invoices/{id}"))).await.unwrap();
    let action = format!("/operator/invoices/{id}/paid");
    let fields = [("amount", "9.99"), ("reference", "statement 7")];
    browser.submit(&action, &fields).await.unwrap();
    client.reaches(server, PATIENCE).await.unwrap();
    browser.open(&invoice).await.unwrap();
    browser.wait_text("Paid").await.unwrap();
    let said = stage.portal.said();
    assert!(!said.contains(KEY) && !said.contains(SIGNING), "a secret is in the log");
}
