#!/bin/sh
# Makes a server of Debian 12 or 13 or Ubuntu 22.04 or 24.04 a node of MyRelay, or looks after one.
#
# Running it again changes only what is not so yet. Nothing of the distribution's is edited: what
# it adds stands in files of its own, listed in /var/lib/myrelay-install, and uninstall.sh takes
# all of it away again.

set -eu
umask 022
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)
user=myrelay-agent
program=/usr/local/bin/myrelay-agent
uninstaller=/usr/local/sbin/myrelay-uninstall
records=/var/lib/myrelay-install
state=/var/lib/myrelay-agent
units=/etc/systemd/system

agent=
sha256=
portal=
token_file=
again=
root=
ports=
hardening=yes
without_key=
left=0
changed=
made_sshd_folder=
work=

usage() {
    cat <<'END'
Usage: install.sh [options]

  --portal URL       where agents reach the portal: https://name:port of the join line
  --token-file FILE  a file with the token of the join line; - reads it from standard input.
                     Without, the machine is made ready and joined later: run it again.
  --again            join though this machine is a node already
  --agent FILE       the agent's program; else myrelay-agent beside this file or one folder up
  --sha256 HEX       its SHA-256; else what SHA256SUMS beside the program says
  --ssh-port PORT    a TCP port of SSH that stays open; may be repeated. Else what sshd says
  --without-key      refuse SSH passwords although no authorized key was found
  --no-hardening     only the agent: leave SSH, firewall, updates and kernel settings alone
  --root DIR         make a folder ready that a machine will start from; starts and joins nothing
  --help             this text

It ends with 0 when all is done, with 3 when something is left for you to do (it says what), and
with 1 when it had to stop.
END
}

say() { printf '%s\n' "$*"; }
warn() {
    printf 'myrelay: TO DO: %s\n' "$*" >&2
    left=3
}
die() {
    printf 'myrelay: %s\n' "$*" >&2
    exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
live() { [ -z "$root" ]; }

# shellcheck disable=SC2317 # A trap calls it.
tidy_up() {
    [ -z "$work" ] || rm -rf "$work"
    [ -z "$made_sshd_folder" ] || rmdir "$root/run/sshd" 2>/dev/null || :
}

# --- What was asked ------------------------------------------------------------------------------

value() { [ "$2" -ge 2 ] || die "$1 needs a value; --help explains"; }

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --portal) value "$1" $#; portal=$2; shift ;;
            --token-file) value "$1" $#; token_file=$2; shift ;;
            --agent) value "$1" $#; agent=$2; shift ;;
            --sha256) value "$1" $#; sha256=$2; shift ;;
            --ssh-port) value "$1" $#; is_port "$2" || die "--ssh-port $2: a port is 1 to 65535"
                ports="$ports $2"; shift ;;
            --root) value "$1" $#; root=$2; shift ;;
            --again) again=--again ;;
            --without-key) without_key=yes ;;
            --no-hardening) hardening= ;;
            --help) usage; exit 0 ;;
            # Whatever it is, it may be the token: it is not repeated.
            *) die "an argument is not known; --help names those that are" ;;
        esac
        shift
    done
    [ -z "$root" ] || root=$(cd "$root" && pwd) || die "--root: there is no such folder"
    [ "$root" != / ] || root=
    [ -z "$token_file" ] || [ -n "$portal" ] || die "--token-file needs --portal"
    [ -z "$portal" ] || [ -n "$token_file" ] || die "--portal needs --token-file"
    case $portal in '' | https://*) ;; *) die "--portal reads https://name:port" ;; esac
    live || [ -z "$portal" ] || die "a folder cannot join: leave --portal out"
}

is_port() {
    case $1 in '' | *[!0-9]* | ??????*) return 1 ;; esac
    [ "$1" -ge 1 ] && [ "$1" -le 65535 ]
}

