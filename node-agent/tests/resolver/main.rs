//! Devices ask the resolver of their node by real packets, and it asks upstreams by real TLS.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod agent;
mod device;
mod privacy;
#[path = "../support/mod.rs"]
mod support;
mod upstream;

use std::{collections::BTreeSet, net::IpAddr};

use device::{Device, options, query, settings, start};
use hickory_proto::{
    op::{Message, ResponseCode},
    rr::{RData, RecordType, rdata::A},
};
use myrelay_agent::resolver::{Resolver, ResolverError, Totals};
use support::{
    authority::{Authority, Presented},
    eventually,
};
use tokio::net::UdpSocket;
use upstream::{ADDRESS, Manner, NAME, Upstream, right};

/// A resolver with one upstream, both well.
async fn world() -> (Authority, Upstream, Resolver) {
    let authority = Authority::new();
    let upstream = Upstream::by_tls(&authority, &right()).await;
    let resolver = start(settings(&[&upstream], &[]), options(&authority, None)).unwrap();
    (authority, upstream, resolver)
}

fn addresses(answer: &Message) -> Vec<IpAddr> {
    assert_eq!(answer.response_code, ResponseCode::NoError);
    let address = |data: &RData| match data {
        RData::A(A(address)) => Some(IpAddr::from(*address)),
        _ => None,
    };
    answer.answers.iter().filter_map(|it| address(&it.data)).collect()
}

#[tokio::test]
async fn a_device_is_answered_by_tls_and_the_second_time_from_memory() {
    let (_authority, upstream, resolver) = world().await;
    let phone = Device::of_pod(1, &resolver).await;
    assert_eq!(addresses(&phone.ask("wWw.ExAmPle.org.").await), [IpAddr::from(ADDRESS)]);
    assert_eq!(addresses(&phone.ask("www.example.ORG.").await), [IpAddr::from(ADDRESS)]);
    assert_eq!(upstream.heard().names, ["www.example.org."], "the second was remembered");
    assert_eq!(upstream.heard().packets[0].len() % 128, 0, "its length tells nothing");
    phone.ask("other.example.org.").await;
    assert_eq!(upstream.heard().connections, 1, "one connection carries them all");

    let neighbour = Device::of_pod(2, &resolver).await;
    neighbour.ask("www.example.org.").await;
    assert_eq!(upstream.heard().names.len(), 3, "no pod learns what another asked");
    let totals = resolver.totals();
    assert_eq!((totals.forwarded, totals.remembered, totals.failed), (3, 1, 0));
    assert_eq!(resolver.trouble(), [""; 0]);
}

#[tokio::test]
async fn the_answer_comes_from_the_address_that_was_asked() {
    let (_authority, _upstream, resolver) = world().await;
    for (own, gateway) in [("127.0.1.2", "127.0.1.1"), ("127.0.2.9", "127.0.99.1"), ("::1", "::1")]
    {
        let device = Device::at(own.parse().unwrap(), gateway.parse().unwrap(), &resolver).await;
        // The socket is connected: it hears nobody but the gateway.
        assert_eq!(addresses(&device.ask("www.example.org.").await), [IpAddr::from(ADDRESS)]);
    }
}

#[tokio::test]
async fn a_host_without_ipv6_is_served_by_ipv4() {
    let authority = Authority::new();
    let upstream = Upstream::by_tls(&authority, &right()).await;
    let mut options = options(&authority, None);
    options.listen = Some("0.0.0.0:0".parse().unwrap());
    let resolver = start(settings(&[&upstream], &[]), options).unwrap();
    let device = Device::of_pod(3, &resolver).await;
    assert_eq!(addresses(&device.ask("www.example.org.").await), [IpAddr::from(ADDRESS)]);
}

#[tokio::test]
async fn only_the_pods_of_the_node_are_answered() {
    let (_authority, upstream, resolver) = world().await;
    let stranger =
        Device::at("127.0.200.2".parse().unwrap(), "127.0.1.1".parse().unwrap(), &resolver).await;
    let phone = Device::of_pod(3, &resolver).await;
    stranger.send(&query(1, "stranger.example.", RecordType::A)).await;
    phone.ask("www.example.org.").await;
    assert_eq!(upstream.heard().names, ["www.example.org."]);
    assert!(stranger.heard_nothing());

    resolver.serve(device::pods(2));
    phone.send(&query(1, "deleted.example.", RecordType::A)).await;
    Device::of_pod(1, &resolver).await.ask("www.example.org.").await;
    assert!(phone.heard_nothing(), "its pod was deleted");
    assert_eq!(resolver.totals().dropped, 2);
}

