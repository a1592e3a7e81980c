//! Counters by the names that the seeds give them, added up during one invocation.
//!
//! Whoever sees something counts it here, with words from closed lists only: what a caller sends is
//! never a label. The runtime prints what came together at the end of the invocation. Names and
//! labels: seeds 000 ("Monitoring & Metrics") and 002 ("Observability Metrics", "Security Metrics to
//! Monitor"); those of security happenings are ours.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many different counters one invocation may have. Far more than it ever has; a mistake in a
/// label must not become a bill.
const MOST: usize = 200;
/// How many durations one invocation may have of a metric: as many values as CloudWatch takes of one
/// on a line. It sees few.
const MOST_TIMES: usize = 100;

macro_rules! metrics {
    ($($(#[$doc:meta])* $name:ident = $wire:literal [$($label:literal),*];)+) => {
        /// A counter, or a duration.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $($(#[$doc])* $name,)+
        }

        impl Metric {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name it is known by.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $wire),+ }
            }

            /// The names of its labels, in the order of their values.
            pub const fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($label),*]),+ }
            }
        }
    };
}

metrics! {
    /// Credentials that were not good.
    AuthFailures = "aragora_auth_failures_total" ["reason"];
    /// Permission checks, by what they came to.
    PermissionChecks = "aragora_rbac_permission_checks_total" ["permission", "result"];
    /// Permission denials, by the route that asked.
    PermissionDenied = "aragora_rbac_permission_denied_total" ["permission", "handler"];
    /// Values encrypted or decrypted.
    EncryptionOperations = "aragora_encryption_operations_total" ["operation", "store"];
    /// Values that could not be.
    EncryptionErrors = "aragora_encryption_errors_total" ["operation", "error_type"];
    /// Security happenings that were reported, by their action.
    SecurityEvents = "aragora_security_events_total" ["action"];
    /// Security happenings whose report could not be sent.
    SecurityReportsLost = "aragora_security_reports_lost_total" [];
    /// Templates that were published.
    TemplatesPublished = "aragora_marketplace_templates_total" ["visibility"];
    /// Templates that were downloaded.
    TemplatesDownloaded = "aragora_marketplace_downloads_total" ["visibility"];
    /// Ratings of templates, by how many stars.
    TemplateRatings = "aragora_marketplace_ratings_distribution" ["rating"];
    /// Batch jobs that came to a status.
    BatchJobs = "aragora_explainability_batch_jobs_total" ["status"];
    /// How long batch jobs took that were gone through, from being made on, in seconds.
    BatchLatency = "aragora_explainability_batch_processing_latency_seconds" [];
}

/// What was counted under one set of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The counter.
    pub metric: Metric,
    /// The values of [`Metric::labels`], in their order.
    pub values: Vec<&'static str>,
    /// How often, or how long.
    pub amount: Amount,
}

/// What came together of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Amount {
    /// So many.
    Count(u64),
    /// Each took so many milliseconds.
    Times(Vec<u64>),
}

/// The counters of one function process.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<(Metric, Vec<&'static str>), Amount>>);

impl Counters {
    /// A credential was refused; `reason` is the word for the log.
    pub fn auth_failed(&self, reason: &'static str) {
        self.add(Metric::AuthFailures, vec![reason], 1);
    }

    /// A permission was asked for, by the route with this path, and was there or not.
    pub fn permission_checked(
        &self,
        permission: &'static str,
        handler: &'static str,
        allowed: bool,
    ) {
        let result = if allowed { "allowed" } else { "denied" };
        self.add(Metric::PermissionChecks, vec![permission, result], 1);
        if !allowed {
            self.add(Metric::PermissionDenied, vec![permission, handler], 1);
        }
    }

    /// `count` values of a store were encrypted or decrypted.
    pub fn encryption(&self, operation: &'static str, store: &'static str, count: u64) {
        self.add(Metric::EncryptionOperations, vec![operation, store], count);
    }

    /// A value could not be encrypted or decrypted.
    pub fn encryption_failed(&self, operation: &'static str, error_type: &'static str) {
        self.add(Metric::EncryptionErrors, vec![operation, error_type], 1);
    }

    /// A security happening was reported.
    pub fn security_event(&self, action: &'static str) {
        self.add(Metric::SecurityEvents, vec![action], 1);
    }

    /// `count` security happenings could not be reported.
    pub fn security_reports_lost(&self, count: u64) {
        self.add(Metric::SecurityReportsLost, vec![], count);
    }

    /// A template was published.
    pub fn template_published(&self, visibility: &'static str) {
        self.add(Metric::TemplatesPublished, vec![visibility], 1);
    }

    /// A template was downloaded.
    pub fn template_downloaded(&self, visibility: &'static str) {
        self.add(Metric::TemplatesDownloaded, vec![visibility], 1);
    }

    /// A template was rated, 1 to 5.
    pub fn template_rated(&self, rating: u8) {
        let stars = ["1", "2", "3", "4", "5"];
        if let Some(stars) = stars.get(usize::from(rating).wrapping_sub(1)) {
            self.add(Metric::TemplateRatings, vec![stars], 1);
        }
    }

