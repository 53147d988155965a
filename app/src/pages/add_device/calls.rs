//! What the island asks of the portal.

use leptos::{prelude::*, server_fn::codec::Json};

use crate::contract::{AddPeer, AddedPeer, ClientConfig, ConnectionView, PortalError};
#[cfg(feature = "ssr")]
use crate::server_calls::{answer, portal};

/// Adds a device: a name and a public key.
#[server(name = AddDeviceCall, endpoint = "add_device", prefix = "/call", input = Json, output = Json)]
pub async fn add_device(input: AddPeer) -> Result<AddedPeer, PortalError> {
    answer(portal()?.add_peer(input).await)
}

/// What a device's configuration is made of, once the node has made the pod's key.
#[server(name = ClientConfigCall, endpoint = "client_config", prefix = "/call", input = Json, output = Json)]
pub async fn client_config(peer: String) -> Result<ClientConfig, PortalError> {
    answer(portal()?.client_config(&peer).await)
}

/// Whether a device is connected now.
#[server(name = CheckConnectionCall, endpoint = "check_connection", prefix = "/call", input = Json, output = Json)]
pub async fn check_connection(peer: String) -> Result<ConnectionView, PortalError> {
    answer(portal()?.check_connection(&peer).await)
}