check_system() {
    [ "$(id -u)" = 0 ] || die "this needs root"
    for part in uninstall.sh myrelay-agent.service myrelay-firewall.service hardening; do
        [ -e "$here/$part" ] || die "$here/$part is missing: copy the whole folder"
    done
    id='' && id_like='' && version=''
    if [ -r "$root/etc/os-release" ]; then
        id=$(os_release ID)
        id_like=$(os_release ID_LIKE)
        version=$(os_release VERSION_ID)
    fi
    case "$id $version" in
        'debian 12' | 'debian 13' | 'ubuntu 22.04' | 'ubuntu 24.04') ;;
        debian* | ubuntu*) say "myrelay: $id $version was not tried; going on" ;;
        *) case " $id_like " in
            *' debian '*) say "myrelay: $id $version was not tried; going on" ;;
            *) die "this is neither Debian nor Ubuntu; docs/node-guide.md says what to do by hand" ;;
        esac ;;
    esac
}

os_release() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$root/etc/os-release"; }

# The program is copied before it is checked: what was checked is what is installed.
check_program() {
    [ -n "$agent" ] || for place in "$here" "$here/.."; do
        [ -n "$agent" ] || [ ! -f "$place/myrelay-agent" ] || agent=$place/myrelay-agent
    done
    [ -n "$agent" ] || die "no myrelay-agent beside this file; --agent says where it is"
    [ -f "$agent" ] || die "$agent is not there"
    if [ -z "$sha256" ]; then
        sums=$(dirname "$agent")/SHA256SUMS
        [ -f "$sums" ] || die "no $sums and no --sha256: an unchecked program is not installed"
        sha256=$(awk -v name="$(basename "$agent")" \
            '$2 == name || $2 == "*" name || $2 == "./" name { print $1 }' "$sums")
        [ -n "$sha256" ] || die "$sums does not name $(basename "$agent")"
    fi
    sha256=$(printf '%s' "$sha256" | tr 'A-F' 'a-f')
    case $sha256 in *[!0-9a-f]*) sha256= ;; esac
    [ "${#sha256}" = 64 ] || die "a SHA-256 is 64 hexadecimal digits, and given once"
    cp "$agent" "$work/agent"
    found=$(sha256sum "$work/agent") && found=${found%% *}
    [ "$found" = "$sha256" ] ||
        die "$agent is not the program it should be: its SHA-256 is $found; nothing was changed"
}

take_token() {
    [ -n "$token_file" ] || return 0
    if [ "$token_file" = - ]; then
        (umask 077 && cat >"$work/token")
    else
        [ -r "$token_file" ] || die "$token_file cannot be read"
        (umask 077 && cat "$token_file" >"$work/token")
    fi
    [ -s "$work/token" ] || die "the token is empty"
}

# --- Files of ours -------------------------------------------------------------------------------

is_recorded() { [ -f "$root$records/list" ] && grep -qxF "$1" "$root$records/list"; }
record() { is_recorded "$1" || printf '%s\n' "$1" >>"$root$records/list"; }

# folder PATH: makes a folder and those above it, and remembers which were not there.
folder() {
    [ ! -d "$root$1" ] || return 0
    folder "$(dirname "$1")"
    mkdir "$root$1"
    record "folder $1"
}

# put SOURCE PATH MODE: sets `changed` when it changed something. What somebody else had there is
# kept, for the uninstaller.
put() {
    if [ -f "$root$2" ] && [ ! -L "$root$2" ] && cmp -s "$1" "$root$2" &&
        [ "$(stat -c '%a %u' "$root$2")" = "$3 0" ] && is_recorded "file $2"; then
        return 0
    fi
    folder "$(dirname "$2")"
    if ! is_recorded "file $2" && { [ -e "$root$2" ] || [ -L "$root$2" ]; }; then
        mkdir -p "$root$records/before$(dirname "$2")"
        cp -a "$root$2" "$root$records/before$2"
    fi
    record "file $2"
    install -m "0$3" -o 0 -g 0 "$1" "$root$2.myrelay-new"
    mv -f "$root$2.myrelay-new" "$root$2"
    changed=yes
}

# enable UNIT TARGET: as systemctl would, also in a folder that nothing runs from yet.
enable_unit() {
    link=$units/$2.wants/$1
    [ ! -L "$root$link" ] || return 0
    folder "$units/$2.wants"
    record "file $link"
    ln -s "$units/$1" "$root$link"
}

open_records() {
    [ -d "$root$records" ] || mkdir -p "$root$records"
    chmod 0700 "$root$records"
}

# --- The agent -----------------------------------------------------------------------------------

