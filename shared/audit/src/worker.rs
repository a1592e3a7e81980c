//! The worker behind the `security` queue: appends what was reported to the log of its
//! organisation, and publishes it for those who subscribe to it.
//!
//! All messages of one organisation in a batch are one append. Doing it twice does no harm: what is
//! in the log already is not appended again, and an event has the id of its happening.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use aragora_core::access::PLATFORM_ORG;
use aragora_core::audit::Happening;
use aragora_core::time::Clock;
use aragora_events::announce::{Announcement, Announcer};
use aragora_queue::inbound::InboundMessage;
use aragora_queue::message::{Report, decode};
use aragora_queue::{Queue, bury};
use aragora_store::audit::{AuditLog, Terms};
use futures_util::FutureExt;
use futures_util::future::join_all;

/// The project that security events belong to: they are of the whole organisation, and a webhook is
/// of one project.
pub const PROJECT: &str = "default";
/// How many entries back a happening is looked for that was reported before, besides those of the
/// batch.
const LOOK_BACK: u16 = 25;
/// The same for a message that came back: others may have been faster meanwhile.
const LOOK_BACK_AGAIN: u16 = 250;

/// The worker.
#[derive(Debug)]
pub struct AuditWorker {
    /// Where the chains are.
    pub log: AuditLog,
    /// Tells those who subscribe to it.
    pub announcer: Announcer,
    /// Where messages go that can never be read.
    pub dead_letters: Queue,
    /// How many days an entry is kept.
    pub retention_days: i64,
    /// The time.
    pub clock: Clock,
}

/// What became of a batch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Messages to be received again.
    pub failed: Vec<String>,
    /// Entries appended.
    pub appended: usize,
    /// Happenings that were in the log already.
    pub known: usize,
    /// Messages that can never be read, put on the dead-letter queue.
    pub poison: usize,
}

/// One message that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    message_id: String,
    again: bool,
    happenings: Vec<Happening>,
}

/// The messages that were read, by organisation.
type ByOrg = BTreeMap<String, Vec<Told>>;

/// What came of the messages of one organisation.
#[derive(Debug, Default)]
struct Kept {
    appended: usize,
    known: usize,
}

impl AuditWorker {
    /// Appends and publishes what a batch tells. For each organisation in it: a read unit per 4 KB
    /// of its last entries, a write unit per KB of each new one, a read unit per 4 KB of its
    /// webhooks, and what publishing costs where somebody subscribes.
    pub async fn handle(&self, batch: Vec<InboundMessage>) -> AuditReport {
        let (told, poison) = read(batch);
        let groups = told.into_iter().map(|(org, told)| self.keep_apart(org, told));
        let mut report = AuditReport { poison: poison.len(), ..AuditReport::default() };
        for (kept, failed) in join_all(groups).await {
            report.appended += kept.appended;
            report.known += kept.known;
            report.failed.extend(failed);
        }
        report.failed.extend(bury(&self.dead_letters, poison).await);
        report
    }

    /// Keeps an organisation's messages together; when that panics, each by itself, so that only
    /// the one that panics comes back.
    async fn keep_apart(&self, org: String, told: Vec<Told>) -> (Kept, Vec<String>) {
        let mut sum = Kept::default();
        let mut failed = Vec::new();
        for (part, outcome) in isolated(told, |part| self.keep(&org, part)).await {
            match outcome {
                Some(Some(kept)) => {
                    sum.appended += kept.appended;
                    sum.known += kept.known;
                }
                // Said already, here or by the panic hook.
                Some(None) | None => failed.extend(part.into_iter().map(|it| it.message_id)),
            }
        }
        (sum, failed)
    }

    /// Appends, then publishes; `None` when either has to be done again.
    async fn keep(&self, org: &str, told: Vec<Told>) -> Option<Kept> {
        let happenings: Vec<Happening> =
            told.iter().flat_map(|it| it.happenings.iter().cloned()).collect();
        let back = if told.iter().any(|it| it.again) { LOOK_BACK_AGAIN } else { LOOK_BACK };
        let terms = Terms {
            now: (self.clock)(),
            retention_days: self.retention_days,
            look_back: back.saturating_add(u16::try_from(happenings.len()).unwrap_or(u16::MAX)),
        };
        // Boxed: nested in place, the future is deeper than rustc looks.
        let appended = match Box::pin(self.log.append(org, &happenings, terms)).await {
            Ok(appended) => appended,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(org_id = org, error, "happenings could not be appended");
                return None;
            }
        };
        if let Some(last) = appended.entries.last() {
            // Whoever may write the table may not write this log: what is cut off the end of a
            // chain, or worked out anew, is found by it.
            let (seq, hash) = (last.seq, last.hash.to_string());
            tracing::info!(org_id = org, seq, hash, "audit log extended");
        }
        // Also what was known: the worker that appended it may have died before it told.
        let published = org == PLATFORM_ORG || {
            let news: Vec<Announcement> = happenings.iter().map(news).collect();
            Box::pin(self.announcer.announce(&news, terms.now)).await
        };
        published.then_some(Kept { appended: appended.entries.len(), known: appended.known })
    }
}

