//! Every route there is, and whom it is for: the routers are made from these two tables, and so is
//! the authorisation test.

use any_spawner::Executor;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::Method,
    middleware::{from_fn, from_fn_with_state},
    routing::{MethodRouter, delete, get, post, put},
};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

use super::{
    Door,
    answer::Fault,
    assets,
    body::{Intake, MAX_BODY, NODE_BODY, take_in},
    calls, guard, hooks,
    limits::{self, Strict},
    metrics, node_api, origin,
    pages::{
        account, billing, channels, devices, health, operator, operator_nodes, operator_pods,
        outgoing, plans, plugin_forms, plugin_gallery, plugins, pods, tokens, usage,
    },
    present, rest, visit,
};
use crate::sessions::{Kind, Sessions};

/// Whom a route is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Anybody; nobody looks who.
    Anybody,
    /// Anybody; who is signed in is seen.
    Visitor(Kind),
    Account,
    Operator,
    /// A program with a token for a pod; no cookie counts.
    Token,
    /// A machine that holds a join token.
    Joining,
    /// A node, by its certificate.
    Node,
}

impl Who {
    /// Whose cookie counts.
    pub(crate) fn session(self) -> Kind {
        match self {
            Self::Visitor(kind) => kind,
            Self::Operator => Kind::Operator,
            Self::Anybody | Self::Account | Self::Token | Self::Joining | Self::Node => {
                Kind::Account
            }
        }
    }
}

/// One route.
pub(crate) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub who: Who,
    /// The stricter counter it has.
    pub strict: Option<Strict>,
    handler: MethodRouter<Door>,
}

impl Route {
    fn strict(self, strict: Strict) -> Self {
        Self { strict: Some(strict), ..self }
    }
}

fn shows(path: &'static str, who: Who, handler: MethodRouter<Door>) -> Route {
    Route { method: Method::GET, path, who, strict: None, handler }
}

fn does(path: &'static str, who: Who, handler: MethodRouter<Door>) -> Route {
    Route { method: Method::POST, path, who, strict: None, handler }
}

/// The site's routes.
pub(crate) fn site_routes() -> Vec<Route> {
    let mut routes = vec![
        shows("/healthz", Who::Anybody, get(health::alive)),
        shows("/readyz", Who::Anybody, get(health::ready)),
        shows("/assets/{*file}", Who::Anybody, get(assets::file)),
    ];
    routes.extend(customer_routes());
    routes.extend(notification_routes());
    routes.extend(operator_routes());
    routes.extend(plugin_routes());
    routes.extend(billing_routes());
    routes.extend(api_routes());
    routes
}

fn customer_routes() -> Vec<Route> {
    use Who::Account;
    let visitor = Who::Visitor(Kind::Account);
    vec![
        shows("/", visitor, get(account::front)),
        shows("/sign-in", visitor, get(account::sign_in_page)),
        does("/sign-in", visitor, post(account::sign_in)).strict(Strict::SignIn),
        shows("/sign-up", visitor, get(account::sign_up_page)),
        does("/sign-up", visitor, post(account::sign_up)).strict(Strict::SignIn),
        does("/sign-out", visitor, post(account::sign_out)),
        shows("/home", Account, get(pods::home)),
        does("/pods", Account, post(pods::create)),
        shows("/pods/{pod}", Account, get(pods::pod)),
        shows("/pods/{pod}/usage", Account, get(usage::pod)),
        shows("/pods/{pod}/delete", Account, get(pods::delete_page)),
        does("/pods/{pod}/delete", Account, post(pods::delete)),
        does("/pods/{pod}/pause", Account, post(pods::pause)),
        does("/pods/{pod}/resume", Account, post(pods::resume)),
        does("/pods/{pod}/devices-meet", Account, post(pods::devices_meet)),
        shows("/pods/{pod}/devices/new", Account, get(devices::add_page)),
        does("/pods/{pod}/devices/new", Account, post(devices::add)),
        shows("/pods/{pod}/tokens", Account, get(tokens::list)),
        does("/pods/{pod}/tokens", Account, post(tokens::create)),
        shows("/pods/{pod}/tokens/{pod_token}/revoke", Account, get(tokens::revoke_page)),
        does("/pods/{pod}/tokens/{pod_token}/revoke", Account, post(tokens::revoke)),
        shows("/devices/{peer}", Account, get(devices::device)),
        does("/devices/{peer}/check", Account, post(devices::check)),
        shows("/devices/{peer}/routes", Account, get(devices::routes_page)),
        does("/devices/{peer}/routes", Account, post(devices::set_routes)),
        shows("/devices/{peer}/remove", Account, get(devices::remove_page)),
        does("/devices/{peer}/remove", Account, post(devices::remove)),
        does("/call/add_device", Account, post(calls::answer)),
        does("/call/client_config", Account, post(calls::answer)),
        does("/call/check_connection", Account, post(calls::answer)),
    ]
}

