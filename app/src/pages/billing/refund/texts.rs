//! The words of the page that gives a payment back.

use myrelay_domain::money::Money;

use crate::contract::{PayerAway, PaymentRow};

pub(crate) const ACCOUNT: &str = "Account";
pub(crate) const METHOD: &str = "Paid by";
pub(crate) const REFERENCE: &str = "Reference";
pub(crate) const WHEN: &str = "Arrived";
pub(crate) const AMOUNT: &str = "Amount";
pub(crate) const REFUNDED: &str = "Went back already";
pub(crate) const REST: &str = "Can still go back";
pub(crate) const DISPUTED: &str = "Disputed";
pub(crate) const ALL_TITLE: &str = "All of it went back";
pub(crate) const ALL_TEXT: &str = "There is nothing left of this payment to give back.";
pub(crate) const CANNOT: &str = "This payment cannot be given back here";
pub(crate) const CANNOT_NOW: &str = "This payment cannot be given back now";
pub(crate) const WHAT_HAPPENS: &str = "Give it back";
pub(crate) const AMOUNT_FIELD: &str = "How much goes back";
pub(crate) const REASON: &str = "Why (may be empty)";
pub(crate) const REASON_HINT: &str = "It goes to the provider, and customers may see it there.";
pub(crate) const REFUND: &str = "Give this amount back";

/// The heading.
pub(crate) fn title(email: &str) -> String {
    format!("Refund {email}")
}

/// What is typed as an amount.
pub(crate) fn amount_hint(rest: &Money) -> String {
    format!("In {}, at most {}.", rest.currency, rest.number())
}

/// Nobody gives it back, or nobody knows now who does.
pub(crate) fn cannot(payment: &PaymentRow) -> (&'static str, String) {
    let method = &payment.method;
    let text = match payment.away {
        None => {
            let text = format!(
                "{method} gives nothing back through this page. Do it where the money arrived."
            );
            return (CANNOT, text);
        }
        Some((_, PayerAway::Silent)) => format!(
            "{method} does not answer at the moment. Try again in a few minutes, and look at its \
             plugin if it goes on."
        ),
        Some((_, PayerAway::Stopped)) => format!(
            "The plugin {method} is stopped, and nobody can pay by it either. Its page says why: \
             let it go on there, and come back."
        ),
        Some((_, PayerAway::Disabled)) => format!(
            "The plugin {method} is disabled. Enable it on its page and come back, or do it where \
             the money arrived."
        ),
    };
    (CANNOT_NOW, text)
}

/// The link to the page of the plugin.
pub(crate) fn to_plugin(method: &str) -> String {
    format!("Look at {method}")
}

/// What will happen.
pub(crate) fn consequences(method: &str, disputed: bool) -> Vec<String> {
    let mut all = vec![
        format!(
            "{method} is asked to send the money back. Where money moves by hand, such as with bank \
             transfers, send it yourself too: this writes it in the books."
        ),
        "When all of it went back, what it paid for ends at once, and the account's locations stop. \
         Before that the plan goes on."
            .to_owned(),
        "A refund cannot be taken back.".to_owned(),
    ];
    if disputed {
        let twice = "The customer disputes this payment: if the bank gives it back as well, you pay \
             it twice.";
        all.push(twice.to_owned());
    }
    all
}