#[tokio::test]
async fn a_wrong_certificate_is_never_believed_and_nothing_is_asked_in_the_clear() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let mut wrong = vec![(Upstream::by_tls(&stranger, &right()).await, "invalid peer certificate")];
    let elsewhere = Presented::wrong().into_iter().next().unwrap();
    wrong.push((Upstream::by_tls(&authority, &elsewhere).await, NAME));
    let expired = Presented { years: (2020, 2021), ..right() };
    wrong.push((Upstream::by_tls(&authority, &expired).await, "expired"));
    for (upstream, words) in wrong {
        let clear = UdpSocket::bind(upstream.address).await.unwrap();
        let resolver = start(settings(&[&upstream], &[]), options(&authority, None)).unwrap();
        let phone = Device::of_pod(1, &resolver).await;
        let answer = phone.ask("www.example.org.").await;
        assert_eq!(answer.response_code, ResponseCode::ServFail, "{words}");
        assert_eq!(upstream.heard().names, [""; 0], "{words}");
        assert!(clear.try_recv(&mut [0; 512]).is_err(), "{words}");
        let trouble = resolver.trouble().concat();
        assert!(trouble.contains(words) && !trouble.contains("www.example"), "{trouble}");
    }
}

#[tokio::test]
async fn another_upstream_answers_when_one_is_down() {
    let authority = Authority::new();
    let gone = Upstream::by_tls(&authority, &right()).await;
    let silent = Upstream::by_tls(&authority, &right()).await;
    silent.be(Manner::Silent);
    let well = Upstream::by_tls(&authority, &right()).await;
    let all = settings(&[&gone, &silent, &well], &[]);
    drop(gone);
    let resolver = start(all, options(&authority, None)).unwrap();
    let phone = Device::of_pod(1, &resolver).await;
    assert_eq!(addresses(&phone.ask("one.example.org.").await), [IpAddr::from(ADDRESS)]);
    assert_eq!(silent.heard().names, ["one.example.org."]);
    phone.ask("two.example.org.").await;
    assert_eq!(silent.heard().names.len(), 1, "who failed is asked last");
    assert_eq!(resolver.trouble(), [""; 0], "one of them is well");

    well.be(Manner::Fail);
    silent.be(Manner::Answer);
    assert_eq!(addresses(&phone.ask("three.example.org.").await), [IpAddr::from(ADDRESS)]);
}

#[tokio::test]
async fn when_nobody_answers_a_device_is_told_and_the_operator_too() {
    let (_authority, upstream, resolver) = world().await;
    let phone = Device::of_pod(1, &resolver).await;
    upstream.be(Manner::Silent);
    assert_eq!(phone.ask("one.example.org.").await.response_code, ResponseCode::ServFail);
    let trouble = resolver.trouble().concat();
    assert!(trouble.contains(&upstream.named().to_string()), "{trouble}");
    upstream.be(Manner::Answer);
    assert_eq!(addresses(&phone.ask("one.example.org.").await), [IpAddr::from(ADDRESS)]);
    assert_eq!(resolver.trouble(), [""; 0], "it is over");
    drop(upstream);
    assert_eq!(phone.ask("two.example.org.").await.response_code, ResponseCode::ServFail);
    assert_eq!(resolver.totals().failed, 2);
}

#[tokio::test]
async fn a_connection_that_was_closed_is_made_anew() {
    let (_authority, upstream, resolver) = world().await;
    let phone = Device::of_pod(1, &resolver).await;
    upstream.be(Manner::Close);
    for name in ["one.example.org.", "two.example.org.", "three.example.org."] {
        assert_eq!(addresses(&phone.ask(name).await), [IpAddr::from(ADDRESS)]);
    }
    upstream.be(Manner::Lie);
    let answer = phone.ask("four.example.org.").await;
    assert_eq!(answer.response_code, ResponseCode::ServFail, "that was about another name");
}

