//! Stories about signing up and signing in.

use myrelay_app::contract::{
    AccountContract, AccountState, PortalError, SignIn, SignUp, SignedInAccount,
};

use crate::{
    context::Caller,
    outbox,
    testing::{World, stories},
};

fn sign_up(email: &str, password: &str) -> SignUp {
    SignUp { email: email.to_owned(), password: password.to_owned() }
}

fn sign_in(email: &str, password: &str) -> SignIn {
    SignIn { email: email.to_owned(), password: password.to_owned() }
}

fn field(error: &PortalError) -> &str {
    match error {
        PortalError::Invalid { field, .. } => field,
        other => panic!("no field in {other:?}"),
    }
}

async fn try_sign_in(
    world: &World,
    email: &str,
    password: &str,
) -> Result<SignedInAccount, PortalError> {
    world.api(Caller::Visitor).sign_in(sign_in(email, password)).await
}

stories! {
    async fn somebody_signs_up_and_signs_in_again(world) {
        let visitor = world.api(Caller::Visitor);
        let made = visitor.sign_up(sign_up(" Ana@Example.org", "correct horse battery")).await.unwrap();
        let found = try_sign_in(&world, "ana@example.org", "correct horse battery").await.unwrap();
        assert_eq!(made, found);
        let view = world.api(Caller::Account(made.account)).account().await.unwrap();
        assert_eq!((view.email.as_str(), view.plan.as_str()), ("ana@example.org", "Free"));
        assert_eq!(outbox::names(&world.context).await, ["account.created"]);
    }

    async fn a_form_sent_twice_signs_in_and_a_stranger_gets_no_account(world) {
        let visitor = world.api(Caller::Visitor);
        let one = visitor.sign_up(sign_up("ana@example.org", "correct horse battery")).await.unwrap();
        let two = visitor.sign_up(sign_up("ana@example.org", "correct horse battery")).await.unwrap();
        assert_eq!(one, two);
        let stranger = visitor.sign_up(sign_up("ana@example.org", "another long password")).await;
        assert_eq!(field(&stranger.unwrap_err()), "email");
        assert_eq!(world.count("SELECT COUNT(*) FROM accounts").await, 1);
    }

    async fn what_is_wrong_with_a_form_is_said_by_field(world) {
        let visitor = world.api(Caller::Visitor);
        let refused = async |email: &str, password: &str| {
            visitor.sign_up(sign_up(email, password)).await.unwrap_err()
        };
        assert_eq!(field(&refused("ana", "correct horse battery").await), "email");
        assert_eq!(field(&refused("ana@example.org", "short").await), "password");
        assert_eq!(field(&refused("ana@example.org", &"x".repeat(300)).await), "password");
        assert_eq!(world.count("SELECT COUNT(*) FROM accounts").await, 0);
    }

    async fn an_unknown_address_a_wrong_password_and_a_suspended_account_look_the_same(world) {
        let operator = world.operator("olga").await;
        let Caller::Account(bob) = world.customer("bob").await.caller else { panic!() };
        world.customer("ana").await;
        operator.api().suspend_account(&bob.to_string()).await.unwrap();
        let wrong = try_sign_in(&world, "ana@example.org", "wrong horse battery").await;
        for (email, password) in [
            ("nobody@example.org", "correct horse battery"),
            ("no address", "correct horse battery"),
            ("bob@example.org", "correct horse battery"),
            ("ana@example.org", ""),
            ("ana@example.org", &"x".repeat(1000)),
        ] {
            assert_eq!(try_sign_in(&world, email, password).await, wrong, "{email}");
        }
        assert_eq!(field(&wrong.unwrap_err()), "email");
    }

    async fn an_operator_finds_accounts_and_nobody_else_does(world) {
        let operator = world.operator("olga").await;
        let ana = world.customer("ana").await;
        for n in 0..51 {
            // Ids are ordered by time.
            world.clock.advance(1);
            world.customer(&format!("x{n}")).await;
        }
        let first = operator.api().list_accounts("", None).await.unwrap();
        assert_eq!(first.rows.len(), 50);
        assert_eq!(first.rows[0].email, "x50@example.org");
        let second = operator.api().list_accounts("", first.next.as_deref()).await.unwrap();
        assert_eq!((second.rows.len(), second.next), (2, None));
        let found = operator.api().list_accounts("ANA@", None).await.unwrap();
        assert_eq!(found.rows.len(), 1);
        assert_eq!(found.rows[0].state, AccountState::Active);
        assert_eq!(operator.api().list_accounts("%", None).await.unwrap().rows.len(), 0);
        let id = found.rows[0].id.to_string();
        assert_eq!(operator.api().get_account(&id).await.unwrap(), found.rows[0]);
        let unknown = operator.api().get_account("acct_1").await;
        assert_eq!(unknown, Err(PortalError::NotFound { what: "account".to_owned() }));
        assert_eq!(ana.api().get_account(&id).await, Err(PortalError::NotAllowed));
        assert_eq!(ana.api().list_accounts("", None).await, Err(PortalError::NotAllowed));
        let visitor = world.api(Caller::Visitor);
        assert_eq!(visitor.list_accounts("", None).await, Err(PortalError::SignedOut));
    }
}
