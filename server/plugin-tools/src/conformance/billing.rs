//! What every plugin that takes payments has to stand.

use anyhow::Result;
use myrelay_plugin_host::{
    Answer, Call,
    billing::{Capabilities, CheckoutRequest},
    billing_types::Effect,
    types::{ErrorKind, Money},
};

use crate::{
    cases::Case,
    conformance::{
        Finding, Suite, reported,
        rules::{ASKED_FOR, CHECKOUT, GIVE_BACK, NO_CENTS, NOTHING},
        said,
    },
};

/// Currencies of ISO 4217 whose smallest unit is the whole.
const WITHOUT_CENTS: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND",
    "VUV", "XAF", "XPF",
];

impl Suite<'_> {
    pub(super) async fn billing(&self, findings: &mut Vec<Finding>) -> Result<()> {
        let checkouts = self.good(|it| matches!(it, Call::BeginCheckout(_)));
        let Some((_, case)) = checkouts.first() else {
            let told = "no case is a checkout that begins: record one by `myrelay plugin test --record \
                        fixtures/checkout.json --config dev/config.json`, with \
                        `--private` where it asks for an address of your own network";
            self.note(findings, CHECKOUT, vec![told.to_owned()]);
            return Ok(());
        };
        let call = Call::Capabilities;
        let made =
            self.bench.make(&Case { call, http: Vec::new(), ..(*case).clone() }, None).await?;
        let Ok(Answer::Capabilities(can)) = &made.outcome.result else {
            let told = format!(
                "get-capabilities: expected an answer; {}",
                reported(&made).map_or_else(|it| it, said)
            );
            self.note(findings, CHECKOUT, vec![told]);
            return Ok(());
        };
        if (self.wants)(NOTHING) {
            let wrong = self.nothing(case).await?;
            self.note(findings, NOTHING, wrong);
        }
        if (self.wants)(GIVE_BACK) && can.refunds {
            let wrong = self.give_back(can).await?;
            self.note(findings, GIVE_BACK, wrong);
        }
        let asks = checkouts.iter().any(|it| !it.1.http.is_empty());
        if asks {
            self.note(findings, ASKED_FOR, self.asked_for());
        }
        self.note(findings, NO_CENTS, self.no_cents(can, &checkouts));
        Ok(())
    }

    /// Amounts of nothing and less begin no checkout.
    async fn nothing(&self, case: &Case) -> Result<Vec<String>> {
        let mut wrong = Vec::new();
        for minor in [0, -100] {
            let mut case = case.clone();
            if let Call::BeginCheckout(request) = &mut case.call {
                set(request, minor);
            }
            let told = self.refused(&case).await?;
            wrong.extend(told.map(|it| format!("a checkout over {minor}: {it}")));
        }
        Ok(wrong)
    }

    /// Nothing and less never goes back, and a case shows that too much does not either.
    async fn give_back(&self, can: &Capabilities) -> Result<Vec<String>> {
        let refunds: Vec<(&String, &Case)> =
            self.cases.iter().filter(|it| matches!(it.1.call, Call::Refund { .. })).collect();
        let Some((_, case)) = refunds.iter().find(|it| it.1.answer.is_some()) else {
            return Ok(vec![
                "get-capabilities says that it gives money back, and no case is such a refund: \
                 record one"
                    .to_owned(),
            ]);
        };
        let mut wrong = Vec::new();
        for minor in [0, -5] {
            let mut case = (*case).clone();
            if let Call::Refund { amount, .. } = &mut case.call {
                amount.minor = minor;
            }
            let told = self.refused(&case).await?;
            wrong.extend(told.map(|it| format!("a refund of {minor}: {it}")));
        }
        let too_much = |it: &Case| {
            let told = it.error.as_ref();
            told.is_some_and(|it| is_reported(it, ErrorKind::InvalidInput))
        };
        if !case.http.is_empty() && can.partial_refunds && !refunds.iter().any(|it| too_much(it.1))
        {
            wrong.push(
                "no case is a refund of more than was paid that ends in invalid-input: record one with --failure"
                    .to_owned(),
            );
        }
        Ok(wrong)
    }

    /// A payment whose report was lost is found by `reconcile`.
    fn asked_for(&self) -> Vec<String> {
        let found =
            self.good(|it| matches!(it, Call::Reconcile(_))).into_iter().any(|(_, case)| {
                let Some(Answer::Effects(effects)) = &case.answer else { return false };
                effects.iter().any(|it| matches!(it, Effect::PaymentSucceeded(_)))
            });
        let told = "no case is a reconcile that finds a payment: record one. After an answer that was \
                    lost nothing else finds it";
        if found { Vec::new() } else { vec![told.to_owned()] }
    }

    /// Where a currency without cents is taken, a case shows how its amounts are written.
    fn no_cents(&self, can: &Capabilities, checkouts: &[(&String, &Case)]) -> Vec<String> {
        let is_without = |it: &str| WITHOUT_CENTS.contains(&it);
        let taken: Vec<&str> =
            can.currencies.iter().map(String::as_str).filter(|it| is_without(it)).collect();
        let shown = checkouts.iter().any(|(_, case)| match &case.call {
            Call::BeginCheckout(request) => is_without(&request.invoice.total.currency),
            _ => false,
        });
        if taken.is_empty() || shown {
            return Vec::new();
        }
        vec![format!(
            "get-capabilities names {}, whose smallest unit is the whole, and no case is a checkout in \
             one of them: record one, and look whether the provider is asked for the same amount",
            taken.join(", ")
        )]
    }

    /// What is wrong with a call that is to be refused before anybody is asked.
    async fn refused(&self, case: &Case) -> Result<Option<String>> {
        let made = self.bench.make(case, None).await?;
        if let Some(first) = made.met.asked.first() {
            return Ok(Some(format!(
                "it asks {} {}: judge the amount before",
                first.method, first.url
            )));
        }
        Ok(match reported(&made) {
            Ok(error) if error.kind == ErrorKind::InvalidInput => None,
            Ok(error) => Some(format!("expected invalid-input; {}", said(error))),
            Err(instead) => Some(format!("expected invalid-input; {instead}")),
        })
    }
}

fn is_reported(failure: &myrelay_plugin_host::Failure, kind: ErrorKind) -> bool {
    matches!(failure, myrelay_plugin_host::Failure::Reported(error) if error.kind == kind)
}

/// Makes every amount of an invoice this one.
fn set(request: &mut CheckoutRequest, minor: i64) {
    let invoice = &mut request.invoice;
    let with = |it: &Money, minor| Money { minor, currency: it.currency.clone() };
    for line in &mut invoice.lines {
        (line.amount, line.tax) = (with(&line.amount, minor), with(&line.tax, 0));
    }
    invoice.subtotal = with(&invoice.subtotal, minor);
    invoice.tax_total = with(&invoice.tax_total, 0);
    invoice.total = with(&invoice.total, minor);
}