    /// A batch job came to a status: by [`crate::batch::BatchStatus::as_str`].
    pub fn batch_job(&self, status: &'static str) {
        self.add(Metric::BatchJobs, vec![status], 1);
    }

    /// A batch job was gone through that was made so many milliseconds before.
    pub fn batch_took(&self, millis: u64) {
        let mut counters = self.locked();
        let times = counters.entry((Metric::BatchLatency, vec![])).or_insert(Amount::Times(vec![]));
        if let Amount::Times(times) = times
            && times.len() < MOST_TIMES
        {
            times.push(millis);
        }
    }

    /// What was counted since the last call, and starts again from nothing.
    pub fn take(&self) -> Vec<Counted> {
        let counted = std::mem::take(&mut *self.locked());
        counted
            .into_iter()
            .map(|((metric, values), amount)| Counted { metric, values, amount })
            .collect()
    }

    fn add(&self, metric: Metric, values: Vec<&'static str>, count: u64) {
        let mut counters = self.locked();
        let known = counters.len();
        let key = (metric, values);
        if count > 0 && (known < MOST || counters.contains_key(&key)) {
            match counters.entry(key).or_insert(Amount::Count(0)) {
                Amount::Count(sum) => *sum = sum.saturating_add(count),
                Amount::Times(_) => {}
            }
        }
    }

    /// Counters are numbers: a panic beside them leaves nothing half done.
    fn locked(&self) -> MutexGuard<'_, BTreeMap<(Metric, Vec<&'static str>), Amount>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(it: Counted) -> (&'static str, Vec<&'static str>, u64) {
        match it.amount {
            Amount::Count(count) => (it.metric.name(), it.values, count),
            Amount::Times(times) => panic!("{times:?}"),
        }
    }

    #[test]
    fn durations_are_kept_one_by_one() {
        let counters = Counters::default();
        for millis in [1_500, 2, 1_500] {
            counters.batch_took(millis);
        }
        let times = |counters: &Counters| counters.take().pop().map(|it| it.amount);
        assert_eq!(times(&counters), Some(Amount::Times(vec![1_500, 2, 1_500])));
        assert_eq!(times(&counters), None);
        (0..300).for_each(|millis| counters.batch_took(millis));
        assert_eq!(times(&counters), Some(Amount::Times((0..100).collect())), "there is a most");
    }

    #[test]
    fn counts_add_up_and_a_reading_starts_again() {
        let counters = Counters::default();
        counters.permission_checked("webhooks:read", "/api/webhooks", true);
        counters.permission_checked("webhooks:read", "/api/webhooks", true);
        counters.permission_checked("webhooks:write", "/api/webhooks", false);
        counters.auth_failed("expired");
        counters.encryption("encrypt", "webhook_registrations", 3);
        counters.encryption("encrypt", "webhook_registrations", 0);
        counters.encryption_failed("decrypt", "unknown_key");
        counters.security_event("url.blocked");
        counters.security_reports_lost(2);
        counters.batch_job("completed");
        let counted: Vec<_> = counters.take().into_iter().map(told).collect();
        let wanted = [
            ("aragora_auth_failures_total", vec!["expired"], 1),
            ("aragora_rbac_permission_checks_total", vec!["webhooks:read", "allowed"], 2),
            ("aragora_rbac_permission_checks_total", vec!["webhooks:write", "denied"], 1),
            ("aragora_rbac_permission_denied_total", vec!["webhooks:write", "/api/webhooks"], 1),
            ("aragora_encryption_operations_total", vec!["encrypt", "webhook_registrations"], 3),
            ("aragora_encryption_errors_total", vec!["decrypt", "unknown_key"], 1),
            ("aragora_security_events_total", vec!["url.blocked"], 1),
            ("aragora_security_reports_lost_total", vec![], 2),
            ("aragora_explainability_batch_jobs_total", vec!["completed"], 1),
        ];
        assert_eq!(counted, wanted);
        assert_eq!(counters.take(), []);
    }

    #[test]
    fn every_value_has_its_label() {
        let counters = Counters::default();
        counters.permission_checked("p", "h", false);
        counters.auth_failed("r");
        counters.encryption("o", "s", 1);
        counters.encryption_failed("o", "e");
        counters.security_event("a");
        counters.security_reports_lost(1);
        counters.template_published("public");
        counters.template_downloaded("public");
        counters.template_rated(5);
        counters.template_rated(6);
        counters.template_rated(0);
        counters.batch_job("failed");
        counters.batch_took(1);
        let counted = counters.take();
        assert_eq!(counted.len(), Metric::ALL.len());
        for it in counted {
            assert_eq!(it.values.len(), it.metric.labels().len(), "{it:?}");
        }
    }

    #[test]
    fn there_is_a_most() {
        let counters = Counters::default();
        for number in 0..300 {
            counters.security_event(Box::leak(number.to_string().into_boxed_str()));
        }
        counters.security_event("0");
        let counted = counters.take();
        assert_eq!(counted.len(), MOST);
        assert!(counted.iter().any(|it| it.values == ["0"] && it.amount == Amount::Count(2)));
    }
}
