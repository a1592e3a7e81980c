//! The worker behind the `security` queue, on the emulator's tables and queues: what it keeps, what
//! comes back, what is set aside.

use aragora_audit::Reporter;
use aragora_audit::worker::{AuditReport, AuditWorker};
use aragora_core::audit::{Action, Happening};
use aragora_core::metrics::{Amount, Counters};
use aragora_core::time::Millis;
use aragora_events::announce::Announcer;
use aragora_events::publish::Publisher;
use aragora_queue::inbound::InboundMessage;
use aragora_queue::message::{Report, decode, encode};
use aragora_tests::proxy::Fault;
use aragora_tests::queues::Queue;
use aragora_tests::wait::{PATIENCE, eventually};

use crate::adapters::{Lab, T0, on_the_emulator};

fn clock() -> Millis {
    T0
}

async fn worker(lab: &Lab) -> (AuditWorker, Queue) {
    let (dead_letters, seen) = lab.queue().await;
    let publisher = Publisher {
        events: lab.events().await,
        intents: lab.intents().await,
        queue: lab.queue().await.0,
        retention_days: 30,
    };
    let announcer = Announcer { publisher, registrations: lab.registrations().await };
    let log = lab.audit_log().await.0;
    (AuditWorker { log, announcer, dead_letters, retention_days: 400, clock }, seen)
}

fn happening(org: &str) -> Happening {
    Happening { org: org.to_owned(), ..Happening::new(Action::RateExceeded, T0) }
}

fn message(id: &str, body: String) -> InboundMessage {
    InboundMessage {
        message_id: id.to_owned(),
        body,
        receive_count: 1,
        request_id: None,
        group: Some("org".to_owned()),
        source_arn: "arn".to_owned(),
    }
}

fn told(id: &str, happenings: &[Happening]) -> InboundMessage {
    let org = happenings[0].org.clone();
    message(id, encode(&Report { org, happenings: happenings.to_vec() }))
}

#[tokio::test]
async fn one_organisations_messages_are_one_append() {
    on_the_emulator(async |lab| {
        let (worker, _) = worker(lab).await;
        let (one, two, three) = (happening("one"), happening("one"), happening("two"));
        let batch = || {
            vec![
                told("1", std::slice::from_ref(&one)),
                told("2", std::slice::from_ref(&three)),
                told("3", &[two.clone(), one.clone()]),
            ]
        };
        let report = worker.handle(batch()).await;
        assert_eq!(report, AuditReport { appended: 3, known: 1, ..AuditReport::default() });
        assert_eq!(lab.proxy.calls("PutItem").len(), 3);
        // The end of each log, and who subscribes in each organisation.
        assert_eq!(lab.proxy.calls("Query").len(), 4);
        let again = worker.handle(batch()).await;
        assert_eq!(again, AuditReport { known: 4, ..AuditReport::default() });
        let (places, _) = worker.log.chain("one", 1, 10).await.unwrap();
        let kept: Vec<_> = places.into_iter().map(|it| it.entry.unwrap().happening).collect();
        assert_eq!(kept, [one, two]);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_kept_comes_back_and_only_that() {
    on_the_emulator(async |lab| {
        let (worker, dead) = worker(lab).await;
        let batch = vec![
            told("1", &[happening("one")]),
            message("2", "garbage".to_owned()),
            told("3", &[Happening { actor: "a\u{7}".to_owned(), ..happening("one") }]),
        ];
        lab.proxy.script("PutItem", (0..3).map(|_| Fault::throttled()));
        let report = worker.handle(batch).await;
        assert_eq!(report.failed, ["1"]);
        assert_eq!((report.appended, report.poison), (0, 2));
        let mut reasons = Vec::new();
        eventually(PATIENCE, "two dead letters", async || {
            for message in dead.receive(60).await {
                reasons.push(message.attribute("reason").unwrap().to_owned());
            }
            (reasons.len() == 2).then_some(())
        })
        .await;
        reasons.sort();
        assert_eq!(reasons, ["malformed", "unsound"]);
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_died_before_it_told_tells_the_next_time() {
    on_the_emulator(async |lab| {
        let (worker, _) = worker(lab).await;
        let batch = || vec![told("1", &[happening("one")])];
        // The first Query is of the log, the second of who subscribes.
        let down = (0..3).map(|_| Fault::internal());
        lab.proxy.script("Query", std::iter::once(Fault::Pass).chain(down));
        assert_eq!(worker.handle(batch()).await.failed, ["1"]);
        assert_eq!(lab.proxy.unused(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_report_is_one_request_and_one_that_is_lost_is_counted() {
    on_the_emulator(async |lab| {
        let (queue, seen) = lab.queue().await;
        let reporter = Reporter { queue, counters: std::sync::Arc::new(Counters::default()) };
        reporter.report(vec![]).await;
        assert_eq!(lab.proxy.calls("SendMessageBatch").len(), 0);

        let long = Happening { actor: "x\n".repeat(9_000), ..happening("one") };
        let mut happenings: Vec<_> = (0..30).map(|_| happening("one")).collect();
        happenings.push(long);
        reporter.report(happenings.clone()).await;
        assert_eq!(lab.proxy.calls("SendMessageBatch").len(), 1);
        let mut read: Vec<Happening> = Vec::new();
        eventually(PATIENCE, "31 happenings", async || {
            for message in seen.receive(60).await {
                assert_eq!(message.group.as_deref(), Some("one"));
                read.extend(decode::<Report>(&message.body).unwrap().happenings);
            }
            (read.len() == 31).then_some(())
        })
        .await;
        assert!(read.iter().all(Happening::is_sound));
        let counted = |lost: u64| {
            let counted = reporter.counters.take();
            let of = |name: &str| {
                let found = counted.iter().find(|it| it.metric.name() == name);
                found.map_or(Amount::Count(0), |it| it.amount.clone())
            };
            let lost = Amount::Count(lost);
            assert_eq!(of("aragora_security_reports_lost_total"), lost);
            of("aragora_security_events_total")
        };
        assert_eq!(counted(0), Amount::Count(31));

        lab.proxy.script("SendMessageBatch", (0..3).map(|_| Fault::internal()));
        reporter.report(vec![happening("one"), happening("two")]).await;
        assert_eq!(lab.proxy.unused(), 0);
        assert_eq!(counted(2), Amount::Count(2));

        // A queue that hangs does not hold the caller up.
        let hangs = Fault::Delay(std::time::Duration::from_secs(20));
        lab.proxy.script("SendMessageBatch", [hangs]);
        let began = std::time::Instant::now();
        reporter.report(vec![happening("one")]).await;
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(counted(1), Amount::Count(1));
    })
    .await;
}
