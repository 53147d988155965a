//! Writes every screen with sample data into a folder, to be looked at:
//! `cargo run -p myrelay-app --features ssr --example gallery FOLDER`.

#[path = "../tests/samples/mod.rs"]
mod samples;

use std::{env, error::Error, fs, path::PathBuf};

use myrelay_app::{Asset, Assets, render};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("where to?")?);
    fs::create_dir_all(&folder)?;
    let asset = |path: &str| Asset { path: path.to_owned(), integrity: String::new() };
    let assets = Assets {
        css: asset("app.css"),
        boot: asset("boot.js"),
        glue: asset("app.js"),
        wasm: asset("app.wasm"),
        icon: asset("icon.svg"),
    };
    for (name, content, frame) in samples::screens() {
        let page = render(content, frame, assets.clone(), "nonce".to_owned());
        // The files below are not served, so there is nothing to check them against.
        fs::write(folder.join(format!("{name}.html")), page.replace(" integrity=\"\"", ""))?;
    }
    Ok(())
}
