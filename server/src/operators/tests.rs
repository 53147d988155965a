//! Stories about the one-time link and operators' sign-in.

use myrelay_app::contract::{AcceptInvite, OperatorContract, PortalError, SignIn};

use super::{INVITE_MS, any_exists, invite};
use crate::{context::Caller, testing::stories};

fn accept(token: &str, email: &str) -> AcceptInvite {
    AcceptInvite {
        token: token.to_owned(),
        email: email.to_owned(),
        password: "correct horse battery".to_owned(),
    }
}

fn is_refused(result: &Result<impl Sized, PortalError>, field_or_what: &str) -> bool {
    match result {
        Err(PortalError::Invalid { field, .. }) => field == field_or_what,
        Err(PortalError::NotFound { what }) => what == field_or_what,
        _ => false,
    }
}

stories! {
    async fn the_first_owner_sets_a_password_by_a_link_that_works_once(world) {
        assert!(!any_exists(&world.context).await.unwrap());
        let token = invite(&world.context).await.unwrap().token.expose();
        let visitor = world.api(Caller::Visitor);
        visitor.check_invite(&token).await.unwrap();
        let olga = visitor.accept_invite(accept(&token, "olga@example.org")).await.unwrap();
        assert!(any_exists(&world.context).await.unwrap());
        let input = || SignIn {
            email: "OLGA@example.org".to_owned(),
            password: "correct horse battery".to_owned(),
        };
        assert_eq!(visitor.sign_in_operator(input()).await.unwrap(), olga);
        let me = world.api(Caller::Operator(olga.operator)).operator().await.unwrap();
        assert_eq!(me.email, "olga@example.org");

        let again = visitor.accept_invite(accept(&token, "eve@example.org")).await;
        assert!(is_refused(&again, "token"), "{again:?}");
        assert!(is_refused(&visitor.check_invite(&token).await, "token"));
        let wrong = SignIn { password: "wrong horse battery".to_owned(), ..input() };
        assert!(is_refused(&visitor.sign_in_operator(wrong).await, "email"));
    }

    async fn a_link_that_is_over_replaced_or_made_up_is_refused(world) {
        let visitor = world.api(Caller::Visitor);
        let old = invite(&world.context).await.unwrap().token.expose();
        let token = invite(&world.context).await.unwrap().token.expose();
        assert!(is_refused(&visitor.check_invite(&old).await, "link"));
        assert!(is_refused(&visitor.check_invite("made up").await, "link"));
        world.clock.advance(INVITE_MS);
        let late = visitor.accept_invite(accept(&token, "olga@example.org")).await;
        assert!(is_refused(&late, "token"), "{late:?}");
        assert!(!any_exists(&world.context).await.unwrap());
    }

    async fn of_many_who_use_one_link_at_once_one_becomes_owner(world) {
        let token = invite(&world.context).await.unwrap().token.expose();
        let all = (0..8).map(|n| {
            let api = world.api(Caller::Visitor);
            let input = accept(&token, &format!("o{n}@example.org"));
            async move { api.accept_invite(input).await }
        });
        let done = futures::future::join_all(all).await;
        assert_eq!(done.iter().filter(|it| it.is_ok()).count(), 1);
        assert_eq!(world.count("SELECT COUNT(*) FROM operators").await, 1);
    }

    async fn p25_the_link_is_stored_as_a_hash_only(world) {
        let token = invite(&world.context).await.unwrap().token;
        let hash = token.hash();
        assert_ne!(hash.as_str(), token.expose());
        assert_eq!(world.count("SELECT COUNT(*) FROM operator_invites").await, 1);
        let found = crate::operators::store::find_invite(world.context.database.read(), &hash).await.unwrap();
        assert!(found.is_some());
    }

    async fn customers_are_no_operators(world) {
        let ana = world.customer("ana").await;
        assert_eq!(ana.api().operator().await, Err(PortalError::NotAllowed));
        assert_eq!(ana.api().overview().await, Err(PortalError::NotAllowed));
        let visitor = world.api(Caller::Visitor);
        assert_eq!(visitor.overview().await, Err(PortalError::SignedOut));
    }
}
