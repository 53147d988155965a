//! What a first visit loads, over the wire.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use myrelay_tests::programs;
use serde_json::Value;

use crate::{
    http::Connection,
    measure::Metric,
    place::{NEAR, Place},
};

/// `transfer_front`, `transfer_sign_in`, `transfer_add_device`, and how much of each is wasm.
pub(crate) async fn transfer(place: &mut Place) -> Result<Vec<Metric>> {
    let customer = place.customer(NEAR).await?;
    let visitor = Connection::open(place.address).await?;
    let adding = format!("/pods/{}/devices/new", customer.pod);
    let pages = [
        (["transfer_front", "transfer_front_wasm"], "/", "/", &visitor),
        (["transfer_sign_in", "transfer_sign_in_wasm"], "/sign-in", "/sign-in", &visitor),
        (
            ["transfer_add_device", "transfer_add_device_wasm"],
            "the page that adds a device",
            &*adding,
            &customer.connection,
        ),
    ];
    let mut metrics = Vec::new();
    for ([name, wasm_name], words, path, connection) in pages {
        let Visit { html, files } = first_visit(connection, path).await?;
        let listed: Vec<_> = files.iter().map(|(name, bytes)| format!("{name} {bytes}")).collect();
        let setup = format!(
            "body bytes of a first visit to {words}: HTML {html} as it is sent; brotli: {}",
            listed.join(", ")
        );
        let total = html + files.values().sum::<u32>();
        metrics.push(Metric::of_value(name, "bytes", total.into(), 1, setup));
        let wasm: u32 =
            files.iter().filter(|(name, _)| name.ends_with(".wasm")).map(|(_, bytes)| bytes).sum();
        let setup = format!("WebAssembly in a first visit to {words}, brotli");
        metrics.push(Metric::of_value(wasm_name, "bytes", wasm.into(), 1, setup));
    }
    Ok(metrics)
}

/// Body bytes.
struct Visit {
    html: u32,
    /// By the name without the hash.
    files: BTreeMap<String, u32>,
}

async fn first_visit(connection: &Connection, path: &str) -> Result<Visit> {
    let mut connection = connection.another().await?;
    let page = connection.get(path).await?;
    // What the build says has to be what was sent.
    let manifest = std::fs::read(programs().join("site/manifest.json"));
    let manifest: Value = serde_json::from_slice(&manifest.context("the site's manifest")?)?;
    let mut files = BTreeMap::new();
    let text = page.text();
    for file in text.split('"').filter_map(|it| it.strip_prefix("/assets/")) {
        let answer = connection.get(&format!("/assets/{file}")).await?;
        ensure!(answer.header("content-encoding") == Some("br"), "{file} is not compressed");
        let (name, bytes) = (plain_name(file), u32::try_from(answer.body.len())?);
        let built = &manifest[&name]["brotli_bytes"];
        ensure!(*built == bytes, "{file}: {bytes} bytes were sent, {built} were built");
        files.insert(name, bytes);
    }
    ensure!(!files.is_empty(), "{path} names no files");
    Ok(Visit { html: u32::try_from(page.body.len())?, files })
}

/// `app.0123abcd.css` is `app.css`.
fn plain_name(file: &str) -> String {
    let parts: Vec<&str> = file.split('.').collect();
    match parts.as_slice() {
        [stem, _hash, ending] => format!("{stem}.{ending}"),
        _ => file.to_owned(),
    }
}
