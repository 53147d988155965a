//! The screens of a device that leaves something outside its tunnel.

use myrelay_app::{
    Content, FormState, Frame,
    contract::{AddedPeer, PortalError},
};
use myrelay_domain::routes::{CidrList, Routes};

use super::{account, device, refused};

/// A device that made this choice.
pub(crate) fn device_with(routes: Routes) -> AddedPeer {
    let mut device = device("Phone", true);
    device.peer.routes = routes.clone();
    if let Some(config) = &mut device.config {
        config.routes = routes;
    }
    device
}

/// Everything but two networks, one of each family.
pub(crate) fn except_two() -> Routes {
    let list = CidrList::parse("198.51.100.0/24 2001:db8::/32").expect("two networks");
    Routes::Except(list)
}

pub(super) fn routes() -> Vec<(&'static str, Content, Frame)> {
    let at = || account("/devices/1");
    let routes_at = || account("/devices/1/routes");
    let show = |device| Content::Device { device, connection: None };
    let form = |routes, form| Content::DeviceRoutes { device: device_with(routes), form };
    let problem = PortalError::invalid(
        "networks",
        "`192.168.1.77/24` has bits beyond its length: the network is 192.168.1.0/24",
    );
    let typed = [("mode", "except"), ("networks", "192.168.1.77/24\n</textarea><script>alert(1)")];
    vec![
        ("device-split", show(device_with(except_two())), at()),
        ("device-split-local", show(device_with(Routes::except_local())), at()),
        ("device-routes", form(Routes::Everything, FormState::default()), routes_at()),
        ("device-routes-local", form(Routes::except_local(), FormState::default()), routes_at()),
        ("device-routes-split", form(except_two(), FormState::default()), routes_at()),
        ("device-routes-refused", form(Routes::Everything, refused(&typed, problem)), routes_at()),
    ]
}
