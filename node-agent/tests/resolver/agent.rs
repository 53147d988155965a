//! The agent runs the resolver that the portal wants.

use std::{net::SocketAddr, sync::Arc};

use hickory_proto::rr::RecordType;
use myrelay_agent::{agent::Agent, resolver::Options};
use myrelay_domain::addresses::PodRange;
use myrelay_node_protocol::{DesiredState, ResolverSettings};
use tokio::{net::UdpSocket, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    device::{Device, options, query, settings},
    support::{authority::Authority, eventually, machine::Machine, pods, portal::Portal},
    upstream::{Upstream, right},
};

/// A state with a pod on loopback, and with this resolver.
fn wanting(generation: u64, resolver: Option<ResolverSettings>) -> DesiredState {
    let mut state = pods::state(generation, &[(1, 0)]);
    let v6 = "fd00::/64".parse().unwrap();
    let range = PodRange { v4: "127.0.1.0/24".parse().unwrap(), v6 };
    for pod in state.pods.values_mut() {
        pod.range = range;
    }
    state.resolver = resolver;
    state
}

fn start(machine: &Machine, options: Options) -> (CancellationToken, JoinSet<()>) {
    let backend = Arc::new(machine.backend.clone());
    let agent = Agent::open(&machine.state_dir(), machine.pace, backend, machine.clock.clone());
    let agent = agent.unwrap().with_resolver(options);
    let (stop, mut running) = (CancellationToken::new(), JoinSet::new());
    let stopped = stop.clone();
    running.spawn(async move { agent.run(stopped).await.unwrap() });
    (stop, running)
}

#[tokio::test]
async fn a_node_has_the_resolver_that_the_portal_wants() {
    let (authority, portal) = (Authority::new(), Portal::start().await);
    let first = Upstream::by_tls(&authority, &right()).await;
    let second = Upstream::by_tls(&authority, &right()).await;
    portal.set(wanting(1, Some(settings(&[&first], &[]))));
    let mut machine = Machine::joined(&portal).await;
    machine.pace.drift = std::time::Duration::from_millis(20);
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut options = options(&authority, None);
    options.listen = Some(taken.local_addr().unwrap());
    let (stop, mut running) = start(&machine, options);
    let faults = || machine.status().map(|it| it.faults.concat()).unwrap_or_default();
    eventually("the fault is said", || faults().contains("cannot use UDP port")).await;
    assert_eq!(machine.backend.resolver(), None, "nothing is redirected to nowhere");

    let address: SocketAddr = taken.local_addr().unwrap();
    drop(taken);
    eventually("it is redirected", || machine.backend.resolver() == Some(address.port())).await;
    eventually("it is over", || !faults().contains("UDP port")).await;
    let phone = UdpSocket::bind("127.0.1.2:0").await.unwrap();
    phone.connect(address).await.unwrap();
    let phone = Device { socket: phone };
    phone.ask("one.example.org.").await;
    assert_eq!(first.heard().names, ["one.example.org."]);

    portal.want(wanting(2, Some(settings(&[&second], &[]))));
    eventually("it asks the other", || {
        phone.try_ask("two.example.org.");
        !second.heard().names.is_empty()
    })
    .await;
    portal.want(wanting(3, None));
    eventually("nothing is redirected", || machine.backend.resolver().is_none()).await;
    eventually("the port is free", || std::net::UdpSocket::bind(address).is_ok()).await;
    stop.cancel();
    running.join_next().await.unwrap().unwrap();
}

impl Device {
    /// Asks without waiting for an answer.
    fn try_ask(&self, name: &str) {
        let text = query(1, name, RecordType::A).to_vec().unwrap();
        drop(self.socket.try_send(&text));
    }
}
