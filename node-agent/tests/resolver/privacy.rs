//! What nobody may learn from the resolver.

use std::{
    io,
    sync::{Arc, Mutex},
};

use hickory_proto::{op::ResponseCode, rr::RecordType};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use super::{
    device::{Device, options, query, settings, start},
    support::authority::Authority,
    upstream::{Manner, Upstream, right},
};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn p37_no_name_no_device_and_no_answer_is_logged_at_any_level() {
    let log = Log::default();
    // For the whole process, whatever thread: the other tests here are heard too.
    let everything = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone());
    tracing::subscriber::set_global_default(everything.finish()).unwrap();
    tracing::trace!("this is heard");

    let authority = Authority::new();
    let upstreams = [
        Upstream::by_tls(&authority, &right()).await,
        Upstream::by_tls(&Authority::new(), &right()).await,
        Upstream::plain().await,
    ];
    let all: Vec<&Upstream> = upstreams.iter().collect();
    let blocked = ["blocked.example"];
    let resolver = start(settings(&all, &blocked), options(&authority, None)).unwrap();
    let phone = Device::of_pod(3, &resolver).await;
    for manner in
        [Manner::Answer, Manner::Close, Manner::Lie, Manner::Fail, Manner::Cut, Manner::Silent]
    {
        for upstream in &upstreams {
            upstream.be(manner);
        }
        phone.ask(&format!("marker-{manner:?}.example.")).await;
    }
    let answer = phone.ask("marker.blocked.example.").await;
    assert_eq!(answer.response_code, ResponseCode::NXDomain);
    phone.send(&query(1, "marker-any.example.", RecordType::ANY)).await;
    phone.hear().await;
    let mut cut = query(1, "marker-cut.example.", RecordType::A).to_vec().unwrap();
    cut.truncate(20);
    phone.socket.send(&cut).await.unwrap();
    resolver.change(&settings(&all[..1], &[])).unwrap();
    upstreams[0].be(Manner::Answer);
    phone.ask("marker-last.example.").await;

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).to_lowercase();
    let shown = format!("{resolver:?} {:?} {:?}", resolver.totals(), resolver.trouble());
    assert!(log.contains("this is heard"));
    for text in [log, shown.to_lowercase()] {
        for secret in ["marker", "127.0.3.2", "192.0.2.53"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn p40_only_who_was_named_is_contacted_and_only_to_ask() {
    let authority = Authority::new();
    let named = Upstream::by_tls(&authority, &right()).await;
    let unnamed = Upstream::by_tls(&authority, &right()).await;
    let resolver = start(settings(&[&named], &[]), options(&authority, None)).unwrap();
    let phone = Device::of_pod(1, &resolver).await;
    phone.ask("printer.local.").await;
    assert_eq!(named.heard().connections, 0, "nothing was asked that it should hear");
    phone.ask("www.example.org.").await;
    named.be(Manner::Fail);
    let answer = phone.ask("failed.example.org.").await;
    assert_eq!(answer.response_code, ResponseCode::ServFail);
    assert_eq!(unnamed.heard().connections, 0, "failing is no reason to ask others");

    resolver.change(&settings(&[&unnamed], &[])).unwrap();
    let before = named.heard().names.len();
    phone.ask("after.example.org.").await;
    assert_eq!(named.heard().names.len(), before, "it is named no more");
    assert_eq!(unnamed.heard().names, ["after.example.org."]);
}
