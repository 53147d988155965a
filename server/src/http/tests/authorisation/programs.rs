//! The rows of the authorisation table that are about plugins, channels and programs.

use super::{Row, api, operator_form, operator_page, own_form, own_page};

/// The plugins' pages.
#[rustfmt::skip]
pub(super) fn plugin_table() -> Vec<Row> {
    vec![
        ("GET", "/operator/plugins", operator_page(200)),
        ("GET", "/operator/plugins/install", operator_page(200)),
        // No file was chosen.
        ("POST", "/operator/plugins/install", operator_form(422)),
        // Another session sent it.
        ("GET", "/operator/plugins/install/{upload}", operator_page(404)),
        ("POST", "/operator/plugins/install/{upload}", operator_form(404)),
        ("POST", "/operator/plugins/install/{upload}/discard", operator_form(303)),
        ("GET", "/operator/plugins/messages", operator_page(200)),
        ("POST", "/operator/plugins/messages/again", operator_form(303)),
        // It is an event's.
        ("POST", "/operator/plugins/messages/{delivery}/again", operator_form(404)),
        ("GET", "/operator/plugins/gallery", operator_page(200)),
        // No folder is set.
        ("GET", "/operator/plugins/gallery/{package}", operator_page(404)),
        ("POST", "/operator/plugins/gallery/{package}", operator_form(404)),
        ("GET", "/operator/plugins/gallery/{package}/icon.png", operator_page(404)),
        ("GET", "/operator/plugins/{plugin}", operator_page(200)),
        ("GET", "/operator/plugins/{plugin}/calls", operator_page(200)),
        ("GET", "/operator/plugins/{plugin}/limits", operator_page(200)),
        // As they are.
        ("POST", "/operator/plugins/{plugin}/limits", operator_form(303)),
        ("GET", "/operator/plugins/{plugin}/settings", operator_page(200)),
        ("POST", "/operator/plugins/{plugin}/settings", operator_form(303)),
        ("POST", "/operator/plugins/{plugin}/enable", operator_form(303)),
        ("POST", "/operator/plugins/{plugin}/health", operator_form(303)),
        ("POST", "/operator/plugins/{plugin}/deliveries/{delivery}/replay", operator_form(303)),
        // It is on its way again.
        ("POST", "/operator/plugins/{plugin}/deliveries/{delivery}/replay-from", operator_form(404)),
        ("POST", "/operator/plugins/{plugin}/jobs/{job}/run", operator_form(303)),
        ("POST", "/operator/plugins/{plugin}/replay", operator_form(303)),
        ("POST", "/operator/plugins/{plugin}/disable", operator_form(303)),
        // It has no earlier version.
        ("POST", "/operator/plugins/{plugin}/rollback", operator_form(404)),
        ("POST", "/operator/plugins/{plugin}/calls/{call}/try", operator_form(200)),
        ("GET", "/operator/plugins/{plugin}/memory.json", operator_page(200)),
        ("GET", "/operator/plugins/{plugin}/remove", operator_page(200)),
        ("POST", "/operator/plugins/{plugin}/remove", operator_form(303)),
    ]
}

/// The pages about notifications; whoever has a message's link may follow it.
#[rustfmt::skip]
pub(super) fn channel_table() -> Vec<Row> {
    vec![
        ("GET", "/notifications", own_page(200, 200)),
        // No plugin carries messages to where there is no address.
        ("POST", "/notifications/channels", own_form(422, 422)),
        ("POST", "/notifications/quiet", own_form(303, 303)),
        ("GET", "/notifications/channels/{channel}", own_page(200, 404)),
        ("POST", "/notifications/channels/{channel}/code", own_form(303, 404)),
        ("GET", "/notifications/channels/{channel}/verify/{code}", own_page(200, 404)),
        ("POST", "/notifications/channels/{channel}/verify", own_form(422, 404)),
        ("POST", "/notifications/channels/{channel}/kinds", own_form(303, 404)),
        ("GET", "/unsubscribe/{link}", [200; 8]),
        ("POST", "/unsubscribe/{link}", [303; 8]),
        ("GET", "/notifications/channels/{channel}/remove", own_page(200, 404)),
        ("POST", "/notifications/channels/{channel}/remove", own_form(303, 404)),
    ]
}

/// The tokens' pages, and what is asked with a token.
#[rustfmt::skip]
pub(super) fn token_table() -> Vec<Row> {
    vec![
        ("GET", "/pods/{pod}/tokens", own_page(200, 404)),
        ("POST", "/pods/{pod}/tokens", own_form(200, 404)),
        ("GET", "/pods/{pod}/tokens/{pod_token}/revoke", own_page(200, 404)),
        ("POST", "/pods/{pod}/tokens/{pod_token}/revoke", own_form(303, 404)),
        ("GET", "/api/v1/pods", api(200, 200)),
        ("GET", "/api/v1/pods/{pod}", api(200, 404)),
        ("GET", "/api/v1/pods/{pod}/peers", api(200, 404)),
        // The pod has this key already.
        ("POST", "/api/v1/pods/{pod}/peers", api(409, 404)),
        ("GET", "/api/v1/pods/{pod}/peers/{peer}", api(200, 404)),
        ("GET", "/api/v1/pods/{pod}/peers/{peer}/config", api(200, 404)),
        ("PUT", "/api/v1/pods/{pod}/peers/{peer}/routes", api(200, 404)),
        ("DELETE", "/api/v1/pods/{pod}/peers/{peer}", api(204, 404)),
    ]
}
