//! Lets in whom the route table lets in, and nobody else.

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use myrelay_app::contract::PortalError;
use myrelay_domain::ids::{DeploymentId, NodeId};
use tower_sessions::Session;
use x509_parser::extensions::GeneralName;

use super::{
    Door, Peer,
    answer::{Fault, see_other},
    routes::{RENEW, Who},
    visit::Visit,
};
use crate::{authority::key_hash, context::Caller, nodes, sessions};

/// In front of every route with a session: reads it, and turns away whom the route is not for.
pub(crate) async fn session(
    State((door, who)): State<(Door, Who)>,
    visit: Visit,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    let kind = who.session();
    let caller = match sessions::caller(&door.context, kind, &session).await {
        Ok(caller) => caller,
        Err(error) => return Fault::from(error.into_portal_error(&visit.id)).into_response(),
    };
    visit.set_caller(caller);
    match (who, caller) {
        (Who::Visitor(_), _)
        | (Who::Account, Caller::Account(_))
        | (Who::Operator, Caller::Operator(_)) => next.run(request).await,
        _ => to_sign_in(kind, request.method(), &visit.path),
    }
}

/// A page leads to the sign-in; a form or a call says that it did nothing.
fn to_sign_in(kind: sessions::Kind, method: &Method, path: &str) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) || path.starts_with("/call/") {
        return Fault::from(PortalError::SignedOut).into_response();
    }
    see_other(match kind {
        sessions::Kind::Account => "/sign-in",
        sessions::Kind::Operator => "/operator/sign-in",
    })
}

/// The hash of the key of the certificate that a node came with.
#[derive(Clone, Debug)]
pub(crate) struct KeyHash(pub String);

/// In front of every route for nodes: TLS verified the certificate; here its name and its key
/// are looked up in the allow-list, on every request.
pub(crate) async fn node(
    State(door): State<Door>,
    visit: Visit,
    mut request: Request,
    next: Next,
) -> Response {
    let certificate = request.extensions().get::<Peer>().and_then(|it| it.certificate.clone());
    let Some(certificate) = certificate else {
        return Fault::from(PortalError::SignedOut).into_response();
    };
    let named = node_of(&certificate, door.context.deployment.id).zip(key_hash(&certificate));
    let Some((node, key_hash)) = named else {
        return Fault::from(PortalError::NotAllowed).into_response();
    };
    // TLS lets a certificate in that is over for not too long: to renew it, and for nothing else.
    if request.uri().path() != RENEW && !certificate_holds(&certificate, door.context.now()) {
        let error = crate::Error::Refused("this certificate is over: renew it");
        return Fault::of_node(error, &visit.id).into_response();
    }
    match nodes::identify(&door.context, &key_hash, node).await {
        Ok(node) => {
            visit.set_caller(Caller::Node(node));
            request.extensions_mut().insert(node);
            request.extensions_mut().insert(KeyHash(key_hash));
            next.run(request).await
        }
        Err(error) => Fault::of_node(error, &visit.id).into_response(),
    }
}

fn certificate_holds(certificate: &[u8], now_ms: i64) -> bool {
    let parsed = x509_parser::parse_x509_certificate(certificate);
    parsed.is_ok_and(|(_, it)| now_ms <= it.validity().not_after.timestamp().saturating_mul(1000))
}

/// The node that a certificate names: `spiffe://<deployment>/node/<id>`, once.
fn node_of(certificate: &[u8], deployment: DeploymentId) -> Option<NodeId> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    match names.value.general_names.as_slice() {
        [GeneralName::URI(uri)] => {
            uri.strip_prefix(&format!("spiffe://{deployment}/node/"))?.parse().ok()
        }
        _ => None,
    }
}
