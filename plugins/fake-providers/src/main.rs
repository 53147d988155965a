//! The fake providers as a program, to try plugins by hand.

use std::time::SystemTime;

use anyhow::Result;
use clap::Parser;
use myrelay_fake_providers::{
    Btcpay, BtcpayOptions, Fake as _, Mail, Receiver, Smtp, SmtpOptions, SmtpSecurity, Stripe,
    StripeOptions, Telegram,
};

/// Providers that take no real money and send no real messages, on this machine only.
#[derive(Parser)]
#[command(name = "myrelay-fake-providers")]
struct Arguments {
    /// The first of seven ports; any free ones where it is 0.
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// The mail server's port, which is 6 above the first one if nothing is said. Our mail plugin
    /// takes port 25 alone where nothing is encrypted.
    #[arg(long)]
    smtp_port: Option<u16>,

    /// Where payments are told: the http:// address that the portal shows for its webhooks.
    #[arg(long)]
    webhook_url: Option<String>,

    /// What plugins log in with, everywhere.
    #[arg(long, default_value = "rk_test_fake_0123456789")]
    key: String,

    /// What events are signed with.
    #[arg(long, default_value = "whsec_fake_0123456789")]
    webhook_secret: String,
}

/// It stands in for other machines, which have a time of their own.
fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |it| it.as_secs())
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it says where it is")]
async fn main() -> Result<()> {
    let Arguments { port, smtp_port, webhook_url, key, webhook_secret } = Arguments::parse();
    let nth = |at: u16| if port == 0 { 0 } else { port.saturating_add(at) };
    let options = BtcpayOptions {
        api_key: key.clone(),
        store: "Store0123456789".to_owned(),
        webhook_secret: webhook_secret.clone(),
        port: nth(5),
        now,
    };
    let btcpay = Btcpay::start(options).await?;
    let options = StripeOptions { api_key: key.clone(), webhook_secret, webhook_url, port, now };
    let stripe = Stripe::start(options).await?;
    let mail = Mail::start(nth(2), &key).await?;
    let telegram = Telegram::start(nth(3), &key).await?;
    let receiver = Receiver::start(nth(4)).await?;
    let (port, security) = (smtp_port.unwrap_or_else(|| nth(6)), SmtpSecurity::Clear);
    let options = SmtpOptions { port, security, login: None };
    let smtp = Smtp::start(options).await?;
    println!("stripe    {}", stripe.url());
    println!("  pages   {}", stripe.pages_url());
    println!("mail      {}", mail.url());
    println!("telegram  {}", telegram.url());
    println!("receiver  {}", receiver.url());
    println!("btcpay    {}", btcpay.url());
    println!("smtp      127.0.0.1:{}, in clear", smtp.port());
    println!("Ctrl-C ends them.");
    tokio::signal::ctrl_c().await?;
    Ok(())
}
