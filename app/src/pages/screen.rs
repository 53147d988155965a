//! From a content to its screen.

use leptos::prelude::*;

use super::{
    Content, Frame, account, accounts, add_device, add_node, add_plan, channel, delete_any_pod,
    delete_pod, device, device_routes, drain_node, error, front, home, invite, join, move_pod,
    new_token, node, nodes, notifications, operator_sign_in, outgoing, overview, plans, plugin,
    plugin_calls, plugin_trial, plugins, pod, pods, remove_channel, remove_device, remove_plugin,
    retire_node, revoke_token, sign_in, sign_up, suspend_account, tokens, unsubscribe, usage,
};
use crate::contract::Millis;

impl Content {
    /// What the browser's tab says.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Front => front::title(),
            Self::SignIn(_) => sign_in::title(),
            Self::SignUp(_) => sign_up::title(),
            Self::OperatorSignIn(_) => operator_sign_in::title(),
            Self::Invite { .. } => invite::title(),
            Self::Home { .. } => home::title(),
            Self::Pod(pod) => pod::title(pod),
            Self::Usage(usage) => usage::title(usage),
            Self::DeletePod(pod) => delete_pod::title(pod),
            Self::Tokens { view, .. } => tokens::title(view),
            Self::NewToken(token) => new_token::title(token),
            Self::RevokeToken(view) => revoke_token::title(view),
            Self::AddDevice { pod, .. } => add_device::title(pod),
            Self::Device { device, .. } => device::title(device),
            Self::DeviceRoutes { device, .. } => device_routes::title(device),
            Self::RemoveDevice(device) => remove_device::title(device),
            Self::Notifications { .. } => notifications::title(),
            Self::Channel { view, .. } => channel::title(view),
            Self::RemoveChannel(view) => remove_channel::title(view),
            Self::Unsubscribe(_) => unsubscribe::title(),
            Self::Overview(_) => overview::title(),
            Self::Nodes(_) => nodes::title(),
            Self::AddNode(_) => add_node::title(),
            Self::Join(join) => join::title(join),
            Self::Node { node, .. } => node::title(node),
            Self::DrainNode(node) => drain_node::title(node),
            Self::RetireNode { node, .. } => retire_node::title(node),
            Self::Pods(_) => pods::title(),
            Self::MovePod { view, .. } => move_pod::title(view),
            Self::DeleteAnyPod(pod) => delete_any_pod::title(pod),
            Self::Accounts { .. } => accounts::title(),
            Self::Account { account, .. } => account::title(account),
            Self::Plans { .. } => plans::title(),
            Self::AddPlan(_) => add_plan::title(),
            Self::Plugins(_) => plugins::title(),
            Self::Outgoing(_) => outgoing::title(),
            Self::Plugin { plugin, .. } => plugin::title(plugin),
            Self::PluginCalls(view) => plugin_calls::title(view),
            Self::PluginForm(form) => form.title(),
            Self::PluginTrial(trial) => plugin_trial::title(trial),
            Self::RemovePlugin { plugin, .. } => remove_plugin::title(plugin),
            Self::SuspendAccount(account) => suspend_account::title(account),
            Self::Billing(billing) => billing.title(),
            Self::Error(error) => error::title(error),
        }
    }

    /// Whether a form came back with an error.
    pub(crate) fn is_refused(&self) -> bool {
        match self {
            Self::SignIn(form)
            | Self::SignUp(form)
            | Self::OperatorSignIn(form)
            | Self::Invite { form, .. }
            | Self::Home { form, .. }
            | Self::Tokens { form, .. }
            | Self::AddDevice { form, .. }
            | Self::DeviceRoutes { form, .. }
            | Self::Notifications { form, .. }
            | Self::Channel { form, .. }
            | Self::AddNode(form)
            | Self::Account { form, .. }
            | Self::Plans { form, .. }
            | Self::AddPlan(form)
            | Self::Plugin { form, .. }
            | Self::RemovePlugin { form, .. }
            | Self::Node { form, .. }
            | Self::MovePod { form, .. }
            | Self::RetireNode { form, .. } => form.error.is_some(),
            Self::Billing(billing) => billing.is_refused(),
            Self::PluginForm(form) => form.is_refused(),
            _ => false,
        }
    }

    /// After how many seconds the browser loads the page again by itself, without a program.
    pub(crate) fn loads_again_after(&self) -> Option<u8> {
        match self {
            Self::Billing(billing) => billing.loads_again_after(),
            _ => None,
        }
    }

    /// Whether the screen has a part that runs in the browser. All others load no program.
    pub(crate) fn has_island(&self) -> bool {
        matches!(self, Self::AddDevice { pod, .. } if add_device::has_room(pod))
    }
}

