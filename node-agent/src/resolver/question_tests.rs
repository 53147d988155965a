//! Messages, read and written.

use std::net::Ipv4Addr;

use hickory_proto::rr::{
    Name, RData,
    rdata::{A, SOA, TXT},
};
use proptest::prelude::*;

use super::*;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn query(text: &str, kind: RecordType) -> Message {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name(text), kind));
    message
}

fn with_room(mut message: Message, room: u16) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(room);
    message.set_edns(edns);
    message
}

fn question(message: &Message) -> Question {
    match read(&message.to_vec().unwrap()) {
        Reading::Ask(question) => question,
        other => panic!("{other:?}"),
    }
}

fn refusal(message: &Message) -> ResponseCode {
    match read(&message.to_vec().unwrap()) {
        Reading::Refuse(text) => Message::from_vec(&text).unwrap().response_code,
        other => panic!("{other:?}"),
    }
}

fn said(answers: impl IntoIterator<Item = RData>) -> Message {
    let mut message = Message::response(9, OpCode::Query);
    message.metadata.authentic_data = true;
    let owner = name("example.org.");
    message.add_answers(answers.into_iter().map(|it| Record::from_rdata(owner.clone(), 300, it)));
    message
}

fn addresses(count: u8) -> Message {
    said((0..count).map(|it| RData::A(A(Ipv4Addr::new(192, 0, 2, it)))))
}

fn answer(asked: &Message, said: &Message) -> (Message, usize) {
    let text = question(asked).answer(said, 10).unwrap();
    (Message::from_vec(&text).unwrap(), text.len())
}

#[test]
fn an_answer_has_the_id_and_the_letters_of_the_question() {
    let (got, _) = answer(&query("ExAmple.ORG.", RecordType::A), &addresses(2));
    assert_eq!((got.id, got.message_type), (7, MessageType::Response));
    assert_eq!(got.queries[0].name().to_string(), "ExAmple.ORG.");
    assert!(got.recursion_desired && got.recursion_available);
    assert!(!got.authentic_data, "nothing was checked here");
    assert_eq!(got.answers.iter().map(|it| it.ttl).collect::<Vec<_>>(), [290, 290]);
    assert!(got.edns.is_none(), "it did not ask for it");
    assert!(
        answer(&with_room(query("example.org.", RecordType::A), 900), &addresses(2))
            .0
            .edns
            .is_some()
    );
}

#[test]
fn no_comes_with_how_long_it_is_true() {
    let mut no = said([]);
    no.metadata.response_code = ResponseCode::NXDomain;
    let soa = SOA::new(name("ns.org."), name("admin.org."), 1, 2, 3, 4, 60);
    no.add_authority(Record::from_rdata(name("org."), 300, RData::SOA(soa)));
    let (got, _) = answer(&query("example.org.", RecordType::A), &no);
    assert_eq!((got.response_code, got.authorities[0].ttl), (ResponseCode::NXDomain, 290));
}

#[test]
fn an_answer_is_as_long_as_the_device_takes() {
    let asked = query("example.org.", RecordType::A);
    let (got, length) = answer(&asked, &addresses(200));
    assert!(length <= 512 && 480 < length, "{length}");
    assert!(!got.truncation, "some addresses will do");
    let (got, length) = answer(&with_room(asked.clone(), 1232), &addresses(200));
    assert!(length <= 1232 && 1200 < length && !got.truncation, "{length}");
    let (got, _) = answer(&with_room(asked, 65_535), &addresses(150));
    assert_eq!(got.answers.len(), 150);

    let text = || said((0..40).map(|it| RData::TXT(TXT::new(vec![format!("{it:0>200}")]))));
    let asked = query("example.org.", RecordType::TXT);
    let (got, length) = answer(&asked, &text());
    assert!(got.truncation && got.answers.is_empty() && length < 100, "{length}");
    let (got, length) = answer(&with_room(asked, 65_535), &text());
    assert!(got.truncation && length <= MAX_ANSWER);
}

#[test]
fn what_is_nobodys_business_is_refused() {
    assert_eq!(refusal(&query("example.org.", RecordType::ANY)), ResponseCode::Refused);
    assert_eq!(refusal(&query("example.org.", RecordType::AXFR)), ResponseCode::Refused);
    let mut chaos = query("version.bind.", RecordType::TXT);
    chaos.queries[0].set_query_class(DNSClass::CH);
    assert_eq!(refusal(&chaos), ResponseCode::Refused);
    let mut update = query("example.org.", RecordType::SOA);
    update.metadata.op_code = OpCode::Update;
    assert_eq!(refusal(&update), ResponseCode::NotImp);
    let mut newer = with_room(query("example.org.", RecordType::A), 512);
    newer.edns.as_mut().unwrap().set_version(1);
    // The code 16 has two names (RFC 6895 section 2.3).
    assert_eq!(u16::from(refusal(&newer)), u16::from(ResponseCode::BADVERS));
}

