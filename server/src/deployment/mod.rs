//! The deployment: what this installation of the service is, made at its first start.

mod store;

use anyhow::Context as _;
use ipnet::Ipv4Net;
use myrelay_domain::{addresses::AddressPlan, ids::DeploymentId};

use crate::{
    Result,
    context::{Clock, Ids, Random},
    database::{Database, Write},
};

/// Facts of this deployment, kept in the database.
#[derive(Clone, Copy, Debug)]
pub struct Deployment {
    pub id: DeploymentId,
    /// Changes when the database is restored.
    pub epoch: i64,
    pub addresses: AddressPlan,
}

impl Deployment {
    /// Reads the deployment, or makes it: its id and its IPv6 site are random. Pods that exist
    /// must still lie in the IPv4 pool.
    pub async fn load_or_create(
        database: &Database,
        clock: &dyn Clock,
        random: &dyn Random,
        v4_pool: Ipv4Net,
    ) -> anyhow::Result<Self> {
        let mut site = [0; 5];
        random.fill(&mut site);
        let made = store::Row {
            id: Ids::default().next(clock, random),
            epoch: 1,
            v6_site: AddressPlan::v6_site(site),
        };
        let mut tx = database.write().await?;
        let row = store::get_or_insert(&mut tx, made, clock.now_ms()).await?;
        let highest = store::highest_range(&mut tx).await?;
        tx.commit().await?;
        let addresses = AddressPlan::new(v4_pool, row.v6_site).context("v4-pool")?;
        if let Some(highest) = highest
            && addresses.pod_range(highest).is_none()
        {
            anyhow::bail!(
                "v4-pool: {v4_pool} has no place for the {} ranges that were given out already",
                highest + 1
            );
        }
        Ok(Self { id: row.id, epoch: row.epoch, addresses })
    }
}

/// Counts an allocation of an address range: whoever allocates next waits for this transaction.
pub(crate) async fn count_allocation(tx: &mut Write) -> Result<()> {
    Ok(store::count_allocation(tx).await?)
}

/// Notes which resolvers nodes are told; answers whether they were others before.
pub(crate) async fn set_resolver(tx: &mut Write, resolver: &str) -> Result<bool> {
    Ok(store::set_resolver(tx, resolver).await?)
}
