//! The screens of the money: what a customer has and owes, and what operators see of it.

use myrelay_app::{
    Billing, Content, FormState, Frame,
    contract::{
        AccountBillingView, AccountState, BillingView, CheckoutStep, CheckoutView, InvoiceRow,
        InvoiceState, InvoiceView, Millis, OfferRow, Page, PayerAway, PaymentMethodRow, PaymentRow,
        PortalError, ProviderPage, SubscriptionState, SubscriptionView,
    },
};
use myrelay_domain::{
    limits::{Quota, QuotaEnd, Speed, TrafficLimits},
    money::{Currency, Interval, Money, Price},
};

use super::{HOSTILE, MINUTE, NOW, account, account_row, id, operator, refused};

const DAY: Millis = 24 * 60 * MINUTE;

type Screens = Vec<(&'static str, Content, Frame)>;

fn money(minor: i64, currency: &str) -> Money {
    Money { minor, currency: Currency::parse(currency).expect("a currency") }
}

pub(super) fn price(minor: i64, currency: &str, interval: Interval) -> Price {
    Price { amount: money(minor, currency), interval }
}

fn subscription(state: SubscriptionState) -> SubscriptionView {
    let paid_until = match state {
        SubscriptionState::Pending => None,
        SubscriptionState::Active => Some(NOW + 11 * DAY),
        SubscriptionState::PastDue => Some(NOW - DAY),
        SubscriptionState::Ended => Some(NOW - 20 * DAY),
    };
    let runs = matches!(state, SubscriptionState::Active | SubscriptionState::PastDue);
    SubscriptionView {
        plan: "Family".to_owned(),
        price: price(999, "EUR", Interval::Month),
        state,
        paid_until,
        stops_at: paid_until.filter(|_| runs).map(|it| it + 3 * DAY),
        renews_by: None,
        ends: false,
        can_renew: state != SubscriptionState::Pending,
    }
}

/// One that a provider collects for.
fn renewed_by(name: &str) -> SubscriptionView {
    SubscriptionView {
        renews_by: Some(name.to_owned()),
        can_renew: false,
        ..subscription(SubscriptionState::Active)
    }
}

fn offers() -> Vec<OfferRow> {
    let offer = |number, name: &str, price, traffic| OfferRow {
        id: id(number),
        name: name.to_owned(),
        pods: u32::try_from(number).expect("a small number") - 40,
        devices_per_pod: 5,
        traffic,
        price,
        is_current: name == "Family",
    };
    let slow = Speed { down: 2_000_000, up: 2_000_000 };
    let limited = TrafficLimits {
        speed: Some(Speed { down: 200_000_000, up: 50_000_000 }),
        quota: Some(Quota { bytes: 500_000_000_000, then: QuotaEnd::Throttle(slow) }),
    };
    let free = TrafficLimits::default;
    vec![
        offer(41, "One", price(300, "EUR", Interval::Month), limited),
        offer(43, "Family", price(999, "EUR", Interval::Month), free()),
        offer(45, HOSTILE, price(9_999, "EUR", Interval::Year), free()),
        offer(
            46,
            "Everybody-in-the-whole-office-and-their-guests",
            price(1_200_000, "JPY", Interval::Year),
            free(),
        ),
    ]
}

fn row(number: u128, plan: &str, state: InvoiceState) -> InvoiceRow {
    let created_at = NOW - 31 * DAY * i64::try_from(number).expect("a small number");
    InvoiceRow {
        id: id(500 + number),
        plan: plan.to_owned(),
        total: money(999, "EUR"),
        state,
        created_at,
        paid_at: (state == InvoiceState::Paid).then_some(created_at + 90 * MINUTE),
    }
}

fn history() -> Vec<InvoiceRow> {
    vec![
        row(1, "Family", InvoiceState::Paid),
        row(2, HOSTILE, InvoiceState::Void),
        row(3, "One", InvoiceState::Paid),
    ]
}

fn with_due(state: InvoiceState) -> Vec<InvoiceRow> {
    [vec![row(0, "Family", state)], history()].concat()
}

fn plan(subscription: Option<SubscriptionView>, invoices: Vec<InvoiceRow>) -> BillingView {
    let unpaid = subscription.as_ref().is_some_and(|it| it.state == SubscriptionState::Ended);
    let plan = if subscription.is_some() { "Family" } else { "Free" };
    BillingView {
        plan: plan.to_owned(),
        unpaid,
        subscription,
        offers: offers(),
        invoices,
        credit: Vec::new(),
        provider_page: None,
    }
}

fn plans() -> Screens {
    use SubscriptionState::{Active, Ended, PastDue, Pending};
    let at = || account("/plan");
    let form = FormState::default;
    let show = |view, form| Content::Billing(Billing::Plan { view, form });
    let nothing = BillingView { offers: Vec::new(), ..plan(None, Vec::new()) };
    let to_pay = BillingView { unpaid: true, ..plan(None, Vec::new()) };
    let stopped =
        SubscriptionView { renews_by: None, ends: true, can_renew: true, ..renewed_by("Stripe") };
    let given = BillingView {
        plan: "Free".to_owned(),
        unpaid: false,
        credit: vec![money(250, "EUR"), money(1_200, "JPY")],
        ..plan(Some(subscription(Ended)), history())
    };
    let cancel = Content::Billing(Billing::CancelPlan(renewed_by("Stripe")));
    let limit = PortalError::Limit {
        message: "you have Family already: it can be renewed near its end".to_owned(),
    };
    let active = || plan(Some(subscription(Active)), history());
    let renewed = plan(Some(renewed_by("Stripe")), history());
    let page = ProviderPage {
        name: "Stripe".to_owned(),
        hosts: vec!["billing.stripe.example".to_owned()],
    };
    let changeable = || BillingView {
        provider_page: Some(page.clone()),
        ..plan(Some(renewed_by("Stripe")), history())
    };
    let lapsed = SubscriptionView { renews_by: Some("Stripe".to_owned()), ..subscription(PastDue) };
    let lapsed = BillingView {
        provider_page: Some(page.clone()),
        ..plan(Some(lapsed), with_due(InvoiceState::Open))
    };
    let away = PortalError::Unavailable {
        message: "Stripe does not work at the moment: try again in a few minutes".to_owned(),
    };
    let past_due = plan(Some(subscription(PastDue)), with_due(InvoiceState::Open));
    let pending = plan(Some(subscription(Pending)), vec![row(0, "Family", InvoiceState::Pending)]);
    vec![
        ("plan-free", show(plan(None, Vec::new()), form()), at()),
        ("plan-nothing", show(nothing, form()), at()),
        ("plan-to-pay", show(to_pay, form()), at()),
        ("plan-pending", show(pending, form()), at()),
        ("plan-active", show(active(), form()), at()),
        ("plan-renewed", show(renewed, form()), at()),
        ("plan-changeable", show(changeable(), form()), at()),
        ("plan-lapsed", show(lapsed, form()), at()),
        ("plan-change-refused", show(changeable(), refused(&[], away)), at()),
        ("plan-stopped", show(plan(Some(stopped), history()), form()), at()),
        ("plan-past-due", show(past_due, form()), at()),
        ("plan-ended", show(plan(Some(subscription(Ended)), history()), form()), at()),
        ("plan-given", show(given, form()), at()),
        ("plan-refused", show(active(), refused(&[], limit)), at()),
        ("plan-cancel", cancel, account("/plan/cancel")),
    ]
}

fn invoice(state: InvoiceState, step: Option<CheckoutStep>) -> InvoiceView {
    let by_hand = step.as_ref().is_some_and(CheckoutStep::is_by_hand);
    let method = |number, name: &str, renews| PaymentMethodRow {
        id: id(number),
        name: name.to_owned(),
        renews,
    };
    let of_step = |step: &CheckoutStep| match step {
        CheckoutStep::Redirect(_) | CheckoutStep::Done => "Stripe",
        CheckoutStep::Instructions { .. } => "Bank transfer",
        CheckoutStep::Coins { .. } => "BTCPay Server",
    };
    let row = row(0, "Family", state);
    let paid = state == InvoiceState::Paid;
    InvoiceView {
        due: if paid { money(0, "EUR") } else { row.total },
        row: InvoiceRow { created_at: NOW - 2 * DAY, paid_at: paid.then_some(NOW - DAY), ..row },
        account: id(30),
        email: "ana@example.org".to_owned(),
        period: paid.then_some((NOW - DAY, NOW + 30 * DAY)),
        methods: vec![
            method(1, "Stripe", true),
            method(2, "Bank transfer", false),
            method(3, "BTCPay Server", false),
        ],
        away: None,
        checkout: step.map(|step| CheckoutView {
            method: of_step(&step).to_owned(),
            step,
            expires_at: NOW + 6 * DAY,
            pending: None,
        }),
        failure: None,
        by_hand,
    }
}

fn redirect() -> CheckoutStep {
    CheckoutStep::Redirect("https://checkout.stripe.example/c/pay/cs_live_a1B2?x=1".to_owned())
}

/// Whoever pays there was told of a transfer before.
fn after_transfer() -> InvoiceView {
    InvoiceView { by_hand: true, ..invoice(InvoiceState::Open, Some(redirect())) }
}

fn transfer() -> CheckoutStep {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    CheckoutStep::Instructions {
        fields: vec![
            field("Recipient", "Relay Example GmbH, Lange Straße 1, 60311 Frankfurt am Main"),
            field("Account", "DE89370400440532013000"),
            field("Bank", HOSTILE),
        ],
        reference: "MR-7K2P-9QXD".to_owned(),
    }
}

fn coins() -> CheckoutStep {
    let address = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq";
    CheckoutStep::Coins {
        address: address.to_owned(),
        amount: "0.00012345 BTC".to_owned(),
        uri: format!("bitcoin:{address}?amount=0.00012345"),
    }
}

fn pending(view: InvoiceView, words: &str) -> InvoiceView {
    let words = Some(words.to_owned());
    let checkout = view.checkout.map(|it| CheckoutView { pending: words, ..it });
    InvoiceView { checkout, row: InvoiceRow { state: InvoiceState::Pending, ..view.row }, ..view }
}

fn invoices() -> Screens {
    use InvoiceState::{Open, Paid, Void};
    let at = || account("/plan/invoices/1");
    let show = |view, back| {
        let form = FormState::default();
        Content::Billing(Billing::Invoice { view, back, form })
    };
    let no_way = InvoiceView { methods: Vec::new(), ..invoice(Open, None) };
    let without = |away| show(InvoiceView { away: Some(away), ..no_way.clone() }, false);
    let (silent, stopped) = (without(PayerAway::Silent), without(PayerAway::Stopped));
    let disabled = without(PayerAway::Disabled);
    let partly = InvoiceView { due: money(749, "EUR"), ..invoice(Open, None) };
    let failure = Some(format!("the card was declined: {HOSTILE}"));
    let failed = InvoiceView { failure, ..invoice(Open, None) };
    let unsafe_link = CheckoutStep::Redirect("javascript:alert(1)".to_owned());
    let strange = CheckoutStep::Coins {
        address: "x".repeat(120),
        amount: "1.5 XYZ".to_owned(),
        uri: "javascript:alert(1)".to_owned(),
    };
    let seen = pending(invoice(Open, Some(coins())), "1 of 2 confirmations");
    let away = PortalError::Unavailable { message: "Stripe does not answer".to_owned() };
    let refused =
        Billing::Invoice { view: invoice(Open, None), back: false, form: refused(&[], away) };
    vec![
        ("invoice-open", show(invoice(Open, None), false), at()),
        ("invoice-no-way", show(no_way, false), at()),
        ("invoice-no-answer", silent, at()),
        ("invoice-stopped", stopped, at()),
        ("invoice-disabled", disabled, at()),
        ("invoice-partly", show(partly, false), at()),
        ("invoice-failed", show(failed, true), at()),
        ("invoice-redirect", show(after_transfer(), false), at()),
        ("invoice-back", show(after_transfer(), true), at()),
        ("invoice-unsafe", show(invoice(Open, Some(unsafe_link)), false), at()),
        ("invoice-transfer", show(invoice(Open, Some(transfer())), true), at()),
        ("invoice-coins", show(invoice(Open, Some(coins())), false), at()),
        ("invoice-coins-seen", show(seen, true), at()),
        ("invoice-coins-strange", show(invoice(Open, Some(strange)), false), at()),
        ("invoice-charged", show(invoice(Open, Some(CheckoutStep::Done)), true), at()),
        ("invoice-paid", show(invoice(Paid, None), true), at()),
        ("invoice-void", show(invoice(Void, None), false), at()),
        ("invoice-refused", Content::Billing(refused), at()),
    ]
}

fn payment(number: u128, method: &str, reference: &str) -> PaymentRow {
    PaymentRow {
        id: id(600 + number),
        account: id(30),
        email: "ana@example.org".to_owned(),
        method: method.to_owned(),
        reference: reference.to_owned(),
        amount: money(999, "EUR"),
        refunded: money(0, "EUR"),
        can_refund: true,
        away: None,
        disputed: false,
        at: NOW - DAY * i64::try_from(number).expect("a small number"),
    }
}

fn payments() -> Vec<PaymentRow> {
    let went = money(999, "EUR");
    let btcpay = payment(3, "BTCPay Server", "8Jk2pQ");
    let long = "pi_3NwkZy2eZvKYlo2C1pvVtIdQ_and_more_of_it";
    vec![
        PaymentRow { disputed: true, ..payment(1, "Stripe", long) },
        PaymentRow { refunded: money(250, "EUR"), ..payment(2, "Bank transfer", HOSTILE) },
        PaymentRow {
            can_refund: false,
            amount: money(120_000, "JPY"),
            refunded: money(0, "JPY"),
            ..btcpay
        },
        PaymentRow { refunded: went, ..payment(40, "Stripe", "pi_4") },
    ]
}

/// What a suspended account has is nothing, so that both are seen.
pub(super) fn of_account(state: AccountState) -> AccountBillingView {
    if state == AccountState::Suspended {
        return AccountBillingView {
            subscription: None,
            unpaid: false,
            invoices: Vec::new(),
            payments: Vec::new(),
            credit: Vec::new(),
        };
    }
    AccountBillingView {
        subscription: Some(subscription(SubscriptionState::PastDue)),
        unpaid: true,
        invoices: with_due(InvoiceState::Open),
        payments: payments(),
        credit: vec![money(250, "EUR")],
    }
}

fn for_operators() -> Screens {
    use InvoiceState::{Open, Paid};
    let at = || operator("/operator/payments");
    let one = || operator("/operator/invoices/1");
    let back = || operator("/operator/payments/1/refund");
    let form = FormState::default;
    let list = |awaited, rows, next| {
        let payments = Page { rows, next };
        Content::Billing(Billing::Payments { awaited, payments })
    };
    let hostile = InvoiceView { email: HOSTILE.to_owned(), ..invoice(Open, Some(transfer())) };
    let awaited = vec![hostile, invoice(Open, Some(transfer()))];
    let show = |view, form| Content::Billing(Billing::OperatorInvoice { view, form });
    let refund = |payment, form| Content::Billing(Billing::Refund { payment, form });
    let taken = PortalError::invalid("reference", "another payment has this reference");
    let typed = [("amount", "9.99"), ("reference", HOSTILE)];
    let much = PortalError::invalid("amount", "at most 7.49 EUR of it can still go back");
    let much_typed = [("amount", "8"), ("reason", "asked for it")];
    let [disputed, partly, fixed, gone] =
        <[PaymentRow; 4]>::try_from(payments()).expect("four payments");
    let without = |away| {
        let away = Some((id(7), away));
        refund(PaymentRow { can_refund: false, away, ..partly.clone() }, form())
    };
    let (silent, stopped) = (without(PayerAway::Silent), without(PayerAway::Stopped));
    let disabled = without(PayerAway::Disabled);
    let end = |state, it| {
        Content::Billing(Billing::EndSubscription {
            account: account_row(30, "ana@example.org", state),
            subscription: it,
        })
    };
    let active = end(AccountState::Active, renewed_by("Stripe"));
    let unpaid = end(AccountState::Active, subscription(SubscriptionState::Pending));
    let ending = || operator("/operator/accounts/1/end-subscription");
    vec![
        ("payments", list(awaited, payments(), Some("pay_1".to_owned())), at()),
        ("payments-empty", list(Vec::new(), Vec::new(), None), at()),
        ("operator-invoice", show(invoice(Open, Some(transfer())), form()), one()),
        (
            "operator-invoice-refused",
            show(invoice(Open, Some(transfer())), refused(&typed, taken)),
            one(),
        ),
        ("operator-invoice-elsewhere", show(invoice(Open, Some(redirect())), form()), one()),
        ("operator-invoice-paid", show(invoice(Paid, None), form()), one()),
        ("refund", refund(partly.clone(), form()), back()),
        ("refund-disputed", refund(disputed, form()), back()),
        ("refund-refused", refund(partly, refused(&much_typed, much)), back()),
        ("refund-cannot", refund(fixed, form()), back()),
        ("refund-no-answer", silent, back()),
        ("refund-stopped", stopped, back()),
        ("refund-disabled", disabled, back()),
        ("refund-gone", refund(gone, form()), back()),
        ("subscription-end", active, ending()),
        ("subscription-end-pending", unpaid, ending()),
    ]
}

pub(super) fn screens() -> Screens {
    [plans(), invoices(), for_operators()].concat()
}
