#!/bin/sh
# Takes away all that install.sh added to a machine, and puts back what was there before: pods,
# keys, the agent, its user, and every file of the hardening. A second run finds nothing to do.

set -eu
umask 022
LC_ALL=C
export LC_ALL

records=/var/lib/myrelay-install
root=
keep_state=

usage() {
    cat <<'END'
Usage: myrelay-uninstall [options]

  --keep-state  leave the node's identity and keys in /var/lib/myrelay-agent, and its user
  --root DIR    a folder that install.sh made ready with --root
  --help        this text

Retire the node in the portal as well: customers' devices then learn that it is gone.
END
}

say() { printf '%s\n' "$*"; }
die() {
    printf 'myrelay: %s\n' "$*" >&2
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
live() { [ -z "$root" ]; }

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --keep-state) keep_state=yes ;;
            --root)
                [ $# -ge 2 ] || die "--root needs a value"
                root=$(cd "$2" && pwd) || die "--root: there is no such folder"
                shift ;;
            --help) usage; exit 0 ;;
            *) die "$1 is not known; --help names what is" ;;
        esac
        shift
    done
    [ "$root" != / ] || root=
}

stop_all() {
    systemctl stop myrelay-agent.service 2>/dev/null || :
    # What carries the agent's alias is a pod's; tunnels of the kernel outlive the agent.
    for device in /sys/class/net/*; do
        case $(cat "$device/ifalias" 2>/dev/null || :) in
            myrelay:*) ip link delete dev "${device##*/}" 2>/dev/null || : ;;
        esac
    done
    delete_table myrelay
    systemctl stop myrelay-firewall.service 2>/dev/null || :
    delete_table myrelay_host
}

delete_table() {
    has nft && nft list table inet "$1" >/dev/null 2>&1 || return 0
    nft delete table inet "$1"
}

# Everything in the list, the last first.
take_away() {
    packages=
    tac "$root$records/list" >"$root$records/reversed"
    while read -r kind name; do
        case $kind in
            file) remove_file "$name" ;;
            folder) rmdir "$root$name" 2>/dev/null || : ;;
            state) [ -n "$keep_state" ] || rm -rf "$root$name" ;;
            user) [ -n "$keep_state" ] || remove_user "$name" ;;
            package) packages="$packages $name" ;;
            unit) ! live || systemctl --quiet disable --now "$name" || : ;;
        esac
    done <"$root$records/reversed"
}

remove_file() {
    rm -f "$root$1"
    kept=$root$records/before$1
    if [ -e "$kept" ] || [ -L "$kept" ]; then cp -a "$kept" "$root$1"; fi
}

remove_user() {
    grep -q "^$1:" "$root/etc/passwd" || return 0
    userdel ${root:+--prefix "$root"} "$1"
    ! grep -q "^$1:" "$root/etc/group" || groupdel ${root:+--prefix "$root"} "$1"
}

# The services as they were before, with their own files only.
settle() {
    if [ -f "$records/sysctl-before" ]; then
        # Some settings of the kernel are a way of no return.
        /lib/systemd/systemd-sysctl "$records/sysctl-before" 2>/dev/null || :
    fi
    systemctl daemon-reload
    if [ -n "$packages" ]; then
        # shellcheck disable=SC2086 # Names of packages, one word each.
        DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 --quiet=2 --yes \
            purge $packages || say "These packages are left: $packages"
    fi
    if systemctl --quiet is-active fail2ban.service; then systemctl restart fail2ban.service; fi
    if systemctl --quiet is-active ssh.service && /usr/sbin/sshd -t; then
        systemctl reload ssh.service
    fi
}

main() {
    read_arguments "$@"
    [ "$(id -u)" = 0 ] || die "this needs root"
    if [ ! -f "$root$records/list" ]; then
        say "install.sh left nothing here."
        exit 0
    fi
    ! live || stop_all
    take_away
    ! live || settle
    rm -rf "$root$records"
    say "Done."
}

main "$@"