/// How customers are reached; the links in messages work for whoever has the message.
fn notification_routes() -> Vec<Route> {
    const CHANNEL: &str = "/notifications/channels/{channel}";
    const VERIFY: &str = "/notifications/channels/{channel}/verify";
    const REMOVE: &str = "/notifications/channels/{channel}/remove";
    use Who::Account;
    let visitor = Who::Visitor(Kind::Account);
    vec![
        shows("/notifications", Account, get(channels::list)),
        does("/notifications/channels", Account, post(channels::add)),
        does("/notifications/quiet", Account, post(channels::quiet)),
        shows(CHANNEL, Account, get(channels::channel)),
        does("/notifications/channels/{channel}/code", Account, post(channels::code)),
        does(VERIFY, Account, post(channels::verify)),
        shows(
            "/notifications/channels/{channel}/verify/{code}",
            Account,
            get(channels::verify_page),
        ),
        does("/notifications/channels/{channel}/kinds", Account, post(channels::kinds)),
        shows(REMOVE, Account, get(channels::remove_page)),
        does(REMOVE, Account, post(channels::remove)),
        shows("/unsubscribe/{link}", visitor, get(channels::unsubscribe_page)),
        does("/unsubscribe/{link}", visitor, post(channels::unsubscribe)),
    ]
}

fn operator_routes() -> Vec<Route> {
    use Who::Operator;
    let visitor = Who::Visitor(Kind::Operator);
    vec![
        shows("/operator/sign-in", visitor, get(operator::sign_in_page)),
        does("/operator/sign-in", visitor, post(operator::sign_in)).strict(Strict::SignIn),
        shows("/operator/invite/{token}", visitor, get(operator::invite_page))
            .strict(Strict::SignIn),
        does("/operator/invite/{token}", visitor, post(operator::accept_invite))
            .strict(Strict::SignIn),
        does("/operator/sign-out", visitor, post(operator::sign_out)),
        shows("/operator", Operator, get(operator::overview)),
        shows("/operator/nodes", Operator, get(operator_nodes::list)),
        shows("/operator/nodes/new", Operator, get(operator_nodes::add_page)),
        does("/operator/nodes/new", Operator, post(operator_nodes::add)),
        shows("/operator/nodes/{node}", Operator, get(operator_nodes::node)),
        does("/operator/nodes/{node}/join", Operator, post(operator_nodes::join)),
        shows("/operator/nodes/{node}/retire", Operator, get(operator_nodes::retire_page)),
        does("/operator/nodes/{node}/retire", Operator, post(operator_nodes::retire)),
        shows("/operator/nodes/{node}/drain", Operator, get(operator_nodes::drain_page)),
        does("/operator/nodes/{node}/drain", Operator, post(operator_nodes::drain)),
        does("/operator/nodes/{node}/stop-draining", Operator, post(operator_nodes::stop_draining)),
        does("/operator/nodes/{node}/resolver", Operator, post(operator_nodes::resolver)),
        shows("/operator/pods", Operator, get(operator::pods)),
        shows("/operator/pods/{pod}/move", Operator, get(operator_pods::move_page)),
        does("/operator/pods/{pod}/move", Operator, post(operator_pods::move_pod)),
        shows("/operator/pods/{pod}/delete", Operator, get(operator_pods::delete_page)),
        does("/operator/pods/{pod}/delete", Operator, post(operator_pods::delete)),
        shows("/operator/accounts", Operator, get(operator::accounts)),
        shows("/operator/accounts/{account}", Operator, get(plans::account)),
        does("/operator/accounts/{account}/plan", Operator, post(plans::change)),
        shows("/operator/accounts/{account}/suspend", Operator, get(operator::suspend_page)),
        does("/operator/accounts/{account}/suspend", Operator, post(operator::suspend)),
        does("/operator/accounts/{account}/resume", Operator, post(operator::resume)),
        shows("/operator/plans", Operator, get(plans::list)),
        shows("/operator/plans/new", Operator, get(plans::add_page)),
        does("/operator/plans/new", Operator, post(plans::add)),
        does("/operator/plans/{plan}/default", Operator, post(plans::make_default)),
        does("/operator/plans/{plan}/remove", Operator, post(plans::remove)),
    ]
}

