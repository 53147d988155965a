//! One pod and its devices.

mod moved;
mod settings;
mod texts;

use leptos::prelude::*;
pub(crate) use moved::Moved;
use settings::Settings;

use super::{add_device, usage::UsageSummary};
use crate::{
    components::{Badge, ButtonLink, Empty, Heading, Icon, IconShape, Notice, StateWord, Time},
    contract::{Millis, PeerView, PodState, PodView},
    texts as shared,
};

pub(crate) fn title(pod: &PodView) -> String {
    pod.location.clone()
}

#[component]
pub fn Pod(pod: PodView, now: Millis) -> impl IntoView {
    let add = format!("/pods/{}/devices/new", pod.id);
    let add_first = add.clone();
    let has_room = add_device::has_room(&pod);
    let StateWord { word, tone } = pod.state.into();
    let paused = pod.state == PodState::Paused;
    let usage = texts::usage(pod.devices.len(), pod.device_limit);
    view! {
        <Heading title=pod.location up=("/home".to_owned(), shared::NAV_HOME.to_owned())>
            <Badge state=pod.state />
        </Heading>
        {texts::explain(pod.state)
            .map(|text| view! { <Notice tone=tone title=word text=text /> })}
        <Moved moved=pod.moved />
        {if pod.devices.is_empty() {
            view! {
                <Empty shape=IconShape::Device title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT>
                    <ButtonLink href=add_first.clone() label=texts::ADD_DEVICE />
                </Empty>
            }
                .into_any()
        } else {
            view! {
                <section class="part">
                    <div class="part-head">
                        <h2>{texts::DEVICES}" "<span class="muted count">{usage}</span></h2>
                        {has_room.then(|| view! { <ButtonLink href=add label=texts::ADD_DEVICE /> })}
                    </div>
                    {(!has_room)
                        .then(|| view! { <p class="muted">{texts::full(pod.device_limit)}</p> })}
                    <ul class="rows">
                        {pod
                            .devices
                            .into_iter()
                            .map(|device| view! { <DeviceRow device state=pod.state now /> })
                            .collect_view()}
                    </ul>
                </section>
            }
                .into_any()
        }}
        <UsageSummary summary=pod.usage now more=format!("/pods/{}/usage", pod.id) />
        <Settings pod=pod.id devices_meet=pod.devices_meet paused />
        <p class="danger-link">
            <a href=format!("/pods/{}/delete", pod.id)>{texts::DELETE}</a>
        </p>
    }
}

#[component]
fn DeviceRow(device: PeerView, state: PodState, now: Millis) -> impl IntoView {
    view! {
        <li class="row row-linked">
            <span class="card-picture"><Icon shape=IconShape::Device /></span>
            <div class="row-words">
                <a class="card-link" href=format!("/devices/{}", device.id)>{device.name}</a>
                <span class="muted">
                    {device.addresses.v4.to_string()}" · "{texts::ADDED}
                    <Time at=device.created_at now />
                </span>
            </div>
            <Badge state=StateWord::of_device(device.applied, state) />
        </li>
    }
}
