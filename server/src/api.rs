//! The contract's implementation: for one request, the operations in the caller's name.

mod billing;
mod channels;
mod plans;
mod plugin_forms;
mod plugin_gallery;
mod plugins;
mod tokens;
mod usage;

use async_trait::async_trait;
use myrelay_app::contract::{
    AcceptInvite, AccountContract, AccountRow, AccountView, AddNode, AddPeer, AddedPeer,
    ClientConfig, ConnectionView, CreatePod, HomeView, JoinView, MovePod, MoveView, NodeContract,
    NodePodRow, NodeRow, NodeView, OperatorContract, OperatorView, Overview, Page, PeerContract,
    PodContract, PodView, PortalError, RetireNode, SetRoutes, SignIn, SignUp, SignedInAccount,
    SignedInOperator,
};
use myrelay_domain::ids::PodId;

use crate::{
    Result, accounts,
    context::{Caller, Context},
    nodes, operators, peers, pods,
};

/// Answers one request.
pub struct Api {
    context: Context,
    caller: Caller,
    request_id: String,
}

impl Api {
    /// Answers a request of this caller.
    pub fn new(context: Context, caller: Caller, request_id: String) -> Self {
        Self { context, caller, request_id }
    }

    fn answer<T>(&self, result: Result<T>) -> Result<T, PortalError> {
        result.map_err(|error| error.into_portal_error(&self.request_id))
    }
}

#[async_trait]
impl AccountContract for Api {
    async fn sign_up(&self, input: SignUp) -> Result<SignedInAccount, PortalError> {
        let account = self.answer(accounts::sign_up(&self.context, input).await)?;
        Ok(SignedInAccount { account })
    }

    async fn sign_in(&self, input: SignIn) -> Result<SignedInAccount, PortalError> {
        let account = self.answer(accounts::sign_in(&self.context, input).await)?;
        Ok(SignedInAccount { account })
    }

    async fn account(&self) -> Result<AccountView, PortalError> {
        self.answer(accounts::view(&self.context, self.caller).await)
    }

    async fn list_accounts(
        &self,
        search: &str,
        after: Option<&str>,
    ) -> Result<Page<AccountRow>, PortalError> {
        self.answer(accounts::list(&self.context, self.caller, search, after).await)
    }

    async fn get_account(&self, account: &str) -> Result<AccountRow, PortalError> {
        self.answer(accounts::get(&self.context, self.caller, account).await)
    }

    async fn suspend_account(&self, account: &str) -> Result<(), PortalError> {
        self.answer(pods::suspend_account(&self.context, self.caller, account).await)
    }

    async fn resume_account(&self, account: &str) -> Result<(), PortalError> {
        self.answer(pods::resume_account(&self.context, self.caller, account).await)
    }
}

#[async_trait]
impl OperatorContract for Api {
    async fn check_invite(&self, token: &str) -> Result<(), PortalError> {
        self.answer(operators::check_invite(&self.context, token).await)
    }

    async fn accept_invite(&self, input: AcceptInvite) -> Result<SignedInOperator, PortalError> {
        let operator = self.answer(operators::accept_invite(&self.context, input).await)?;
        Ok(SignedInOperator { operator })
    }

    async fn sign_in_operator(&self, input: SignIn) -> Result<SignedInOperator, PortalError> {
        let operator = self.answer(operators::sign_in(&self.context, input).await)?;
        Ok(SignedInOperator { operator })
    }

    async fn operator(&self) -> Result<OperatorView, PortalError> {
        self.answer(operators::view(&self.context, self.caller).await)
    }

    async fn overview(&self) -> Result<Overview, PortalError> {
        self.answer(nodes::overview(&self.context, self.caller).await)
    }
}

#[async_trait]
impl NodeContract for Api {
    async fn list_nodes(&self) -> Result<Vec<NodeRow>, PortalError> {
        self.answer(nodes::list(&self.context, self.caller).await)
    }

    async fn get_node(&self, node: &str) -> Result<NodeView, PortalError> {
        self.answer(pods::get_node(&self.context, self.caller, node).await)
    }

    async fn add_node(&self, input: AddNode) -> Result<JoinView, PortalError> {
        self.answer(nodes::add_node(&self.context, self.caller, input).await)
    }