/// What customers and operators do with money.
fn billing_routes() -> Vec<Route> {
    const END: &str = "/operator/accounts/{account}/end-subscription";
    use Who::{Account, Operator};
    vec![
        shows("/plan", Account, get(billing::plan)),
        does("/plan/choose", Account, post(billing::choose)),
        does("/plan/renew", Account, post(billing::renew)),
        shows("/plan/cancel", Account, get(billing::cancel_page)),
        does("/plan/cancel", Account, post(billing::cancel)),
        does("/plan/provider", Account, post(billing::provider)),
        shows("/plan/invoices/{invoice}", Account, get(billing::invoice)),
        does("/plan/invoices/{invoice}/pay", Account, post(billing::pay)),
        does("/plan/invoices/{invoice}/check", Account, post(billing::check)),
        shows("/operator/payments", Operator, get(billing::payments)),
        shows("/operator/payments/{payment}/refund", Operator, get(billing::refund_page)),
        does("/operator/payments/{payment}/refund", Operator, post(billing::refund)),
        shows("/operator/invoices/{invoice}", Operator, get(billing::operator_invoice)),
        does("/operator/invoices/{invoice}/paid", Operator, post(billing::mark_paid)),
        shows(END, Operator, get(billing::end_page)),
        does(END, Operator, post(billing::end)),
        does("/operator/plans/{plan}/withdraw", Operator, post(billing::withdraw)),
    ]
}

/// What the links in messages begin with, and no others.
pub(crate) const UNSUBSCRIBE: &str = "/unsubscribe/";

/// What the paths at which providers report begin with, and no others.
pub(crate) const HOOKS: &str = "/hooks/";

/// Where operators send packages, which are larger than all else that is sent.
pub(crate) const UPLOAD: &str = "/operator/plugins/install";

