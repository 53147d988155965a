//! The agent under systemd, by the unit that operators install.

use std::path::Path;
use std::time::Duration;

use crate::machine::Machine;
use crate::programs;

const UNIT: &str = include_str!("../../node-agent/deploy/myrelay-agent.service");

/// What systemd runs instead of what a distribution has: the test, and then the end.
const TEST: &str = "[Unit]
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
Environment=PATH=/tools:/bin:/programs HOME=/root MYRELAY_UNIT=1 RUST_BACKTRACE=1
EnvironmentFile=/run/backend
StandardOutput=tty
StandardError=inherit
ExecStart=/programs/privileges-tests --nocapture an_agent_that_systemd_starts
";

/// systemd is the first process of a namespace of processes: the machine's own first process
/// runs this script.
const SYSTEMD: &str = "
mkdir -p /usr/local/bin /var/lib /run/systemd/system /lib/systemd/system
cp /programs/myrelay-agent /usr/local/bin/
echo 'root:x:0:0::/root:/bin/sh' > /etc/passwd
echo 'myrelay-agent:x:990:990::/:/bin/false' >> /etc/passwd
echo 'root:x:0:' > /etc/group
echo 'myrelay-agent:x:990:' >> /etc/group
echo 00000000000000000000000000000001 > /etc/machine-id
for name in sysinit basic shutdown network-online; do
  echo '[Unit]' > /lib/systemd/system/$name.target
done
mount -t cgroup2 none /sys/fs/cgroup
unshare -p -f -m --mount-proc env container=test /programs/systemd --system --unit=test.service \\
  --log-target=console --show-status=no
";

/// A file with these lines, made by a script.
fn file(path: &str, text: &str) -> String {
    format!("cat > {path} <<'@@'\n{text}\n@@\n")
}

/// What a distribution's udev does with the device (50-udev-default.rules).
const TUN: &str = "modprobe tun
chmod 0666 /dev/net/tun
rm -r /lib/modules/*/kernel/drivers/net/wireguard
echo MYRELAY_BACKEND=userspace > /run/backend
";

#[test]
fn p23_an_agent_that_systemd_starts_by_its_unit_serves_with_one_capability() {
    serves_by_its_unit("echo MYRELAY_BACKEND=kernel > /run/backend\n");
}

#[test]
fn p23_so_it_does_where_the_kernel_has_no_wireguard() {
    serves_by_its_unit(TUN);
}

/// Runs the agent's own test in a machine that was prepared so.
fn serves_by_its_unit(preparation: &str) {
    let tests = programs::agent_tests("privileges", "MYRELAY_TEST_PRIVILEGES");
    let tests = tests.expect("the agent's tests of its privileges");
    let agent = programs::agent(&tests).expect("the agent");
    let modprobe = std::fs::read_to_string("/lib/systemd/system/modprobe@.service");
    let modprobe = modprobe.expect("Debian's systemd");
    let machine = Machine::new()
        .expect("a machine")
        .with_program(&agent, "myrelay-agent")
        .with_program(&tests, "privileges-tests")
        .with_program(Path::new("/lib/systemd/systemd"), "systemd")
        .with_program(Path::new("/bin/systemctl"), "systemctl")
        .with_program(Path::new("/usr/bin/wireguard-go"), "wireguard-go");
    let folder = "/lib/systemd/system";
    let units = [("myrelay-agent", UNIT), ("test", TEST), ("modprobe@", &modprobe)];
    let units = units.map(|(name, text)| file(&format!("{folder}/{name}.service"), text));
    let script = format!("mkdir -p {folder}\n{preparation}{}{SYSTEMD}", units.concat());
    let said = machine.run(&script, Duration::from_secs(300)).expect("the machine ran");
    assert!(said.text.contains("test result: ok. 1 passed"), "{}", said.text);
    assert!(!said.text.contains("skipped:"), "{}", said.text);
}
