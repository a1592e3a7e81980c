//! The guard: refused targets get no packet, and what was checked is what is called.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use aragora_core::url_policy::UrlRefusal;
use aragora_delivery::resolve::{
    HostState, LOOKUP_LIMIT, LookupError, Resolver, SystemResolver, check_target,
};
use aragora_delivery::sender::{ErrorClass, Sender};
use tokio::time::Instant;

use crate::receiver::{Receiver, Trap};
use crate::{LOOPBACK, Names, PATIENT, PUBLIC, failure, policy, post, url};

/// A name server that never answers.
struct Silent;

impl Resolver for Silent {
    async fn lookup(&self, _host: &str) -> Result<Vec<IpAddr>, LookupError> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn one_refused_address_among_public_ones_blocks_the_name() {
    let trap = Trap::set();
    let mapped = IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1));
    for addresses in
        [&[PUBLIC, LOOPBACK][..], &[LOOPBACK, PUBLIC], &[LOOPBACK], &[PUBLIC, mapped], &[mapped]]
    {
        let names = Arc::new(Names::always(addresses));
        let sender = Sender::new(policy(trap.port(), false), Arc::clone(&names)).expect("a sender");
        let got = failure(post(&sender, &url(trap.port()), PATIENT).await);
        assert_eq!((got.class, got.message.as_ref()), (ErrorClass::Blocked, "blocked"));
        assert_eq!(names.asked(), 1);
        trap.assert_untouched();
    }
}

#[tokio::test]
async fn a_name_that_changes_after_the_check_is_blocked_when_called() {
    let trap = Trap::set();
    let names = Arc::new(Names::in_turn([&[PUBLIC], &[LOOPBACK]]));
    let policy = policy(trap.port(), false);
    let target = check_target(&policy, &names, &url(trap.port())).await.expect("public today");
    assert_eq!(target.host, HostState::Resolves);

    let sender = Sender::new(policy, Arc::clone(&names)).expect("a sender");
    let got = failure(post(&sender, target.url.as_str(), PATIENT).await);
    assert_eq!(got.class, ErrorClass::Blocked);
    assert_eq!(names.asked(), 2, "one look-up for the check and one for the connection");
    trap.assert_untouched();
}

#[tokio::test]
async fn a_connection_goes_to_the_one_answer_that_was_checked() {
    let mut receiver = Receiver::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    // Whoever asked a second time would be led astray.
    let names = Arc::new(Names::in_turn([&[LOOPBACK], &[PUBLIC]]));
    let sender = Sender::new(policy(receiver.port, true), Arc::clone(&names)).expect("a sender");
    for _ in 0..3 {
        assert!(post(&sender, &url(receiver.port), PATIENT).await.is_success());
        assert_eq!(receiver.seen().await.connection, 0);
    }
    assert_eq!(names.asked(), 1, "one look-up per connection, not per request");
}

#[tokio::test]
async fn literal_addresses_and_their_legacy_spellings_are_checked_without_a_look_up() {
    let trap = Trap::set();
    let names = Arc::new(Names::always(&[PUBLIC]));
    let sender = Sender::new(policy(trap.port(), false), Arc::clone(&names)).expect("a sender");
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "10.0.0.1",
        "169.254.169.254",
        "localhost",
        "metadata.google.internal.",
    ] {
        let target = format!("http://{host}:{}/hook", trap.port());
        let got = failure(post(&sender, &target, PATIENT).await);
        assert_eq!((got.class, got.message.as_ref()), (ErrorClass::Blocked, "blocked"), "{host}");
    }
    assert_eq!(names.asked(), 0);
    trap.assert_untouched();
}

#[tokio::test]
async fn urls_against_the_policy_are_not_even_looked_up() {
    let names = Arc::new(Names::always(&[PUBLIC]));
    let sender = Sender::new(policy(80, false), Arc::clone(&names)).expect("a sender");
    for target in [
        "",
        "receiver.test",
        "ftp://receiver.test/",
        "http://user:pass@receiver.test/",
        "http://receiver.test:22/",
        "http://receiver.test/#part",
    ] {
        let got = failure(post(&sender, target, PATIENT).await);
        assert_eq!(got.class, ErrorClass::InvalidUrl, "{target}");
    }
    assert_eq!(names.asked(), 0);
}

#[tokio::test]
async fn a_registration_learns_what_its_host_is() {
    let policy = policy(80, false);
    for (target, addresses, expected) in [
        ("http://receiver.test/", &[PUBLIC][..], HostState::Resolves),
        ("http://receiver.test/", &[][..], HostState::Unresolved),
        ("http://93.184.215.14/", &[][..], HostState::Address),
    ] {
        let checked = check_target(&policy, &Names::always(addresses), target).await;
        assert_eq!(checked.expect("it may be registered").host, expected, "{target}");
    }
    let names = Names::always(&[PUBLIC, LOOPBACK]);
    let refusal = check_target(&policy, &names, "http://receiver.test/").await;
    assert_eq!(refusal.expect_err("one address is refused"), UrlRefusal::ResolvedAddress);
    let refusal = check_target(&policy, &names, "http://127.0.0.1/").await;
    assert!(matches!(refusal, Err(UrlRefusal::Address)));
}

#[tokio::test(start_paused = true)]
async fn a_name_server_gets_two_seconds() {
    let started = Instant::now();
    let target = check_target(&policy(80, false), &Silent, "http://receiver.test/").await;
    assert_eq!(target.expect("it may be registered").host, HostState::Unresolved);
    assert!(started.elapsed() >= LOOKUP_LIMIT);

    let sender = Sender::new(policy(80, false), Silent).expect("a sender");
    let got = failure(post(&sender, "http://receiver.test/", PATIENT).await);
    assert_eq!(got.class, ErrorClass::Dns);
    assert_eq!(got.message, "the host name did not resolve within 2 seconds");

    // The request's own limit covers the look-up too.
    let got = failure(post(&sender, "http://receiver.test/", Duration::from_secs(1)).await);
    assert_eq!(got.class, ErrorClass::Timeout);
}

#[tokio::test]
async fn the_system_resolver_knows_this_machine() {
    // `localhost` needs no name server (RFC 6761); the policy's part is tested elsewhere.
    let addresses = SystemResolver.lookup("localhost").await.expect("it resolves");
    assert!(!addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback));
    // A label of 64 characters fits in no question, so no name server is asked for it either.
    let unaskable = "x".repeat(64) + ".test";
    let found = SystemResolver.lookup(&unaskable).await;
    assert_eq!(found, Err(LookupError::NotFound));
}