/// The messages that can be read, by organisation, and the others.
fn read(batch: Vec<InboundMessage>) -> (ByOrg, Vec<(InboundMessage, &'static str)>) {
    let mut told = ByOrg::new();
    let mut poison = Vec::new();
    for message in batch {
        let (report, reason) = match decode::<Report>(&message.body) {
            Ok(report) if is_sound(&report) => (Some(report), ""),
            Ok(_) => (None, "unsound"),
            Err(error) => (None, error.reason()),
        };
        if let Some(Report { org, happenings }) = report {
            let (message_id, again) = (message.message_id, message.receive_count > 1);
            told.entry(org).or_default().push(Told { message_id, again, happenings });
        } else {
            let message_id = &message.message_id;
            tracing::error!(message_id, reason, "poison on the security queue");
            poison.push((message, reason));
        }
    }
    (told, poison)
}

/// Whether all of it may go into the log that the message names.
fn is_sound(report: &Report) -> bool {
    !report.happenings.is_empty()
        && report.happenings.iter().all(|it| it.org == report.org && it.is_sound())
}

fn news(happening: &Happening) -> Announcement {
    Announcement {
        org: happening.org.clone(),
        project: PROJECT.to_owned(),
        event_type: happening.action.event_type(),
        event_id: happening.event_id(),
        data: happening.event_data(),
    }
}

/// Runs `work` on all items at once, and when that panics on each by itself. Gives each part with
/// what came of it; `None` for one that panicked.
async fn isolated<T, R, Fut>(
    items: Vec<T>,
    work: impl Fn(Vec<T>) -> Fut,
) -> Vec<(Vec<T>, Option<R>)>
where
    T: Clone,
    Fut: Future<Output = R>,
{
    let contained = |part: &[T]| AssertUnwindSafe(work(part.to_vec())).catch_unwind();
    let together = contained(&items).await.ok();
    if together.is_some() || items.len() < 2 {
        return vec![(items, together)];
    }
    let mut parts = Vec::new();
    for item in items {
        let part = vec![item];
        let outcome = contained(&part).await.ok();
        parts.push((part, outcome));
    }
    parts
}

#[cfg(test)]
mod tests {
    use aragora_core::audit::Action;
    use aragora_core::time::Millis;
    use aragora_queue::message::encode;

    use super::*;

    const NOW: Millis = Millis(1_795_275_000_000);

    fn happening(org: &str) -> Happening {
        Happening { org: org.to_owned(), ..Happening::new(Action::UrlBlocked, NOW) }
    }

    fn message(id: &str, body: String) -> InboundMessage {
        InboundMessage {
            message_id: id.to_owned(),
            body,
            receive_count: 2,
            request_id: None,
            group: None,
            source_arn: "arn".to_owned(),
        }
    }

    fn report(org: &str, happenings: Vec<Happening>) -> String {
        encode(&Report { org: org.to_owned(), happenings })
    }

    #[test]
    fn a_batch_is_sorted_by_organisation_and_poison_set_aside() {
        let unbounded = Happening { actor: "a\nb".to_owned(), ..happening("one") };
        let (told, poison) = read(vec![
            message("1", report("one", vec![happening("one")])),
            message("2", report("two", vec![happening("two"), happening("two")])),
            message("3", report("one", vec![happening("one")])),
            message("4", "garbage".to_owned()),
            message("5", report("one", vec![happening("one")]).replace("\"v\":1", "\"v\":9")),
            message("6", report("one", vec![happening("two")])),
            message("7", report("one", vec![unbounded])),
            message("8", report("one", vec![])),
            message("9", report("a#b", vec![happening("a#b")])),
        ]);
        let ids = |org: &str| told[org].iter().map(|it| it.message_id.as_str()).collect::<Vec<_>>();
        assert_eq!((ids("one"), ids("two"), told.len()), (vec!["1", "3"], vec!["2"], 2));
        assert!(told["one"][0].again && told["two"][0].happenings.len() == 2);
        let reasons: Vec<_> = poison.iter().map(|it| (it.0.message_id.as_str(), it.1)).collect();
        let wanted = [
            ("4", "malformed"),
            ("5", "unknown_version"),
            ("6", "unsound"),
            ("7", "unsound"),
            ("8", "unsound"),
            ("9", "unsound"),
        ];
        assert_eq!(reasons, wanted);
    }

    #[tokio::test]
    async fn a_panic_of_one_does_not_touch_its_neighbours() {
        let work = async |part: Vec<u32>| {
            assert!(!part.contains(&2), "the bad one");
            part.iter().sum::<u32>()
        };
        let outcomes = isolated(vec![1, 2, 3], work).await;
        assert_eq!(outcomes, [(vec![1], Some(1)), (vec![2], None), (vec![3], Some(3))]);
        assert_eq!(isolated(vec![1, 3], work).await, [(vec![1, 3], Some(4))]);
        assert_eq!(isolated(vec![2], work).await, [(vec![2], None)]);
    }

    #[test]
    fn news_is_of_the_happening() {
        let it = happening("org");
        let told = news(&it);
        assert_eq!(told.event_type, "security.url.blocked");
        assert_eq!(told.event_id, it.event_id());
        assert_eq!((told.org.as_str(), told.project.as_str()), ("org", "default"));
    }
}