#[tokio::test]
async fn an_operator_may_name_a_resolver_without_encryption() {
    let authority = Authority::new();
    let upstream = Upstream::plain().await;
    let resolver = start(settings(&[&upstream], &[]), options(&authority, None)).unwrap();
    let phone = Device::of_pod(1, &resolver).await;
    assert_eq!(addresses(&phone.ask("www.example.org.").await), [IpAddr::from(ADDRESS)]);
    assert_eq!(upstream.heard().connections, 0, "by UDP");
    upstream.be(Manner::Cut);
    assert_eq!(addresses(&phone.ask("two.example.org.").await), [IpAddr::from(ADDRESS)]);
    assert_eq!(upstream.heard().connections, 1, "by TCP, since it did not fit");
    upstream.be(Manner::Lie);
    assert_eq!(phone.ask("three.example.org.").await.response_code, ResponseCode::ServFail);
    drop(upstream);
    assert_eq!(phone.ask("four.example.org.").await.response_code, ResponseCode::ServFail);
}

#[tokio::test]
async fn what_does_not_fit_is_said_to_be_cut() {
    let (_authority, _upstream, resolver) = world().await;
    let phone = Device::of_pod(1, &resolver).await;
    phone.send(&query(5, "text.example.org.", RecordType::TXT)).await;
    let answer = phone.hear().await;
    assert!(answer.truncation && answer.answers.is_empty());
    let mut roomy = query(6, "text.example.org.", RecordType::TXT);
    let mut edns = hickory_proto::op::Edns::new();
    edns.set_max_payload(4096);
    roomy.set_edns(edns);
    phone.send(&roomy).await;
    let answer = phone.hear().await;
    assert!(!answer.truncation && answer.answers.len() == 1);
}

#[tokio::test]
async fn blocked_names_do_not_exist_and_the_list_is_read_again() {
    let authority = Authority::new();
    let upstream = Upstream::by_tls(&authority, &right()).await;
    let home = tempfile::tempdir().unwrap();
    let list = home.path().join("list");
    let options = options(&authority, Some(list.clone()));
    let resolver = start(settings(&[&upstream], &["ads.example.org"]), options).unwrap();
    let phone = Device::of_pod(1, &resolver).await;
    let blocked = async |name: &str| {
        let answer = phone.ask(name).await;
        assert!(answer.answers.is_empty() || answer.response_code == ResponseCode::NoError);
        answer.response_code == ResponseCode::NXDomain
    };
    assert!(blocked("ads.example.org.").await && blocked("a.b.Ads.example.org.").await);
    assert!(blocked("use-application-dns.net.").await, "a browser leaves names to us");
    assert!(!blocked("example.org.").await);
    let missing = || resolver.trouble().concat().contains("block list");
    eventually("the list is missed", missing).await;

    std::fs::write(&list, "0.0.0.0 track.example.net\n").unwrap();
    eventually("the list is read", || !missing()).await;
    assert!(blocked("x.track.example.net.").await);
    resolver.change(&settings(&[&upstream], &[])).unwrap();
    assert!(!blocked("ads.example.org.").await && blocked("track.example.net.").await);

    std::fs::write(&list, "# nothing is left\n").unwrap();
    eventually("an empty list is a mistake", missing).await;
    assert!(blocked("track.example.net.").await, "the one before holds on");
    std::fs::write(&list, "other.example.net").unwrap();
    eventually("the list is read", || !missing()).await;
    assert!(!blocked("track.example.net.").await && blocked("other.example.net.").await);
    assert!(!upstream.heard().names.iter().any(|it| it.starts_with("a.b.")));
}