    async fn renew_join(&self, node: &str) -> Result<JoinView, PortalError> {
        self.answer(nodes::renew_join(&self.context, self.caller, node).await)
    }

    async fn retire_node(&self, node: &str, input: RetireNode) -> Result<(), PortalError> {
        self.answer(pods::retire_node(&self.context, self.caller, node, input).await)
    }

    async fn start_draining(&self, node: &str) -> Result<(), PortalError> {
        self.answer(nodes::start_draining(&self.context, self.caller, node).await)
    }

    async fn stop_draining(&self, node: &str) -> Result<(), PortalError> {
        self.answer(nodes::stop_draining(&self.context, self.caller, node).await)
    }

    async fn set_resolver(&self, node: &str, upstreams: &str) -> Result<(), PortalError> {
        self.answer(nodes::set_resolver(&self.context, self.caller, node, upstreams).await)
    }

    async fn get_any_pod(&self, pod: &str) -> Result<NodePodRow, PortalError> {
        self.answer(pods::get_any_row(&self.context, self.caller, pod).await)
    }

    async fn move_view(&self, pod: &str) -> Result<MoveView, PortalError> {
        self.answer(pods::move_view(&self.context, self.caller, pod).await)
    }

    async fn move_pod(&self, pod: &str, input: MovePod) -> Result<(), PortalError> {
        self.answer(pods::move_pod(&self.context, self.caller, pod, input).await)
    }

    async fn delete_any_pod(&self, pod: &str) -> Result<(), PortalError> {
        self.answer(pods::delete_any_pod(&self.context, self.caller, pod).await)
    }

    async fn list_pods(&self, after: Option<&str>) -> Result<Page<NodePodRow>, PortalError> {
        self.answer(pods::list(&self.context, self.caller, after).await)
    }
}

#[async_trait]
impl PodContract for Api {
    async fn home(&self) -> Result<HomeView, PortalError> {
        self.answer(pods::home(&self.context, self.caller).await)
    }

    async fn create_pod(&self, input: CreatePod) -> Result<PodId, PortalError> {
        self.answer(pods::create_pod(&self.context, self.caller, input).await)
    }

    async fn get_pod(&self, pod: &str) -> Result<PodView, PortalError> {
        self.answer(peers::pod_view(&self.context, self.caller, pod).await)
    }

    async fn delete_pod(&self, pod: &str) -> Result<(), PortalError> {
        self.answer(pods::delete_pod(&self.context, self.caller, pod).await)
    }

    async fn set_paused(&self, pod: &str, paused: bool) -> Result<(), PortalError> {
        self.answer(pods::set_paused(&self.context, self.caller, pod, paused).await)
    }

    async fn set_devices_meet(&self, pod: &str, meet: bool) -> Result<(), PortalError> {
        self.answer(pods::set_devices_meet(&self.context, self.caller, pod, meet).await)
    }
}

#[async_trait]
impl PeerContract for Api {
    async fn add_peer(&self, input: AddPeer) -> Result<AddedPeer, PortalError> {
        let added = self.answer(peers::add_peer(&self.context, self.caller, input).await)?;
        // Whether it was applied in time is part of what is read next.
        self.answer(peers::wait_added(&self.context, &added, peers::ADD_PATIENCE).await)?;
        self.get_peer(&added.peer.to_string()).await
    }

    async fn get_peer(&self, peer: &str) -> Result<AddedPeer, PortalError> {
        self.answer(peers::get_peer(&self.context, self.caller, peer).await)
    }

    async fn client_config(&self, peer: &str) -> Result<ClientConfig, PortalError> {
        self.answer(peers::client_config(&self.context, self.caller, peer).await)
    }

    async fn set_routes(&self, input: SetRoutes) -> Result<(), PortalError> {
        self.answer(peers::set_routes(&self.context, self.caller, input).await)
    }

    async fn remove_peer(&self, peer: &str) -> Result<(), PortalError> {
        self.answer(peers::remove_peer(&self.context, self.caller, peer).await)
    }

    async fn check_connection(&self, peer: &str) -> Result<ConnectionView, PortalError> {
        self.answer(peers::check_connection(&self.context, self.caller, peer).await)
    }
}