install_agent() {
    put "$here/uninstall.sh" "$uninstaller" 755
    put "$here/hardening/sysusers.conf" /etc/sysusers.d/myrelay-agent.conf 644
    changed=
    put "$work/agent" "$program" 755
    put "$here/myrelay-agent.service" "$units/myrelay-agent.service" 644
    if ! grep -q "^$user:" "$root/etc/passwd"; then
        record "user $user"
        systemd-sysusers ${root:+--root="$root"} "$root/etc/sysusers.d/myrelay-agent.conf"
    fi
    owner=$(awk -F: -v name="$user" '$1 == name { print $3 ":" $4 }' "$root/etc/passwd")
    [ -n "$owner" ] || die "the user $user could not be made"
    if [ ! -d "$root$state" ]; then
        record "state $state"
        install -d -m 0700 -o "${owner%:*}" -g "${owner#*:}" "$root$state"
    fi
    ! live || systemctl daemon-reload
}

# The token crosses a file that only the agent's user can read, and is in no list of processes.
join_portal() {
    if [ -f "$state/identity.json" ] && [ -z "$again" ]; then
        [ -z "$token_file" ] || say "This machine is a node already; the token was not used."
        return 0
    fi
    [ -n "$token_file" ] || { say "Not joined: run this again with --portal and --token-file."; return 0; }
    chmod 0711 "$work"
    chown "$owner" "$work/token"
    # The state folder has one agent at a time.
    [ -z "$again" ] || systemctl stop myrelay-agent.service 2>/dev/null || :
    setpriv --reuid "${owner%:*}" --regid "${owner#*:}" --clear-groups --no-new-privs -- \
        "$program" join "$portal" --token-file "$work/token" ${again:+"$again"} ||
        die "joining did not work; with a new join line from the portal, run this again"
    rm -f "$work/token"
    changed=yes
}

start_agent() {
    [ -f "$state/identity.json" ] || return 0
    enable_unit myrelay-agent.service multi-user.target
    systemctl daemon-reload
    if [ -n "$changed" ]; then
        systemctl restart myrelay-agent.service
    else
        systemctl start myrelay-agent.service
    fi
}

# --- Hardening -----------------------------------------------------------------------------------

install_packages() {
    missing=
    # python3-systemd is how fail2ban reads the journal.
    for package in nftables fail2ban python3-systemd unattended-upgrades; do
        installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    live || { warn "the machine will need these packages:$missing"; return 0; }
    for package in $missing; do record "package $package"; done
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    apt-get -o DPkg::Lock::Timeout=300 --quiet=2 update ||
        die "apt-get update did not work; once it does, run this again"
    # shellcheck disable=SC2086 # Names of packages, one word each.
    apt-get -o DPkg::Lock::Timeout=300 --quiet=2 --yes --no-install-recommends install $missing ||
        die "these packages could not be installed:$missing; once they can, run this again"
}

installed() {
    awk -v name="$1" 'BEGIN { RS = ""; FS = "\n" }
        $1 == "Package: " name { for (i = 2; i <= NF; i++)
            if ($i == "Status: install ok installed") found = 1 }
        END { exit !found }' "$root/var/lib/dpkg/status"
}

# sshd ARGUMENTS: of the machine or of the folder; fails where there is none.
sshd() {
    [ -x "$root/usr/sbin/sshd" ] || return 1
    if live; then /usr/sbin/sshd "$@"; else chroot "$root" /usr/sbin/sshd "$@"; fi
}

find_ssh_ports() {
    [ -z "$ports" ] || return 0
    if live && [ -x /usr/sbin/sshd ] && ! sshd -T >/dev/null 2>"$work/said"; then
        die "sshd refuses its configuration as it is, so it does not say which port has to stay" \
            "open: mend it, or name the port with --ssh-port: $(cat "$work/said")"
    fi
    ports=$(sshd -T 2>/dev/null | awk '$1 == "port" { print $2 }') || ports=
    if live && systemctl --quiet is-active ssh.socket; then
        ports="$ports $(systemctl show --property Listen ssh.socket |
            sed -n 's/^.*:\([0-9]*\) (Stream).*$/\1/p')"
    fi
    # Whoever runs this from afar came in by a port that stays open.
    came_by=${SSH_CONNECTION:-} && came_by=${came_by##* }
    ! live || ! is_port "$came_by" || ports="$ports $came_by"
    [ -n "$ports" ] || ports=22
}

