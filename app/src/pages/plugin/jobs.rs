//! What a plugin does at set times.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Cell, Table, Time},
    contract::{Millis, PluginJobRow},
};

#[component]
pub fn Jobs(path: String, jobs: Vec<PluginJobRow>, now: Millis) -> impl IntoView {
    if jobs.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="part">
            <h2>{texts::JOBS}</h2>
            <Table caption=texts::JOBS columns=texts::JOB_COLUMNS>
                {jobs.into_iter().map(|job| view! { <Job path=path.clone() job now /> }).collect_view()}
            </Table>
        </section>
    }
    .into_any()
}

#[component]
fn Job(path: String, job: PluginJobRow, now: Millis) -> impl IntoView {
    let runs = job.next_at.is_some();
    let action = format!("{path}/jobs/{}/run", job.name);
    let label = texts::run(&job.name);
    view! {
        <tr role="row">
            <Cell column=texts::JOB><code class="named breakable">{job.name}</code></Cell>
            <Cell column=texts::TIMES><code class="breakable">{job.cron}</code></Cell>
            <Cell column=texts::NEXT>
                {match job.next_at {
                    Some(at) => view! { <Time at now /> }.into_any(),
                    None => texts::NOT_NOW.into_any(),
                }}
            </Cell>
            <Cell column=texts::LAST>
                {match job.ended_at {
                    Some(at) => view! { <Time at now /> }.into_any(),
                    None => texts::NOT_YET.into_any(),
                }}
                {job.failure.map(|it| view! { " "<span class="fault said breakable">{it}</span> })}
            </Cell>
            <Cell column=texts::ACTION>
                {runs
                    .then(|| {
                        view! {
                            <form method="post" action=action>
                                <button type="submit" class="row-action" aria-label=label>
                                    {texts::RUN}
                                </button>
                            </form>
                        }
                    })}
            </Cell>
        </tr>
    }
}
