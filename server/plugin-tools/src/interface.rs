//! The interface of plugins, as it is published.

/// Every file of it, by its place in a project.
pub(crate) const WIT: [(&str, &str); 9] = [
    ("wit/v1/billing.wit", include_str!("../../../plugins/wit/v1/billing.wit")),
    ("wit/v1/events.wit", include_str!("../../../plugins/wit/v1/events.wit")),
    ("wit/v1/imports.wit", include_str!("../../../plugins/wit/v1/imports.wit")),
    ("wit/v1/invoicing.wit", include_str!("../../../plugins/wit/v1/invoicing.wit")),
    ("wit/v1/lifecycle.wit", include_str!("../../../plugins/wit/v1/lifecycle.wit")),
    ("wit/v1/notifier.wit", include_str!("../../../plugins/wit/v1/notifier.wit")),
    ("wit/v1/smtp.wit", include_str!("../../../plugins/wit/v1/smtp.wit")),
    ("wit/v1/types.wit", include_str!("../../../plugins/wit/v1/types.wit")),
    ("wit/v1/worlds.wit", include_str!("../../../plugins/wit/v1/worlds.wit")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_interface_is_handed_on() {
        let published = include_str!("../../../plugins/wit/published");
        let names: Vec<&str> = published.lines().map(|it| it.split_once("  ").unwrap().1).collect();
        for name in &names {
            assert!(WIT.iter().any(|it| it.0 == format!("wit/{name}")), "{name} is not handed on");
        }
        assert_eq!(names.len(), WIT.len());
    }
}