#[tokio::test]
async fn some_questions_never_leave_the_node() {
    let (_authority, upstream, resolver) = world().await;
    let phone = Device::of_pod(1, &resolver).await;
    for name in ["printer.local.", "9.0.0.10.in-addr.arpa.", "localhost."] {
        assert_eq!(phone.ask(name).await.response_code, ResponseCode::NXDomain, "{name}");
    }
    let designated = phone.ask("_dns.resolver.arpa.").await;
    assert_eq!((designated.response_code, designated.answers.len()), (ResponseCode::NoError, 0));
    phone.send(&query(4, "example.org.", RecordType::ANY)).await;
    assert_eq!(phone.hear().await.response_code, ResponseCode::Refused);
    assert_eq!(upstream.heard().connections, 0);
    assert_eq!(phone.ask("use-application-dns.net.").await.answers.len(), 1, "no list, no canary");
}

#[tokio::test]
async fn new_settings_lose_no_question() {
    let (authority, first, resolver) = world().await;
    let phone = Device::of_pod(1, &resolver).await;
    phone.ask("remembered.example.org.").await;
    first.be(Manner::Silent);
    phone.send(&query(8, "asked.example.org.", RecordType::A)).await;
    eventually("the first is asked", || first.heard().names.len() == 2).await;

    let second = Upstream::by_tls(&authority, &right()).await;
    resolver.change(&settings(&[&second], &[])).unwrap();
    let laptop = Device::of_pod(2, &resolver).await;
    assert_eq!(addresses(&laptop.ask("new.example.org.").await), [IpAddr::from(ADDRESS)]);
    let answer = phone.hear().await;
    assert_eq!((answer.id, answer.response_code), (8, ResponseCode::ServFail), "told, not lost");
    phone.ask("remembered.example.org.").await;
    assert_eq!(second.heard().names.len(), 2, "what the first said is forgotten");
    assert!(first.heard().names.iter().all(|it| it != "new.example.org."));
}

#[tokio::test]
async fn p14_others_are_answered_while_many_pods_ask_for_all_they_can_get() {
    let (_authority, upstream, resolver) = world().await;
    let pods = 20;
    resolver.serve(device::pods(pods));
    upstream.be(Manner::Hesitate);
    for pod in 2..pods {
        let greedy = Device::of_pod(pod, &resolver).await;
        for id in 0..100 {
            greedy.send(&query(id, &format!("slow{id}.example.org."), RecordType::A)).await;
            tokio::task::yield_now().await;
        }
    }
    // So many share the places there are; some questions may be lost on the way.
    eventually("they wait", || 400 < upstream.heard().names.len()).await;
    let phone = Device::of_pod(1, &resolver).await;
    for name in ["one.example.org.", "two.example.org.", "three.example.org."] {
        assert_eq!(addresses(&phone.ask(name).await), [IpAddr::from(ADDRESS)]);
    }
    // Those that wait are asked once more where a connection was given up meanwhile.
    let asked: BTreeSet<String> = upstream.heard().names.iter().cloned().collect();
    assert!(asked.len() <= 512 + 20 * 4, "what waits is bounded: {}", asked.len());
}

#[tokio::test]
async fn noise_changes_nothing() {
    let (_authority, upstream, resolver) = world().await;
    let noisy = Device::of_pod(2, &resolver).await;
    let mut noise = 12_345_u32;
    let mut byte = || {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.to_be_bytes()[0]
    };
    for length in 0..400 {
        let packet: Vec<u8> = (0..length).map(|_| byte()).collect();
        noisy.socket.send(&packet).await.unwrap();
    }
    noisy.socket.send(&[0; 3000]).await.unwrap();
    let phone = Device::of_pod(1, &resolver).await;
    assert_eq!(addresses(&phone.ask("www.example.org.").await), [IpAddr::from(ADDRESS)]);
    assert_eq!(upstream.heard().names, ["www.example.org."]);
    let totals = resolver.totals();
    assert!(0 < totals.dropped);
    assert_eq!(
        Totals { dropped: 0, refused: 0, ..totals },
        Totals { forwarded: 1, ..Totals::default() }
    );
}

#[tokio::test]
async fn a_port_in_use_is_said_in_words() {
    let (authority, upstream, resolver) = world().await;
    let mut options = options(&authority, None);
    options.listen = Some(resolver.address());
    let error = Resolver::start(settings(&[&upstream], &[]), options).unwrap_err();
    assert!(matches!(error, ResolverError::Bind { .. }));
    let words = error.to_string();
    assert!(words.contains(&resolver.address().port().to_string()), "{words}");
}