/// Draws a content.
#[component]
pub fn Screen(content: Content, frame: Frame) -> impl IntoView {
    use super as at;
    let now = frame.now;
    match content {
        Content::Front => view! { <at::front::Front /> }.into_any(),
        Content::SignIn(form) => view! { <at::sign_in::SignIn form /> }.into_any(),
        Content::SignUp(form) => view! { <at::sign_up::SignUp form /> }.into_any(),
        Content::OperatorSignIn(form) => {
            view! { <at::operator_sign_in::OperatorSignIn form /> }.into_any()
        }
        Content::Invite { token, form } => view! { <at::invite::Invite token form /> }.into_any(),
        Content::Home { view, form } => view! { <at::home::Home view form /> }.into_any(),
        Content::Pod(pod) => view! { <at::pod::Pod pod now /> }.into_any(),
        Content::Usage(usage) => view! { <at::usage::Usage usage now /> }.into_any(),
        Content::DeletePod(pod) => view! { <at::delete_pod::DeletePod pod /> }.into_any(),
        Content::Tokens { view, form } => view! { <at::tokens::Tokens view form now /> }.into_any(),
        Content::NewToken(token) => view! { <at::new_token::NewToken token /> }.into_any(),
        Content::RevokeToken(view) => view! { <at::revoke_token::RevokeToken view /> }.into_any(),
        Content::AddDevice { pod, form } => {
            view! { <at::add_device::AddDevicePage pod form /> }.into_any()
        }
        Content::Device { device, connection } => {
            view! { <at::device::Device device connection now /> }.into_any()
        }
        Content::DeviceRoutes { device, form } => {
            view! { <at::device_routes::DeviceRoutes device form /> }.into_any()
        }
        Content::RemoveDevice(device) => {
            view! { <at::remove_device::RemoveDevice device /> }.into_any()
        }
        content @ (Content::Notifications { .. }
        | Content::Channel { .. }
        | Content::RemoveChannel(_)
        | Content::Unsubscribe(_)) => about_messages(content, now),
        Content::Overview(overview) => {
            view! { <at::overview::OverviewPage overview now /> }.into_any()
        }
        Content::Nodes(nodes) => view! { <at::nodes::Nodes nodes now /> }.into_any(),
        Content::AddNode(form) => view! { <at::add_node::AddNode form /> }.into_any(),
        Content::Join(join) => view! { <at::join::Join join now /> }.into_any(),
        Content::Node { node, form } => view! { <at::node::Node node form now /> }.into_any(),
        Content::DrainNode(node) => view! { <at::drain_node::DrainNode node /> }.into_any(),
        Content::RetireNode { node, form } => {
            view! { <at::retire_node::RetireNode node form /> }.into_any()
        }
        Content::Pods(pods) => view! { <at::pods::Pods pods now /> }.into_any(),
        Content::MovePod { view, form } => view! { <at::move_pod::MovePod view form /> }.into_any(),
        Content::DeleteAnyPod(pod) => view! { <at::delete_any_pod::DeleteAnyPod pod /> }.into_any(),
        Content::Accounts { search, accounts } => {
            view! { <at::accounts::Accounts search accounts now /> }.into_any()
        }
        Content::Account { account, plans, usage, billing, form } => {
            view! { <at::account::Account account plans usage billing form now /> }.into_any()
        }
        Content::Billing(billing) => view! { <at::billing::BillingPage billing now /> }.into_any(),
        Content::Plans { plans, form } => view! { <at::plans::Plans plans form /> }.into_any(),
        content @ (Content::Plugins(_)
        | Content::Outgoing(_)
        | Content::Plugin { .. }
        | Content::PluginCalls(_)
        | Content::PluginForm(_)
        | Content::PluginTrial(_)
        | Content::RemovePlugin { .. }) => about_plugins(content, now),
        Content::AddPlan(form) => view! { <at::add_plan::AddPlan form /> }.into_any(),
        Content::SuspendAccount(account) => {
            view! { <at::suspend_account::SuspendAccount account /> }.into_any()
        }
        Content::Error(error) => view! { <at::error::ErrorPage error frame /> }.into_any(),
    }
}

/// Draws what is about channels and messages, and nothing else.
fn about_messages(content: Content, now: Millis) -> AnyView {
    use super as at;
    match content {
        Content::Notifications { view, form } => {
            view! { <at::notifications::Notifications view form now /> }.into_any()
        }
        Content::Channel { view, form } => view! { <at::channel::Channel view form /> }.into_any(),
        Content::RemoveChannel(view) => {
            view! { <at::remove_channel::RemoveChannel view /> }.into_any()
        }
        Content::Unsubscribe(view) => view! { <at::unsubscribe::Unsubscribe view /> }.into_any(),
        _ => ().into_any(),
    }
}

/// Draws what is about plugins, and nothing else.
fn about_plugins(content: Content, now: Millis) -> AnyView {
    use super as at;
    match content {
        Content::Plugins(plugins) => view! { <at::plugins::Plugins plugins /> }.into_any(),
        Content::Outgoing(view) => view! { <at::outgoing::Outgoing view now /> }.into_any(),
        Content::Plugin { plugin, form } => {
            view! { <at::plugin::Plugin plugin form now /> }.into_any()
        }
        Content::PluginCalls(view) => {
            view! { <at::plugin_calls::PluginCalls view now /> }.into_any()
        }
        Content::PluginForm(form) => view! { <at::plugin_forms::PluginFormPage form /> }.into_any(),
        Content::PluginTrial(trial) => {
            view! { <at::plugin_trial::Trial trial=*trial now /> }.into_any()
        }
        Content::RemovePlugin { plugin, form } => {
            view! { <at::remove_plugin::RemovePlugin plugin form /> }.into_any()
        }
        _ => ().into_any(),
    }
}
