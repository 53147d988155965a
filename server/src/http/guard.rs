//! Lets in whom the route table lets in, and nobody else.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use myrelay_app::contract::PortalError;
use myrelay_domain::{
    ids::{DeploymentId, NodeId},
    token::POD_TOKEN_PREFIX,
};
use tower_sessions::Session;
use x509_parser::extensions::GeneralName;

use super::{
    Door, Peer,
    answer::{Fault, see_other},
    onward,
    routes::{RENEW, Who},
    visit::Visit,
};
use crate::{authority::key_hash, context::Caller, nodes, sessions, tokens};

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
        _ => {
            let mut response = to_sign_in(kind, request.method(), &visit.path);
            let leads_there = response.status() == StatusCode::SEE_OTHER;
            if leads_there && kind == sessions::Kind::Account && *request.method() == Method::GET {
                onward::keep(&mut response, request.uri(), door.origin.secure);
            }
            response
        }
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

/// In front of every route for programs: the token in the `Authorization` header counts (RFC 6750
/// section 2.1), and nothing else does, no cookie either.
pub(crate) async fn token(
    State(door): State<Door>,
    visit: Visit,
    request: Request,
    next: Next,
) -> Response {
    if request.uri().query().is_some_and(holds_token) {
        let message = "a token belongs into the `Authorization` header and into no URL, which ends \
                       up in logs: revoke this one and make another";
        return Fault::of(StatusCode::BAD_REQUEST, message).into_response();
    }
    let Some(presented) = bearer(request.headers()) else {
        return ask_for_token("Bearer", "send a token as `Authorization: Bearer myr_pod_…`");
    };
    let (token, caller) = match tokens::identify(&door.context, presented).await {
        Ok(Some(known)) => known,
        Ok(None) => {
            return match door.limits.check_wrong_token(visit.ip) {
                Ok(()) => ask_for_token(
                    r#"Bearer error="invalid_token""#,
                    "this token does not count: it is wrong, over or revoked, or its location or \
                     account is not there any more",
                ),
                Err(fault) => fault.into_response(),
            };
        }
        Err(error) => return Fault::of_program(error, &visit.id).into_response(),
    };
    if let Err(fault) = door.limits.check_token(token) {
        return fault.into_response();
    }
    visit.set_caller(caller);
    next.run(request).await
}

/// The one token of the one header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a query names a token, or is one in any place.
fn holds_token(query: &str) -> bool {
    let names = ["access_token", "authorization", "bearer", "token"];
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
    pairs.iter().any(|(name, value)| {
        names.contains(&name.to_ascii_lowercase().as_str())
            || name.contains(POD_TOKEN_PREFIX)
            || value.contains(POD_TOKEN_PREFIX)
    })
}

fn ask_for_token(challenge: &'static str, message: &str) -> Response {
    let mut response = Fault::of(StatusCode::UNAUTHORIZED, message).into_response();
    let challenge = HeaderValue::from_static(challenge);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
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
