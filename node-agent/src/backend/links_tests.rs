//! One interface is found by itself, and says whether it can have IPv6.

use rtnetlink::{LinkVeth, packet_route::link::Inet6DevConf};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::*;

/// In a network namespace that only its own thread ever sees.
#[test]
fn one_interface_is_found_without_reading_the_others() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root to make a network namespace");
        return;
    }
    let found = std::thread::spawn(|| {
        #[expect(unsafe_code, reason = "there is no safe way into a new namespace")]
        // SAFETY: the thread shares no files or memory mappings by this flag.
        unsafe {
            unshare_unsafe(UnshareFlags::NEWNET).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(find_one_of_two());
    });
    found.join().unwrap();
}

async fn find_one_of_two() {
    let links = Links::connect().unwrap();
    let name = |text| InterfaceName::parse(text).unwrap();
    assert!(links.find(&name("wg-one")).await.unwrap().is_none());
    let pair = LinkVeth::new("wg-one", "wg-two").build();
    links.handle.link().add(pair).execute().await.unwrap();
    for (text, net) in [("wg-one", "192.0.2.1/26"), ("wg-two", "198.51.100.1/26")] {
        let link = links.find(&name(text)).await.unwrap().unwrap();
        assert!(link.addresses.is_empty(), "{link:?}");
        links.set_addresses(&link, &[net.parse().unwrap()].into()).await.unwrap();
    }
    let one = links.find(&name("wg-one")).await.unwrap().unwrap();
    assert_eq!(one.addresses, ["192.0.2.1/26".parse().unwrap()].into());
    // The kernel itself leaves the other one out.
    let get = get_addresses_of(one.index);
    let answers = links.dump_on(&links.strict, get, "list").await.unwrap();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // What is not wanted goes from this one, and stays at the other.
    links.set_addresses(&one, &["192.0.2.65/26".parse().unwrap()].into()).await.unwrap();
    let one = links.find(&name("wg-one")).await.unwrap().unwrap();
    assert_eq!(one.addresses, ["192.0.2.65/26".parse().unwrap()].into());
    let two = links.find(&name("wg-two")).await.unwrap().unwrap();
    assert_eq!(two.addresses, ["198.51.100.1/26".parse().unwrap()].into());
    // One that went while it was looked at has no addresses, and that is no failure.
    links.delete(one.index).await.unwrap();
    assert!(links.addresses_of(one.index, "list").await.unwrap().is_empty());
    assert!(links.find(&name("wg-one")).await.unwrap().is_none());
}

#[test]
fn an_interface_has_ipv6_where_the_kernel_has_it_and_nobody_switched_it_off() {
    let has_ipv6 = |families: Option<Vec<AfSpecUnspec>>| {
        let mut message = LinkMessage::default();
        message.attributes.extend(families.map(LinkAttribute::AfSpecUnspec));
        describe(&message).ipv6
    };
    let ipv6 = |disable_ipv6| {
        let mut conf = Inet6DevConf::default();
        conf.disable_ipv6 = disable_ipv6;
        AfSpecUnspec::Inet6(vec![AfSpecInet6::DevConf(conf)])
    };
    let ipv4 = || AfSpecUnspec::Inet(Vec::new());
    assert!(has_ipv6(Some(vec![ipv4(), ipv6(0)])));
    assert!(!has_ipv6(Some(vec![ipv4(), ipv6(1)])));
    assert!(!has_ipv6(Some(vec![ipv4()])));
    assert!(!has_ipv6(None));
}
