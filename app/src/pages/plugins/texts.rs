//! The words of the list of plugins.

use crate::components::Column;

pub(crate) const TITLE: &str = "Plugins";
pub(crate) const LEDE: &str = "Programs of others that take payments, carry messages, or hear of what \
     happens here. Each runs walled in: it reaches what you granted and nothing else.";
pub(crate) const EMPTY_TITLE: &str = "No plugins yet";
pub(crate) const EMPTY_TEXT: &str = "A plugin takes payments, carries messages, or tells another \
     service what happens here. You read what it asks for before it is installed.";
pub(crate) const INSTALL: &str = "Install a plugin";
pub(crate) const INSTALL_AT: &str = "/operator/plugins/install";
pub(crate) const GALLERY: &str = "Choose from the gallery";
pub(crate) const GALLERY_AT: &str = "/operator/plugins/gallery";
pub(crate) const MESSAGES: &str = "Messages that did not arrive";
pub(crate) const MESSAGES_AT: &str = "/operator/plugins/messages";

pub(crate) const NAME: Column = ("Name", false);
pub(crate) const STATE: Column = ("State", false);
pub(crate) const ID: Column = ("Called", false);
pub(crate) const VERSION: Column = ("Version", false);
pub(crate) const WAITING: Column = ("On their way", true);
pub(crate) const DEAD: Column = ("Given up", true);
pub(crate) const COLUMNS: &[Column] = &[NAME, STATE, ID, VERSION, WAITING, DEAD];
