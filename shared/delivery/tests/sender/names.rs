//! Names that lie: what they resolve to, and when they change their mind.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aragora_delivery::resolve::{HostState, LookupError, Resolver, check_target};
use aragora_delivery::sender::{ErrorClass, Sender};

use crate::receiver::{Receiver, Trap};
use crate::{LOOPBACK, Names, PATIENT, PUBLIC, failure, policy, post, url};

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// A name server that is out of order.
struct Failing;

impl Resolver for Failing {
    async fn lookup(&self, _host: &str) -> Result<Vec<IpAddr>, LookupError> {
        Err(LookupError::NotFound)
    }
}

/// What no name may lead to: every family of private addresses, and every way of writing one
/// inside an IPv6 address, the public ones included.
const REFUSED: &str = "0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 \
    192.0.0.170 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.251 \
    240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 \
    ::ffff:93.184.215.14 ::ffff:0:127.0.0.1 ::127.0.0.1 ::10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe \
    64:ff9b::5db8:d70e 64:ff9b:1::7f00:1 64:ff9b:1:ffff::a00:1 100::1 \
    2001:0:4136:e378:8000:63bf:80ff:fffe 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: \
    2002:a9fe:a9fe::1 2002:5db8:d70e::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 \
    fe80::a9fe:a9fe fec0::1 ff02::1";

#[tokio::test]
async fn a_name_with_one_refused_address_gets_no_packet_whatever_else_it_has() {
    let trap = Trap::set();
    for refused in REFUSED.split_whitespace().map(address) {
        for addresses in [&[refused][..], &[PUBLIC, refused], &[refused, PUBLIC]] {
            let names = Arc::new(Names::always(addresses));
            let policy = policy(trap.port(), false);
            let target = check_target(&policy, &names, &url(trap.port())).await;
            assert_eq!(target.expect_err("refused").rule(), "resolved_address", "{addresses:?}");
            let sender = Sender::new(policy, Arc::clone(&names)).expect("a sender");
            let got = failure(post(&sender, &url(trap.port()), PATIENT).await);
            assert_eq!(
                (got.class, got.message.as_ref()),
                (ErrorClass::Blocked, "blocked"),
                "{addresses:?}"
            );
            assert_eq!(names.asked(), 2, "one look-up each");
        }
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn the_loopback_switch_admits_no_other_spelling_of_it() {
    let trap = Trap::set();
    for spelling in
        ["::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "0.0.0.0"]
    {
        let names = Names::always(&[LOOPBACK, address(spelling)]);
        let sender = Sender::new(policy(trap.port(), true), names).expect("a sender");
        let got = failure(post(&sender, &url(trap.port()), PATIENT).await);
        assert_eq!(got.class, ErrorClass::Blocked, "{spelling}");
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn a_connection_in_use_is_kept_but_no_new_one_is_made_to_where_the_name_leads_now() {
    let (closed, mut closings) = tokio::sync::mpsc::unbounded_channel();
    let mut receiver = Receiver::start(move |mut connection| {
        let closed = closed.clone();
        async move {
            for reply in ["", "connection: close\r\n"] {
                connection.request().await;
                let reply = format!("HTTP/1.1 200 OK\r\n{reply}content-length: 0\r\n\r\n");
                connection.write(reply).await;
            }
            drop(connection);
            closed.send(()).expect("the test is waiting");
        }
    })
    .await;
    // Linux would connect to the second as to the first: the receiver would see it.
    let now = address("::ffff:127.0.0.1");
    let names = Arc::new(Names::in_turn([&[LOOPBACK], &[now]]));
    let sender = Sender::new(policy(receiver.port, true), Arc::clone(&names)).expect("a sender");
    for _ in 0..2 {
        assert!(post(&sender, &url(receiver.port), PATIENT).await.is_success());
        assert_eq!((receiver.seen().await.connection, names.asked()), (0, 1));
    }
    closings.recv().await.expect("the receiver hangs up");
    for asked in 2..5 {
        let got = failure(post(&sender, &url(receiver.port), PATIENT).await);
        assert_eq!((got.class, names.asked()), (ErrorClass::Blocked, asked));
    }
    receiver.assert_quiet();
}

#[tokio::test]
async fn deliveries_at_once_are_each_checked_at_their_own_connection() {
    // The first connection is admitted; whoever needs another one is not.
    let receiver = Receiver::start(|mut connection| async move {
        while connection.request().await.is_some() {
            tokio::time::sleep(Duration::from_millis(300)).await;
            connection.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        }
    })
    .await;
    let names = Arc::new(Names::in_turn([&[LOOPBACK], &[address("10.0.0.1")]]));
    let sender = Sender::new(policy(receiver.port, true), names).expect("a sender");
    let target = url(receiver.port);
    let (first, second) =
        tokio::join!(post(&sender, &target, PATIENT), post(&sender, &target, PATIENT));
    assert!(first.is_success());
    assert_eq!(failure(second).class, ErrorClass::Blocked);
}

#[tokio::test]
async fn of_several_admitted_addresses_one_that_answers_is_enough() {
    let mut receiver = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    // Nobody listens on the first.
    let names = Arc::new(Names::always(&[address("127.0.0.2"), LOOPBACK]));
    let sender = Sender::new(policy(receiver.port, true), Arc::clone(&names)).expect("a sender");
    assert!(post(&sender, &url(receiver.port), PATIENT).await.is_success());
    receiver.seen().await;
    assert_eq!(names.asked(), 1);
}

#[tokio::test]
async fn a_name_server_that_fails_is_a_failure_of_the_attempt_only() {
    let target = "http://receiver.test/";
    let checked = check_target(&policy(80, false), &Failing, target).await;
    assert_eq!(checked.expect("it may be registered").host, HostState::Unresolved);
    let sender = Sender::new(policy(80, false), Failing).expect("a sender");
    let got = failure(post(&sender, target, PATIENT).await);
    assert_eq!(
        (got.class, got.message.as_ref()),
        (ErrorClass::Dns, "the host name does not resolve")
    );
}