guard_by_firewall() {
    find_ssh_ports
    # shellcheck disable=SC2086 # Numbers.
    list=$(printf '%s\n' $ports | sort -nu | paste -sd, - | sed 's/,/, /g')
    sed "s/^define ssh_ports = .*/define ssh_ports = { $list }/" \
        "$here/hardening/host-firewall.nft" >"$work/firewall"
    ! live || nft --check --file "$work/firewall" 2>"$work/said" ||
        die "the firewall is refused here: $(cat "$work/said")"
    changed=
    put "$work/firewall" /etc/myrelay/host-firewall.nft 644
    put "$here/myrelay-firewall.service" "$units/myrelay-firewall.service" 644
    enable_unit myrelay-firewall.service sysinit.target
    live || return 0
    systemctl daemon-reload
    if [ -n "$changed" ]; then
        systemctl reload-or-restart myrelay-firewall.service
    else
        systemctl start myrelay-firewall.service
    fi
    others=$(nft list chains 2>/dev/null | awk '
        $1 == "table" { table = $2 " " $3 }
        /hook input/ && /policy drop/ && table != "inet myrelay_host" { print table }')
    [ -z "$others" ] ||
        warn "another firewall judges as well ($others): let it pass UDP 51820 to 61819"
}

guard_by_fail2ban() {
    live || return 0
    if ! fail2ban-client --test >"$work/said" 2>&1; then
        warn "fail2ban refuses its configuration: $(tail -n 1 "$work/said")"
        return 0
    fi
    if [ -n "$jail_changed" ]; then
        switch_on fail2ban.service restart
    else
        switch_on fail2ban.service start
    fi
}

update_unattended() {
    live || return 0
    for timer in apt-daily.timer apt-daily-upgrade.timer; do switch_on "$timer" start; done
}

# switch_on UNIT VERB: on now, by starting or restarting it, and after every start of the machine.
# What was off before is off again after uninstalling.
switch_on() {
    systemctl --quiet is-enabled "$1" 2>/dev/null || record "unit $1"
    if ! { systemctl --quiet enable "$1" && systemctl "$2" "$1"; }; then
        warn "$1 cannot be started: systemctl status $1"
    fi
}

set_sysctl() {
    # A host that forwards heeds router advertisements only where this is 2, and would lose its way
    # out (ip-sysctl.rst, accept_ra): so this comes before forwarding.
    : >"$work/sysctl"
    if live && has ip; then
        ip -6 route show default proto ra 2>/dev/null |
            sed -n 's/^.* dev \([a-zA-Z0-9_-]*\).*$/\1/p' | sort -u | while read -r name; do
            switch=/proc/sys/net/ipv6/conf/$name/accept_ra
            [ ! -r "$switch" ] || [ "$(cat "$switch")" = 0 ] ||
                printf 'net.ipv6.conf.%s.accept_ra = 2\n' "$name"
        done >>"$work/sysctl"
    fi
    cat "$here/hardening/sysctl.conf" >>"$work/sysctl"
    if live && [ ! -f "$records/sysctl-before" ]; then
        sed -n 's/^\([a-z0-9_.-]*\) = .*/\1/p' "$work/sysctl" | while read -r key; do
            file=/proc/sys/$(printf '%s' "$key" | tr . /)
            [ ! -r "$file" ] || printf '%s = %s\n' "$key" "$(cat "$file")"
        done >"$records/sysctl-before"
    fi
    put "$work/sysctl" /etc/sysctl.d/zz-myrelay.conf 644
    ! live || /lib/systemd/systemd-sysctl /etc/sysctl.d/zz-myrelay.conf ||
        warn "some kernel settings were refused; the node's page in the portal says which"
}

# Whether somebody could still sign in once passwords are refused.
has_key() {
    [ -z "$without_key" ] || return 0
    sshd -T 2>/dev/null | grep -Eq '^(trustedusercakeys|authorizedkeyscommand) /' && return 0
    root_login=$(ssh_says | awk '$1 == "permitrootlogin" { print $2 }')
    of_root="$root/root"
    for file in "$of_root"/.ssh/authorized_keys "$of_root"/.ssh/authorized_keys2 \
        "$root"/home/*/.ssh/authorized_keys "$root"/home/*/.ssh/authorized_keys2; do
        # A key of root's is none where root is not let in, nor is one that only runs a command, such
        # as the word of cloud images to sign in as somebody else.
        case $file:$root_login in
            "$of_root"/*:no | "$of_root"/*:forced-commands-only) continue ;;
        esac
        [ ! -f "$file" ] || ! grep -v 'command=' "$file" |
            grep -Eq '^[^#]*(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ +AAAA' || return 0
    done
    return 1
}

ssh_says() {
    sshd -T "$@" 2>"$work/said" |
        awk '$1 == "passwordauthentication" || $1 == "kbdinteractiveauthentication" ||
            $1 == "permitrootlogin" || $1 == "permitemptypasswords" { print $1, $2 }'
}

# Last, behind the firewall that lets SSH in: whoever is signed in stays so.
guard_ssh() {
    drop_in=/etc/ssh/sshd_config.d/00-myrelay.conf
    if [ ! -x "$root/usr/sbin/sshd" ] && live; then
        say "There is no SSH server here: nothing to guard."
        return 0
    fi
    if ! has_key; then
        warn "no authorized key was found, and without passwords nobody could sign in:" \
            "SSH is left as it is. Put your key there and run this again (or --without-key)"
        return 0
    fi
    if [ -x "$root/usr/sbin/sshd" ] && ! sshd -t 2>"$work/said"; then
        live && die "sshd refuses its configuration as it is: $(cat "$work/said")"
        say "sshd cannot be asked in this folder: $(head -n 1 "$work/said")"
    fi
    cp "$here/hardening/sshd.conf" "$work/sshd"
    # Who lets root in less than we do, goes on doing so.
    case $(ssh_says | awk '$1 == "permitrootlogin" { print $2 }') in
        no) sed -i 's/PermitRootLogin .*/PermitRootLogin no/' "$work/sshd" ;;
        forced-commands-only)
            sed -i 's/PermitRootLogin .*/PermitRootLogin forced-commands-only/' "$work/sshd" ;;
    esac
    changed=
    put "$work/sshd" "$drop_in" 644
    live || return 0
    if ! sshd -t 2>"$work/said"; then
        rm -f "$drop_in"
        die "sshd refuses $drop_in, which was taken away again: $(cat "$work/said")"
    fi
    # Everybody with a shell: a Match block of somebody else's may make a difference between them.
    people=$(awk -F: '$7 !~ /(nologin|false)$/ { print $1 }' /etc/passwd)
    for name in '' $people; do
        said=$(ssh_says ${name:+-C "user=$name,host=example.org,addr=192.0.2.1"} | sort | tr '\n' ';')
        case $said in
            'kbdinteractiveauthentication no;passwordauthentication no;permitemptypasswords no;permitrootlogin '*) ;;
            *) warn "sshd still takes passwords${name:+ of $name}: sshd_config has to begin with" \
                "'Include /etc/ssh/sshd_config.d/*.conf', and no file there may come before" \
                "00-myrelay.conf. Then run this again" ;;
        esac
        case $said in *'permitrootlogin yes;'*) warn "sshd still lets root in by password" ;; esac
    done
    if [ -n "$changed" ] && systemctl --quiet is-active ssh.service; then
        systemctl reload ssh.service
    fi
}

harden() {
    # sshd wants it even to be asked; where a socket starts it, it is there only while it runs.
    if [ -x "$root/usr/sbin/sshd" ] && [ ! -d "$root/run/sshd" ]; then
        mkdir -p "$root/run/sshd"
        made_sshd_folder=yes
    fi
    set_sysctl
    # Before the packages: their services start with these files.
    put "$here/hardening/apt.conf" /etc/apt/apt.conf.d/zz-myrelay.conf 644
    changed=
    put "$here/hardening/fail2ban.local" /etc/fail2ban/jail.d/zz-myrelay.local 644
    jail_changed=$changed
    install_packages
    guard_by_firewall
    guard_by_fail2ban
    update_unattended
    guard_ssh
}

main() {
    read_arguments "$@"
    check_system
    work=$(mktemp -d)
    trap tidy_up EXIT
    trap 'exit 1' HUP INT TERM
    check_program
    take_token
    open_records
    [ -z "$hardening" ] || harden
    install_agent
    if live; then
        join_portal
        start_agent
    fi
    if [ "$left" = 0 ]; then say "Done."; else say "Done, but for what is marked TO DO."; fi
    exit "$left"
}

main "$@"
