//! Kernel level: real kernel WireGuard, in a machine of its own under QEMU.

mod initramfs;
mod kernel;
mod machine;
mod power;
mod programs;
mod unit;

use std::time::Duration;

use crate::machine::Machine;

/// Two namespaces joined by a cable, a tunnel through it, and a ping each way.
const TWO_ENDS: &str = r#"
ip netns add left
ip netns add right
ip link add cable-left netns left type veth peer name cable-right netns right
ip -n left address add 192.0.2.1/24 dev cable-left
ip -n right address add 192.0.2.2/24 dev cable-right
ip -n left link set cable-left up
ip -n right link set cable-right up

umask 077
wg genkey > left.key
wg genkey > right.key
wg pubkey < left.key > left.pub
wg pubkey < right.key > right.pub
ip -n left link add wg0 type wireguard
ip -n right link add wg0 type wireguard
ip netns exec left wg set wg0 listen-port 51820 private-key left.key \
  peer "$(cat right.pub)" allowed-ips 10.0.0.2/32,fd00::2/128 endpoint 192.0.2.2:51820
ip netns exec right wg set wg0 listen-port 51820 private-key right.key \
  peer "$(cat left.pub)" allowed-ips 10.0.0.1/32,fd00::1/128
ip -n left address add 10.0.0.1/24 dev wg0
ip -n left address add fd00::1/64 dev wg0 nodad
ip -n right address add 10.0.0.2/24 dev wg0
ip -n right address add fd00::2/64 dev wg0 nodad
ip -n left link set wg0 up
ip -n right link set wg0 up

ip netns exec left ping -c 3 -W 5 10.0.0.2
ip netns exec left ping6 -c 3 -W 5 fd00::2
ip netns exec right ping -c 3 -W 5 10.0.0.1
ip netns exec right wg show wg0 latest-handshakes
"#;

#[test]
fn a_ping_passes_between_two_namespaces_through_the_kernels_wireguard() {
    let machine = Machine::new().expect("a machine");
    let said = machine.run(TWO_ENDS, Duration::from_secs(300)).expect("the machine ran");
    assert_eq!(said.code, 0, "{}", said.text);
    assert_eq!(said.text.matches("3 packets received").count(), 3, "{}", said.text);
}

#[test]
fn a_machine_tells_how_its_commands_ended() {
    let machine = Machine::new().expect("a machine");
    let said = machine.run("echo hello\nexit 7", Duration::from_secs(300)).expect("it ran");
    assert_eq!(said.code, 7, "{}", said.text);
    assert!(said.text.contains("hello"), "{}", said.text);
}

#[test]
fn the_agents_kernel_backend_makes_changes_and_removes_pods_and_peers() {
    let tests = programs::agent_tests("backend", "MYRELAY_TEST_BACKEND");
    let tests = tests.expect("the agent's tests of its backends");
    let machine = Machine::new().expect("a machine").with_program(&tests, "backend-tests");
    let script = "MYRELAY_BACKEND=kernel RUST_BACKTRACE=1 /programs/backend-tests --test-threads 1";
    let said = machine.run(script, Duration::from_secs(1800)).expect("the machine ran");
    assert_eq!(said.code, 0, "{}", said.text);
    assert!(said.text.contains("test result: ok."), "{}", said.text);
}

#[test]
fn a_kernel_without_ipv6_serves_ipv4() {
    let tests = programs::agent_tests("backend", "MYRELAY_TEST_BACKEND");
    let tests = tests.expect("the agent's tests of its backends");
    let machine = Machine::new().expect("a machine").with_program(&tests, "backend-tests");
    let machine = machine.with_argument("ipv6.disable=1");
    let script = "test ! -e /proc/sys/net/ipv6 && \
                  MYRELAY_BACKEND=kernel RUST_BACKTRACE=1 /programs/backend-tests \
                  a_host_without_ipv6_serves_ipv4_and_says_so";
    let said = machine.run(script, Duration::from_secs(300)).expect("the machine ran");
    assert!(said.text.contains("test result: ok. 1 passed"), "{}", said.text);
}
