//! What the owner of a pod switches: whether its devices meet, and whether it is paused.

use leptos::prelude::*;
use myrelay_domain::ids::PodId;

use super::texts;
use crate::components::{ButtonLink, Look, Submit};

#[component]
pub fn Settings(pod: PodId, devices_meet: bool, paused: bool) -> impl IntoView {
    let (meet, meet_now, meet_button) = if devices_meet {
        ("off", texts::MEET_ON, texts::MEET_STOP)
    } else {
        ("on", texts::MEET_OFF, texts::MEET_START)
    };
    let (pause, pause_now, pause_button) = if paused {
        ("resume", texts::PAUSE_ON, texts::RESUME)
    } else {
        ("pause", texts::PAUSE_OFF, texts::PAUSE)
    };
    view! {
        <section class="part">
            <h2>{texts::SETTINGS}</h2>
            <ul class="rows">
                <li class="row">
                    <div class="row-words">
                        <strong>{texts::MEET}</strong>
                        <span class="muted">{meet_now}</span>
                    </div>
                    <form method="post" action=format!("/pods/{pod}/devices-meet")>
                        <input type="hidden" name="meet" value=meet />
                        <Submit label=meet_button look=Look::Secondary />
                    </form>
                </li>
                <li class="row">
                    <div class="row-words">
                        <strong>{texts::PAUSING}</strong>
                        <span class="muted">{pause_now}</span>
                    </div>
                    <form method="post" action=format!("/pods/{pod}/{pause}")>
                        <Submit label=pause_button look=Look::Secondary />
                    </form>
                </li>
                <li class="row">
                    <div class="row-words">
                        <strong>{texts::TOKENS}</strong>
                        <span class="muted">{texts::TOKENS_TEXT}</span>
                    </div>
                    <ButtonLink
                        href=format!("/pods/{pod}/tokens")
                        label=texts::TOKENS_OPEN
                        look=Look::Secondary
                    />
                </li>
            </ul>
        </section>
    }
}
