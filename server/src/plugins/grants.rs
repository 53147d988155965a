//! What an operator grants: all that is asked for, to the hosts that are named.

use myrelay_plugin_host::{Grants, HostPattern, HttpGrant, Manifest, PrivateNet};

/// All that is asked for, with these hosts where it asks for hosts that the operator names, or any,
/// and these private addresses. None: it asks for hosts, and no host was named.
pub(crate) fn granted_to(
    manifest: &Manifest,
    hosts: &[HostPattern],
    any_host: bool,
    private: &[PrivateNet],
) -> Option<Grants> {
    let mut grants = Grants::all_asked(manifest);
    let named = |grant: HttpGrant| -> Vec<HttpGrant> {
        // An address has a port: it is no use to requests that go to another.
        let its = |it: &&PrivateNet| it.port() == grant.rule.port;
        let private = private.iter().filter(its).cloned().collect();
        let grant = HttpGrant { private, ..grant };
        if !grant.rule.host.is_any() {
            return vec![grant];
        }
        if any_host {
            return vec![HttpGrant { any_host: true, ..grant }];
        }
        let to = |host: &HostPattern| {
            let mut grant = grant.clone();
            grant.rule.host = host.clone();
            grant
        };
        hosts.iter().map(to).collect()
    };
    grants.http = grants.http.into_iter().flat_map(named).collect();
    (!grants.http.is_empty() || manifest.http.is_empty()).then_some(grants)
}
