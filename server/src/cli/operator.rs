//! `myrelay operator invite`

use super::{
    say,
    serve::{Started, start_context},
};
use crate::{
    config::{Config, Origin, SiteTls},
    context::Context,
    operators::{self, Invite},
};

/// Prints a one-time link. The portal may run meanwhile.
pub(super) async fn invite(config: Config) -> anyhow::Result<()> {
    let secure = config.tls != SiteTls::Clear;
    let origin =
        config.public_url.clone().unwrap_or_else(|| Origin::of_listener(secure, config.listen));
    let Started { context, .. } = start_context(&config, &origin, &origin).await?;
    let link = link(&context, &origin).await?;
    context.database.close().await;
    say(&link)
}

/// A new link, with what to do with it.
pub(super) async fn link(context: &Context, origin: &Origin) -> anyhow::Result<String> {
    let Invite { token, .. } = operators::invite(context).await?;
    Ok(format!(
        "\nOpen this link within 30 minutes to set the password of an operator; it works once:\n\n  \
         {origin}/operator/invite/{}\n\nA new one: `myrelay operator invite`, with the settings of \
         `myrelay serve`\n\n",
        token.expose()
    ))
}
