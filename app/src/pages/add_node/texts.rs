//! The words of the page that adds a node.

pub(crate) const TITLE: &str = "Add a node";
pub(crate) const LEDE: &str = "Next you get one line to run on the new server. It works once, and \
     for 10 minutes.";
pub(crate) const NAME: &str = "Name";
pub(crate) const NAME_HINT: &str =
    "What operators call it, such as fra-1. Customers do not see it.";
pub(crate) const LOCATION: &str = "Location";
pub(crate) const LOCATION_HINT: &str =
    "What customers pick, such as Frankfurt. A name that is new makes a new location.";
pub(crate) const ENDPOINT: &str = "Public address";
pub(crate) const ENDPOINT_HINT: &str =
    "The name or IP address that devices send their packets to, without a port.";
pub(crate) const SUBMIT: &str = "Add the node";