/// What operators do with plugins.
fn plugin_routes() -> Vec<Route> {
    const REPLAY: &str = "/operator/plugins/{plugin}/deliveries/{delivery}/replay";
    const REPLAY_FROM: &str = "/operator/plugins/{plugin}/deliveries/{delivery}/replay-from";
    const RUN: &str = "/operator/plugins/{plugin}/jobs/{job}/run";
    const ONE_UPLOAD: &str = "/operator/plugins/install/{upload}";
    const PACKAGE: &str = "/operator/plugins/gallery/{package}";
    use Who::Operator;
    vec![
        does("/hooks/{hook}/{path}", Who::Anybody, post(hooks::receive)),
        shows("/operator/plugins", Operator, get(plugins::list)),
        shows(UPLOAD, Operator, get(plugin_forms::upload_page)),
        does(UPLOAD, Operator, post(plugin_forms::upload)),
        shows(ONE_UPLOAD, Operator, get(plugin_forms::install_page)),
        does(ONE_UPLOAD, Operator, post(plugin_forms::install)),
        does("/operator/plugins/install/{upload}/discard", Operator, post(plugin_forms::discard)),
        shows("/operator/plugins/messages", Operator, get(outgoing::list)),
        does("/operator/plugins/messages/again", Operator, post(outgoing::send_all_again)),
        does("/operator/plugins/messages/{delivery}/again", Operator, post(outgoing::send_again)),
        shows("/operator/plugins/gallery", Operator, get(plugin_gallery::gallery)),
        shows(PACKAGE, Operator, get(plugin_gallery::package)),
        does(PACKAGE, Operator, post(plugin_gallery::choose)),
        shows("/operator/plugins/gallery/{package}/icon.png", Operator, get(plugin_gallery::icon)),
        shows("/operator/plugins/{plugin}", Operator, get(plugins::plugin)),
        shows("/operator/plugins/{plugin}/calls", Operator, get(plugins::calls)),
        does("/operator/plugins/{plugin}/enable", Operator, post(plugins::enable)),
        does("/operator/plugins/{plugin}/health", Operator, post(plugins::ask)),
        does("/operator/plugins/{plugin}/disable", Operator, post(plugins::disable)),
        does("/operator/plugins/{plugin}/replay", Operator, post(plugins::replay_all)),
        does(REPLAY, Operator, post(plugins::replay)),
        does(REPLAY_FROM, Operator, post(plugins::replay_from)),
        does(RUN, Operator, post(plugins::run_job)),
        shows("/operator/plugins/{plugin}/settings", Operator, get(plugin_forms::settings_page)),
        does("/operator/plugins/{plugin}/settings", Operator, post(plugin_forms::settings)),
        shows("/operator/plugins/{plugin}/limits", Operator, get(plugin_forms::limits_page)),
        does("/operator/plugins/{plugin}/limits", Operator, post(plugin_forms::limits)),
        does("/operator/plugins/{plugin}/rollback", Operator, post(plugins::rollback)),
        does("/operator/plugins/{plugin}/calls/{call}/try", Operator, post(plugins::try_call)),
        shows("/operator/plugins/{plugin}/memory.json", Operator, get(plugins::memory)),
        shows("/operator/plugins/{plugin}/remove", Operator, get(plugins::remove_page)),
        does("/operator/plugins/{plugin}/remove", Operator, post(plugins::remove)),
    ]
}

/// What the paths of the API begin with, and no others.
pub(crate) const API: &str = "/api/";

/// What programs with a token ask; docs/api.md explains each.
fn api_routes() -> Vec<Route> {
    const PEERS: &str = "/api/v1/pods/{pod}/peers";
    const PEER: &str = "/api/v1/pods/{pod}/peers/{peer}";
    const ROUTES: &str = "/api/v1/pods/{pod}/peers/{peer}/routes";
    use Who::Token;
    let with = |method, path, handler| Route { method, path, who: Token, strict: None, handler };
    vec![
        shows("/api/v1/pods", Token, get(rest::pods)),
        shows("/api/v1/pods/{pod}", Token, get(rest::pod)),
        shows(PEERS, Token, get(rest::peers)),
        does(PEERS, Token, post(rest::add_peer)),
        shows(PEER, Token, get(rest::peer)),
        with(Method::DELETE, PEER, delete(rest::remove_peer)),
        shows("/api/v1/pods/{pod}/peers/{peer}/config", Token, get(rest::config)),
        with(Method::PUT, ROUTES, put(rest::set_routes)),
    ]
}

/// Where a node asks for its next certificate.
pub(crate) const RENEW: &str = "/v1/renew";
/// Where a node's reports go: they name every pod of the node.
const OBSERVED: &str = "/v1/observed";
const USAGE: &str = "/v1/usage";

/// The node listener's routes.
pub(crate) fn node_routes() -> Vec<Route> {
    vec![
        does("/enrol", Who::Joining, post(node_api::enrol)).strict(Strict::Enrol),
        does(RENEW, Who::Node, post(node_api::renew)),
        shows("/v1/state", Who::Node, get(node_api::state)),
        does(OBSERVED, Who::Node, post(node_api::observed)),
        does(USAGE, Who::Node, post(node_api::usage)),
        does("/v1/answers", Who::Node, post(node_api::answers)),
    ]
}

/// The routes for monitors, on a listener of their own that only this machine reaches.
pub(crate) fn metrics_routes() -> Vec<Route> {
    vec![shows("/metrics", Who::Anybody, get(metrics::metrics))]
}

