//! Stories about what devices send through their tunnels.

use ipnet::IpNet;
use myrelay_app::{
    client_config,
    contract::{PeerContract, PortalError, SetRoutes},
};
use myrelay_domain::{ids::PeerId, routes::Routes};

use crate::{
    context::Caller,
    outbox,
    testing::{Actor, stories},
};

fn choice(peer: PeerId, mode: &str, networks: &str) -> SetRoutes {
    let networks = networks.to_owned();
    SetRoutes { peer: peer.to_string(), mode: mode.to_owned(), networks }
}

/// The `AllowedIPs` of a device's configuration.
async fn allowed(customer: &Actor<'_>, peer: PeerId) -> Vec<IpNet> {
    let config = customer.api().client_config(&peer.to_string()).await.unwrap();
    let allowed = client_config::allowed(&config).unwrap();
    allowed.split(", ").map(|it| it.parse().unwrap()).collect()
}

fn covers(networks: &[IpNet], address: &str) -> bool {
    networks.iter().any(|it| it.contains(&address.parse::<std::net::IpAddr>().unwrap()))
}

stories! {
    async fn a_customer_leaves_local_networks_outside_and_takes_it_back(world) {
        let olga = world.operator("olga").await;
        let mut node = world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        node.report(&world).await;
        let added = ana.device(pod, 1).await;
        let peer = added.peer.id;
        assert_eq!(added.peer.routes, Routes::Everything);
        let before = ana.api().client_config(&peer.to_string()).await.unwrap();
        assert_eq!(client_config::allowed(&before).unwrap(), "0.0.0.0/0, ::/0");

        ana.api().set_routes(choice(peer, "except-local", "not looked at")).await.unwrap();
        let networks = allowed(&ana, peer).await;
        assert!(!covers(&networks, "192.168.1.1") && covers(&networks, "198.51.100.1"));
        assert!(!covers(&networks, "fd99::1") && covers(&networks, "2001:db8::1"));
        // The location's own addresses are private too, and stay inside.
        for own in before.addresses.all() {
            assert!(covers(&networks, &own.to_string()), "{own}");
        }
        let view = ana.api().get_peer(&peer.to_string()).await.unwrap().peer;
        assert_eq!(view.routes, Routes::except_local());

        ana.api().set_routes(choice(peer, "everything", "")).await.unwrap();
        assert_eq!(ana.api().client_config(&peer.to_string()).await.unwrap(), before);
        let told = outbox::names(&world.context).await;
        assert_eq!(told.iter().filter(|it| *it == "peer.routes_changed").count(), 2);
    }

    async fn a_choice_made_twice_is_told_once_and_is_each_devices_own(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let (one, two) = (ana.device(pod, 1).await.peer.id, ana.device(pod, 2).await.peer.id);
        let only = "2001:db8::/32,\r\n198.51.100.7";
        ana.api().set_routes(choice(one, "only", only)).await.unwrap();
        let same = "198.51.100.7/32 2001:DB8::/32";
        ana.api().set_routes(choice(one, "only", same)).await.unwrap();
        let told = outbox::names(&world.context).await;
        assert_eq!(told.iter().filter(|it| *it == "peer.routes_changed").count(), 1);
        let routes = ana.api().get_peer(&one.to_string()).await.unwrap().peer.routes;
        assert_eq!(routes.to_string(), "only 198.51.100.7/32 2001:db8::/32");
        let other = ana.api().get_peer(&two.to_string()).await.unwrap().peer.routes;
        assert_eq!(other, Routes::Everything);
    }

    async fn p33_networks_that_are_none_or_too_many_are_refused_by_field(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let ana = world.customer("ana").await;
        let pod = ana.pod("Frankfurt").await;
        let device = ana.device(pod, 1).await.peer;
        let own = format!("{}/32", device.addresses.v4);
        let many: Vec<String> = (0..101).map(|it| format!("203.0.113.{it}")).collect();
        for (mode, networks, expected) in [
            ("", "", "mode"),
            ("Everything", "", "mode"),
            ("except", "", "networks"),
            ("only", " \r\n", "networks"),
            ("except", "192.168.1.77/24", "networks"),
            ("except", "::ffff:10.0.0.0/104", "networks"),
            ("except", "0.0.0.0/0", "networks"),
            ("only", "::/0", "networks"),
            ("except", "0.0.0.0/1 128.0.0.0/1", "networks"),
            ("only", "fe80::1%eth0/64", "networks"),
            ("only", "10.0.0.0/8\nPostUp = id", "networks"),
            ("except", &many.join("\n"), "networks"),
            ("except", &own, "networks"),
        ] {
            let refused = ana.api().set_routes(choice(device.id, mode, networks)).await;
            let Err(PortalError::Invalid { field, message }) = refused else {
                panic!("{mode} {networks} gave {refused:?}")
            };
            assert_eq!(field, expected, "{mode} {networks}: {message}");
        }
        let after = ana.api().get_peer(&device.id.to_string()).await.unwrap().peer;
        assert_eq!(after.routes, Routes::Everything);
    }

    async fn another_accounts_device_has_no_routes_to_choose(world) {
        let olga = world.operator("olga").await;
        world.node(&olga, "Frankfurt").await;
        let (ana, bob) = (world.customer("ana").await, world.customer("bob").await);
        let pod = ana.pod("Frankfurt").await;
        let peer = ana.device(pod, 1).await.peer.id;
        let missing = PortalError::NotFound { what: "device".to_owned() };
        let input = choice(peer, "except-local", "");
        assert_eq!(bob.api().set_routes(input.clone()).await, Err(missing.clone()));
        assert_eq!(olga.api().set_routes(input.clone()).await, Err(PortalError::NotAllowed));
        let visitor = world.api(Caller::Visitor);
        assert_eq!(visitor.set_routes(input.clone()).await, Err(PortalError::SignedOut));
        for unknown in ["", "peer_1", "peer_00000000000000000000000000000001"] {
            let input = SetRoutes { peer: unknown.to_owned(), ..input.clone() };
            assert_eq!(ana.api().set_routes(input).await, Err(missing.clone()));
        }
        let view = ana.api().get_peer(&peer.to_string()).await.unwrap().peer;
        assert_eq!(view.routes, Routes::Everything);
    }
}
