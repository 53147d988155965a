//! One function per way in. Each takes any bytes, and panics only where a promise is broken;
//! it answers whether the bytes meant something.

mod agent_msg;
mod cidr_list;
mod conf_render;
mod csr_der;
mod join_token;
mod key_rotation;
mod plugin_effects;
mod plugin_manifest;
mod plugin_package;
mod plugin_signature;
mod state_delta;
mod url_policy;
mod webhook_signature;

/// What takes the bytes.
pub(crate) type Target = fn(&[u8]) -> bool;

/// Every target by the name of its corpus.
pub(crate) const TARGETS: [(&str, Target); 13] = [
    ("agent_msg", agent_msg::run),
    ("cidr_list", cidr_list::run),
    ("conf_render", conf_render::run),
    ("csr_der", csr_der::run),
    ("join_token", join_token::run),
    ("key_rotation", key_rotation::run),
    ("plugin_effects", plugin_effects::run),
    ("plugin_manifest", plugin_manifest::run),
    ("plugin_package", plugin_package::run),
    ("plugin_signature", plugin_signature::run),
    ("state_delta", state_delta::run),
    ("url_policy", url_policy::run),
    ("webhook_signature", webhook_signature::run),
];
