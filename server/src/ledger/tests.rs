//! The books, told as stories on both engines.

use myrelay_domain::{
    ids::{AccountId, InstallationId},
    money::Currency,
};

use super::{Book, Kind, credit, record, store, view_credit};
use crate::{
    context::Caller,
    testing::{World, stories},
};

async fn paid(world: &World, about: &str, lines: &[(Book, i64)]) -> crate::Result<bool> {
    let eur = Currency::parse("EUR").unwrap();
    let mut tx = world.context.database.write().await.unwrap();
    let written = record(&world.context, &mut tx, (Kind::Payment, about), eur, lines).await?;
    tx.commit().await.unwrap();
    Ok(written)
}

async fn account(world: &World) -> AccountId {
    let Caller::Account(account) = world.customer("ana").await.caller else { panic!() };
    account
}

stories! {
    async fn an_entry_is_balanced_and_written_once(world) {
        let account = account(&world).await;
        let plugin: InstallationId = world.context.new_id();
        let lines =
            [(Book::Provider(plugin), 970), (Book::Fees, 30), (Book::Customer(account), -1000)];
        assert!(paid(&world, "one", &lines).await.unwrap());
        assert!(!paid(&world, "one", &lines).await.unwrap(), "it is there already");
        assert!(paid(&world, "two", &lines[..2]).await.is_err(), "1000 come from nowhere");
        let overflow = [(Book::Fees, i64::MAX), (Book::Bank, i64::MAX), (Book::Revenue, 2)];
        assert!(paid(&world, "three", &overflow).await.is_err());
        let mut tx = world.context.database.write().await.unwrap();
        let eur = Currency::parse("EUR").unwrap();
        assert_eq!(credit(&mut tx, account, eur).await.unwrap(), 1000);
        let usd = Currency::parse("USD").unwrap();
        assert_eq!(credit(&mut tx, account, usd).await.unwrap(), 0, "currencies are not mixed");
        drop(tx);
        let shown = view_credit(&world.context, account).await.unwrap();
        assert_eq!(shown.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.00 EUR"]);
        let sums = store::sums(world.context.database.read()).await.unwrap();
        assert_eq!(sums, [("EUR".to_owned(), 0)]);
    }
}
