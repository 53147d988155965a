//! A node whose power goes, on a disk that keeps a record of every write.

use std::path::Path;
use std::time::Duration;

use crate::machine::Machine;
use crate::programs;

/// Three disks of memory: one that a node writes to, one with the record of it, and one where the
/// first is laid down as a cut at some moment leaves it. Pulling QEMU's own plug would be kinder:
/// what the machine wrote is then with the host already, asked to be kept or not.
const SCRIPT: &str = "
modprobe brd rd_nr=3 rd_size=262144
modprobe dm-log-writes
export PATH=$PATH:/programs DM_DISABLE_UDEV=1 RUST_BACKTRACE=1
export MYRELAY_BACKEND=kernel MYRELAY_DISKS='/dev/ram0 /dev/ram1 /dev/ram2'
/programs/backend-tests --nocapture power::
";

#[test]
fn p07_a_node_whose_power_goes_comes_back_as_it_was() {
    let tests = programs::agent_tests("backend", "MYRELAY_TEST_BACKEND");
    let tests = tests.expect("the agent's tests of its backends");
    let machine = Machine::new()
        .expect("a machine")
        .with_program(&tests, "backend-tests")
        .with_program(Path::new("/sbin/mkfs.ext4"), "mkfs.ext4")
        .with_program(Path::new("/sbin/dmsetup"), "dmsetup");
    let said = machine.run(SCRIPT, Duration::from_secs(600)).expect("the machine ran");
    assert!(said.text.contains("test result: ok. 1 passed"), "{}", said.text);
    assert!(!said.text.contains("skipped:"), "{}", said.text);
}
