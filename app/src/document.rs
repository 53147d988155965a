//! The HTML around a page: head, boot script, navigation.

use leptos::{nonce::Nonce, prelude::*};

use crate::{
    navigation::{Footer, Header, Rail},
    pages::{Content, Frame, Screen, Viewer},
    texts,
};

/// A file the browser loads, named by its content.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Path on this site, such as `/assets/app.0123abcd.css`.
    pub path: String,
    /// `sha384-…`, as Subresource Integrity writes it.
    pub integrity: String,
}

/// What the site build made.
#[derive(Clone, Debug)]
pub struct Assets {
    pub css: Asset,
    /// Starts the islands: imports `glue`, fetches `wasm`.
    pub boot: Asset,
    pub glue: Asset,
    pub wasm: Asset,
    pub icon: Asset,
}

/// A whole page. `nonce` is the one of the answer's Content-Security-Policy.
#[component]
pub fn Document(content: Content, frame: Frame, assets: Assets, nonce: String) -> impl IntoView {
    // A page is text but for its islands, which turn this on for themselves.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    // For the scripts that `leptos_axum` puts behind a page.
    provide_context(Nonce::from_value(nonce.clone()));
    let title = content.title();
    let title =
        if content.is_refused() { format!("{}{title}", texts::ERROR_PREFIX) } else { title };
    // One text: between two there would be a comment, which no title has.
    let title = format!("{title} · {}", texts::PRODUCT);
    let boot = content.has_island().then(|| view! { <Boot assets=assets.clone() nonce=nonce /> });
    let again = content.loads_again_after();
    let layout = match &frame.viewer {
        Viewer::Operator { .. } => "layout-operator",
        Viewer::Visitor if matches!(content, Content::Front) => "layout-front",
        Viewer::Visitor | Viewer::Account { .. } => "layout-column",
    };
    let around = frame.clone();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <title>{title}</title>
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                {again
                    .map(|seconds| {
                        view! { <meta http-equiv="refresh" content=seconds.to_string() /> }
                    })}
                <link rel="icon" type="image/svg+xml" href=assets.icon.path />
                <link rel="stylesheet" href=assets.css.path integrity=assets.css.integrity />
                {boot}
            </head>
            <body class=layout>
                <a class="skip" href="#content">{texts::SKIP}</a>
                {match &around.viewer {
                    Viewer::Operator { email } => {
                        view! { <Rail email=email.clone() path=around.path.clone() /> }.into_any()
                    }
                    _ => view! { <Header frame=around.clone() /> }.into_any(),
                }}
                <main id="content" tabindex="-1">
                    <Screen content=content frame=frame />
                </main>
                <Footer />
            </body>
        </html>
    }
}

/// What starts the islands. Every file is checked by its hash: the glue by the preload, the wasm
/// by the boot script.
#[component]
fn Boot(assets: Assets, nonce: String) -> impl IntoView {
    view! {
        <link
            rel="modulepreload"
            href=assets.glue.path.clone()
            integrity=assets.glue.integrity
            nonce=nonce.clone()
        />
        <script
            type="module"
            nonce=nonce
            src=assets.boot.path
            integrity=assets.boot.integrity
            data-glue=assets.glue.path
            data-wasm=assets.wasm.path
            data-wasm-integrity=assets.wasm.integrity
        ></script>
    }
}

/// A whole page as text. The same as [`Document`], for doors that need no streaming: nothing in a
/// page waits.
pub fn render(content: Content, frame: Frame, assets: Assets, nonce: String) -> String {
    Owner::new().with(|| {
        let document = DocumentProps::builder().content(content).frame(frame).assets(assets);
        Document(document.nonce(nonce).build()).into_view().to_html()
    })
}