/// What monitors on this machine may ask.
pub fn metrics_router(door: Door) -> Router {
    let mut router = Router::new();
    for route in metrics_routes() {
        router = router.route(route.path, route.handler);
    }
    router
        .fallback(|| async { Fault::no_such_page() })
        .layer(from_fn_with_state(Intake::of_nodes().at_most(0), take_in))
        .layer(from_fn(present::catch_panic))
        .layer(from_fn_with_state(door.clone(), present::node))
        .layer(from_fn_with_state(door.clone(), visit::visit))
        .with_state(door)
}

/// The site. A request passes from the bottom up: it is opened and logged, drawn, counted, its
/// origin judged, its body taken in; then its session is read and its caller let in.
pub fn site_router(door: Door) -> Router {
    // Leptos draws with it; that another router set it before is fine.
    Executor::init_tokio().ok();
    let mut open = Router::new();
    let mut with_session = [Kind::Account, Kind::Operator].map(|kind| (kind, Router::new()));
    for route in site_routes() {
        let mut handler = route.handler;
        if route.path == UPLOAD && route.method == Method::POST {
            let intake = Intake::of_packages();
            handler = handler.route_layer(from_fn_with_state(intake, take_in));
        }
        if let Some(strict) = route.strict {
            let state = (door.clone(), strict);
            handler = handler.route_layer(from_fn_with_state(state, limits::strict));
        }
        if route.who == Who::Token {
            handler = handler.route_layer(from_fn_with_state(door.clone(), guard::token));
        }
        if matches!(route.who, Who::Anybody | Who::Token) {
            open = open.route(route.path, handler);
            continue;
        }
        let state = (door.clone(), route.who);
        handler = handler.route_layer(from_fn_with_state(state, guard::session));
        for (kind, router) in &mut with_session {
            if *kind == route.who.session() {
                *router = std::mem::take(router).route(route.path, handler.clone());
            }
        }
    }
    for (kind, router) in with_session {
        open = open.merge(router.route_layer(cookie(&door, kind)));
    }
    let intake = Intake::of_site();
    open.fallback(|| async { Fault::no_such_page() })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(intake, take_in))
        .layer(from_fn_with_state(door.clone(), origin::same_origin))
        .layer(from_fn_with_state(door.clone(), limits::any))
        .layer(from_fn(present::catch_panic))
        .layer(from_fn_with_state(door.clone(), present::site))
        .layer(from_fn(present::catch_panic))
        .layer(from_fn_with_state(door.clone(), visit::visit))
        .with_state(door)
}

/// The node listener. Its TLS has refused every certificate that is not one of ours already.
pub fn node_router(door: Door) -> Router {
    let intake = Intake::of_nodes();
    let mut router = Router::new();
    for route in node_routes() {
        let max = if [OBSERVED, USAGE].contains(&route.path) { MAX_BODY } else { NODE_BODY };
        let mut handler =
            route.handler.route_layer(from_fn_with_state(intake.at_most(max), take_in));
        if let Some(strict) = route.strict {
            let state = (door.clone(), strict);
            handler = handler.route_layer(from_fn_with_state(state, limits::strict));
        } else {
            handler = handler.route_layer(from_fn_with_state(door.clone(), guard::node));
        }
        router = router.route(route.path, handler);
    }
    router
        .fallback(|| async { Fault::no_such_page() })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(door.clone(), limits::any))
        .layer(from_fn(present::catch_panic))
        .layer(from_fn_with_state(door.clone(), present::node))
        .layer(from_fn(present::catch_panic))
        .layer(from_fn_with_state(door.clone(), visit::visit))
        .with_state(door)
}

/// Customers and operators have cookies of their own. It ends with the browser; how long a
/// session lasts, its row says. `__Host-`: this host only, by TLS only (RFC 6265bis 4.1.3.2).
fn cookie(door: &Door, kind: Kind) -> SessionManagerLayer<Sessions> {
    let name = match kind {
        Kind::Account => "myrelay_account",
        Kind::Operator => "myrelay_operator",
    };
    let secure = door.origin.secure;
    let name = if secure { format!("__Host-{name}") } else { name.to_owned() };
    SessionManagerLayer::new(Sessions::new(door.context.clone()))
        .with_name(name)
        .with_secure(secure)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnSessionEnd)
}
