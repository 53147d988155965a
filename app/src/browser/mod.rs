//! What only a browser can do.

pub(crate) mod keys;

use leptos::{
    ev,
    mount::{UnmountHandle, mount_to},
    prelude::*,
};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, HtmlElement, Url};

/// Moves the focus, and with it what is read aloud and where the page is scrolled to.
pub(crate) fn focus(id: &str) {
    let element = document().get_element_by_id(id).and_then(|it| it.dyn_into::<HtmlElement>().ok());
    if let Some(element) = element {
        // What cannot be focused is still on the page.
        drop(element.focus());
    }
}

/// Something that was drawn into a place of the page.
pub(crate) struct Placed(Option<Box<dyn FnOnce(bool)>>);

impl Placed {
    fn of<M: Mountable + 'static>(handle: UnmountHandle<M>) -> Self {
        Self(Some(Box::new(move |stays| {
            if stays {
                handle.forget();
            }
        })))
    }

    /// It is there until the page is left.
    pub(crate) fn stay(mut self) {
        self.end(true);
    }

    /// It has done its part.
    pub(crate) fn remove(mut self) {
        self.end(false);
    }

    fn end(&mut self, stays: bool) {
        if let Some(end) = self.0.take() {
            end(stays);
        }
    }
}

/// Draws into an empty element of the page. What is only ever drawn here needs no code to wake up
/// what the portal drew: that is a quarter of the program.
pub(crate) fn place<V: IntoView + 'static>(id: &str, view: impl FnOnce() -> V + 'static) -> Placed {
    match document().get_element_by_id(id) {
        Some(place) => Placed::of(mount_to(place.unchecked_into(), view)),
        None => Placed(None),
    }
}

/// Lets the browser ask "leave this page?" whenever `unsaved` says so.
pub(crate) fn ask_before_leaving(unsaved: impl Fn() -> bool + 'static) {
    // The listener stays as long as the page.
    let _handle = window_event_listener(ev::beforeunload, move |event| {
        if unsaved() {
            event.prevent_default();
            // For browsers that look at this instead (HTML Standard, "the BeforeUnloadEvent").
            event.set_return_value("unsaved");
        }
    });
}

/// Puts a text on the clipboard; fails outside a secure context or when the person says no.
pub(crate) async fn copy(text: &str) -> Result<(), JsValue> {
    if !window().is_secure_context() {
        return Err(JsValue::UNDEFINED);
    }
    JsFuture::from(window().navigator().clipboard().write_text(text)).await.map(drop)
}

/// Saves a text as a file. It goes through no server: the link is to the page's own memory.
pub(crate) fn download(file: &str, text: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type("application/octet-stream");
    let parts = js_sys::Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&url);
    link.set_download(file);
    link.click();
    Url::revoke_object_url(&url)
}