#[test]
fn an_upstream_hears_the_name_and_nothing_of_the_device() {
    let mut asked = with_room(query("Secret.Example.org.", RecordType::A), 4096);
    let option = EdnsOption::Unknown(65_001, b"who-i-am".to_vec());
    asked.edns.as_mut().unwrap().options_mut().insert(option);
    let question = question(&asked);
    for padded in [true, false] {
        let text = question.for_upstream(300, padded).unwrap();
        assert!(!text.windows(8).any(|it| it == b"who-i-am"));
        assert_eq!(text.len().is_multiple_of(128), padded, "{}", text.len());
        let sent = Message::from_vec(&text).unwrap();
        assert_eq!((sent.id, sent.recursion_desired), (300, true));
        assert_eq!(sent.queries[0].name().to_string(), "secret.example.org.");
    }
    let long = format!("{0}.{0}.{0}.org.", "a".repeat(60));
    for name in ["org.", "a.example.org.", &long] {
        let text = super::tests::question(&query(name, RecordType::A)).for_upstream(1, true);
        assert_eq!(text.unwrap().len() % 128, 0);
    }
}

#[test]
fn only_the_answer_to_the_question_is_taken() {
    let question = question(&query("example.org.", RecordType::A));
    let mut right = addresses(1);
    right.add_query(Query::query(name("EXAMPLE.org."), RecordType::A));
    assert!(read_answer(&question, 9, &right.to_vec().unwrap()).is_some());
    assert!(read_answer(&question, 8, &right.to_vec().unwrap()).is_none(), "another id");
    let mut other = right.clone();
    other.queries[0].set_name(name("example.net."));
    assert!(read_answer(&question, 9, &other.to_vec().unwrap()).is_none(), "another name");
    right.queries[0].set_query_type(RecordType::AAAA);
    assert!(read_answer(&question, 9, &right.to_vec().unwrap()).is_none(), "another kind");
    assert!(read_answer(&question, 9, &addresses(1).to_vec().unwrap()).is_none(), "no question");
    assert!(read_answer(&question, 9, &[]).is_none());
}

#[test]
fn records_of_unknown_kinds_pass_unchanged() {
    // A signature (RFC 4034 section 3) and a kind from the private range.
    for kind in [46_u16, 65_300] {
        let mut packet = question(&query("example.org.", RecordType::from(kind)))
            .for_upstream(9, false)
            .unwrap();
        packet.truncate(packet.len() - 11);
        (packet[2], packet[7], packet[11]) = (0x81, 1, 0);
        packet.extend([0xc0, 12]);
        packet.extend(kind.to_be_bytes());
        packet.extend([0, 1, 0, 0, 1, 44, 0, 24]);
        let data: Vec<u8> = (100..124).collect();
        packet.extend(&data);
        let asked = query("example.org.", RecordType::from(kind));
        let said = read_answer(&question(&asked), 9, &packet).unwrap();
        let text = question(&asked).answer(&said, 0).unwrap();
        assert!(text.ends_with(&data), "{kind}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_dropped_or_answered_shortly(
        mut packet in prop::collection::vec(any::<u8>(), 0..600),
        tame in any::<bool>(),
    ) {
        // Random counts are dropped at once; these come further.
        if tame && 12 <= packet.len() {
            packet[2] &= 0x07;
            let more = packet[11] % 3;
            packet[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, more]);
        }
        match read(&packet) {
            Reading::Drop => {}
            Reading::Refuse(text) => prop_assert!(text.len() <= 300),
            Reading::Ask(question) => {
                let text = question.no(ResponseCode::ServFail);
                prop_assert!(text.is_none_or(|it| it.len() <= 300));
                prop_assert!(question.for_upstream(1, true).is_none_or(|it| it.len() <= 512));
                drop(read_answer(&question, 1, &packet));
            }
        }
    }

    #[test]
    fn a_damaged_question_never_stops_it(at in 0_usize..60, byte in any::<u8>(), cut in 0_usize..60) {
        let asked = with_room(query("www.example.org.", RecordType::A), 1232);
        let mut packet = asked.to_vec().unwrap();
        if let Some(it) = packet.get_mut(at) {
            *it = byte;
        }
        packet.truncate(packet.len().saturating_sub(cut));
        drop(read(&packet));
    }
}
