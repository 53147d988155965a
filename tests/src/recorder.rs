//! A wire that remembers: between a browser and the portal it keeps every byte the browser sends.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A recording TCP proxy on loopback. It ends when this is dropped.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    sent: Arc<Mutex<Vec<u8>>>,
    _tasks: JoinSet<()>,
}

impl Recorder {
    /// Listens on loopback and passes everything on to the portal.
    pub async fn start(portal: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let sent = Arc::<Mutex<Vec<u8>>>::default();
        let mut tasks = JoinSet::new();
        let kept = Arc::clone(&sent);
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((browser, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                open.spawn(async move {
                    // A connection that breaks is the browser's to open again.
                    drop(pass(browser, portal, &kept).await);
                });
            }
        });
        Ok(Self { address, sent, _tasks: tasks })
    }

    /// Where the browser goes.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was sent to the portal so far.
    pub fn sent(&self) -> Vec<u8> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(browser: TcpStream, portal: SocketAddr, kept: &Mutex<Vec<u8>>) -> Result<()> {
    let portal = TcpStream::connect(portal).await?;
    let (mut from_browser, mut to_browser) = browser.into_split();
    let (mut from_portal, mut to_portal) = portal.into_split();
    let up = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from_browser.read(&mut buffer).await?;
            if read == 0 {
                return to_portal.shutdown().await;
            }
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..read]);
            to_portal.write_all(&buffer[..read]).await?;
        }
    };
    let down = async {
        tokio::io::copy(&mut from_portal, &mut to_browser).await?;
        to_browser.shutdown().await
    };
    tokio::try_join!(up, down)?;
    Ok(())
}
