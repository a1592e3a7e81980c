//! What a user may say of a webhook, and the rules it has to keep. Pure but for the URL, whose
//! host is looked up by the caller.

use aragora_core::catalogue;
use aragora_core::delivery::RetryPolicy;
use aragora_core::filters;
use aragora_core::headers::check_headers;
use aragora_core::ids::is_key_safe;
use aragora_core::url_policy::UrlRefusal;
use aragora_signing::secret::WebhookSecret;
use serde::de::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The most patterns a webhook may subscribe to.
pub const MAX_EVENT_TYPES: usize = 50;
/// The most characters of a name.
pub const MAX_NAME_CHARS: usize = 255;
/// The most characters of a description.
pub const MAX_DESCRIPTION_CHARS: usize = 2_000;
/// The most bytes of metadata as JSON.
pub const MAX_METADATA_BYTES: usize = 4 * 1024;
/// The most bytes of all headers' names and values: every fan-out reads them.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;
/// The project that a webhook belongs to when none is named.
pub const DEFAULT_PROJECT: &str = "default";
/// Beginnings of header names that are the other profile's.
const OTHER_PROFILES: [&str; 1] = ["x-agenta-"];

/// A field that tells "not mentioned" from "set to nothing".
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Given<T> {
    /// Not mentioned: what is there stays.
    #[default]
    Absent,
    /// `null`: what is there goes.
    Null,
    /// This.
    Value(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

impl<T: Clone> Given<T> {
    /// What a field is after the change.
    pub fn over(&self, before: Option<T>) -> Option<T> {
        match self {
            Self::Absent => before,
            Self::Null => None,
            Self::Value(value) => Some(value.clone()),
        }
    }
}

/// What a request says of a webhook, by its wire names. Types are checked; rules are not yet.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default)]
pub struct Wish {
    /// Where deliveries go.
    pub url: Option<String>,
    /// Types, globs or `*`.
    pub event_types: Option<Vec<String>>,
    /// Whether events are delivered.
    pub enabled: Option<bool>,
    /// A secret of the user's own.
    pub secret: Option<String>,
    /// The project; only at registration.
    pub project_id: Option<String>,
    /// For people.
    pub name: Given<String>,
    /// For people.
    pub description: Given<String>,
    /// Headers to add.
    pub headers: Given<Map<String, Value>>,
    /// What an event must contain.
    pub filters: Given<Map<String, Value>>,
    /// How often to try.
    pub retry_policy: Given<PolicyWish>,
    /// The most deliveries a second.
    pub rate_limit_per_second: Given<f64>,
    /// The user's own notes.
    pub metadata: Given<Map<String, Value>>,
}

/// A retry policy of which any part may be left to the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Deserialize)]
#[serde(default)]
pub struct PolicyWish {
    max_retries: Option<u32>,
    base_delay_seconds: Option<f64>,
    max_delay_seconds: Option<f64>,
    timeout_seconds: Option<f64>,
}

impl PolicyWish {
    /// The policy, its gaps filled from `default`. A base above the default's cap raises the cap,
    /// unless the user set one.
    pub fn policy(self, default: &RetryPolicy) -> RetryPolicy {
        let base_delay_seconds = self.base_delay_seconds.unwrap_or(default.base_delay_seconds);
        RetryPolicy {
            max_retries: self.max_retries.unwrap_or(default.max_retries),
            base_delay_seconds,
            max_delay_seconds: self
                .max_delay_seconds
                .unwrap_or(default.max_delay_seconds.max(base_delay_seconds)),
            timeout_seconds: self.timeout_seconds.unwrap_or(default.timeout_seconds),
        }
    }
}

/// One field of a wish and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field's wire name, with a path into it where that helps.
    pub field: String,
    /// What would be right. Never repeats a secret.
    pub message: String,
    /// The rule of URL safety that was broken, where it is one.
    pub refusal: Option<UrlRefusal>,
}

impl Problem {
    /// `message` about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), refusal: None }
    }

    /// That a URL was refused.
    pub fn url(refusal: UrlRefusal) -> Self {
        Self { refusal: Some(refusal), ..Self::new("url", refusal.to_string()) }
    }
}

/// A wish that keeps the rules, with its fields in the form they are used in.
#[derive(Debug)]
pub struct Granted {
    /// The wish.
    pub wish: Wish,
    /// Its secret.
    pub secret: Option<WebhookSecret>,
    /// Its headers, in order.
    pub headers: Given<Vec<(String, String)>>,
    /// Its retry policy, complete.
    pub retry_policy: Given<RetryPolicy>,
}

impl Wish {
    /// Checks everything but where the URL's host leads; names every field that breaks a rule.
    ///
    /// # Errors
    /// At least one problem.
    pub fn check(self, default_policy: &RetryPolicy) -> Result<Granted, Vec<Problem>> {
        let mut problems = Vec::new();
        check_event_types(self.event_types.as_deref(), &mut problems);
        check_text("name", &self.name, MAX_NAME_CHARS, &mut problems);
        check_text("description", &self.description, MAX_DESCRIPTION_CHARS, &mut problems);
        if self.project_id.as_deref().is_some_and(|project| !is_key_safe(project)) {
            problems.push(Problem::new(
                "project_id",
                "must be 1 to 128 letters, digits or any of _ . : @ -",
            ));
        }
        if let Given::Value(filters) = &self.filters {
            problems
                .extend(filters::problem(filters).map(|problem| Problem::new("filters", problem)));
        }
        if let Given::Value(rate) = self.rate_limit_per_second
            && !(0.01..=10_000.0).contains(&rate)
        {
            problems.push(Problem::new("rate_limit_per_second", "must be from 0.01 to 10000"));
        }
        if let Given::Value(metadata) = &self.metadata
            && serde_json::to_string(metadata).map_or(usize::MAX, |text| text.len())
                > MAX_METADATA_BYTES
        {
            problems.push(Problem::new(
                "metadata",
                format!("must be at most {MAX_METADATA_BYTES} bytes of JSON"),
            ));
        }
        let retry_policy = self.check_policy(default_policy, &mut problems);
        let headers = self.check_headers(&mut problems);
        let secret =
            self.secret.as_deref().map(WebhookSecret::parse).transpose().unwrap_or_else(|error| {
                problems.push(Problem::new("secret", error.to_string()));
                None
            });
        if problems.is_empty() {
            Ok(Granted { wish: self, secret, headers, retry_policy })
        } else {
            Err(problems)
        }
    }

    fn check_policy(
        &self,
        default: &RetryPolicy,
        problems: &mut Vec<Problem>,
    ) -> Given<RetryPolicy> {
        let Given::Value(wish) = self.retry_policy else {
            return if self.retry_policy == Given::Null { Given::Null } else { Given::Absent };
        };
        let policy = wish.policy(default);
        let broken = policy.problems().into_iter();
        problems.extend(
            broken.map(|(field, message)| Problem::new(format!("retry_policy.{field}"), message)),
        );
        Given::Value(policy)
    }

    fn check_headers(&self, problems: &mut Vec<Problem>) -> Given<Vec<(String, String)>> {
        match &self.headers {
            Given::Absent => Given::Absent,
            Given::Null => Given::Null,
            Given::Value(headers) => match check_headers(headers, &OTHER_PROFILES) {
                Ok(checked) if header_bytes(&checked) > MAX_HEADER_BYTES => {
                    let message = format!("must be at most {MAX_HEADER_BYTES} bytes in all");
                    problems.push(Problem::new("headers", message));
                    Given::Absent
                }
                Ok(checked) => Given::Value(checked),
                Err(broken) => {
                    problems.extend(broken.into_iter().map(|problem| {
                        let field = if problem.name.is_empty() {
                            "headers".to_owned()
                        } else {
                            format!("headers.{}", problem.name)
                        };
                        Problem::new(field, problem.rule.to_string())
                    }));
                    Given::Absent
                }
            },
        }
    }
}

fn header_bytes(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn check_event_types(patterns: Option<&[String]>, problems: &mut Vec<Problem>) {
    let Some(patterns) = patterns else { return };
    if patterns.is_empty() || patterns.len() > MAX_EVENT_TYPES {
        problems
            .push(Problem::new("event_types", format!("must have 1 to {MAX_EVENT_TYPES} entries")));
    }
    let unknown: Vec<String> = patterns
        .iter()
        .filter(|pattern| !catalogue::is_pattern(pattern))
        .take(MAX_EVENT_TYPES)
        .map(|pattern| format!("`{}`", pattern.chars().take(60).collect::<String>()))
        .collect();
    if !unknown.is_empty() {
        problems.push(Problem::new("event_types", format!("unknown: {}", unknown.join(", "))));
    }
}

fn check_text(field: &str, text: &Given<String>, max_chars: usize, problems: &mut Vec<Problem>) {
    if let Given::Value(text) = text
        && text.chars().count() > max_chars
    {
        problems.push(Problem::new(field, format!("must be at most {max_chars} characters")));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(wish: Value) -> Result<Granted, Vec<String>> {
        let wish: Wish = serde_json::from_value(wish).unwrap();
        wish.check(&RetryPolicy::default())
            .map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
    }

    fn many_long_headers() -> Map<String, Value> {
        (0..5).map(|n| (format!("X-{n}"), "x".repeat(4_000).into())).collect()
    }

    #[test]
    fn every_broken_rule_names_its_field() {
        for (wish, field) in [
            (json!({"event_types": []}), "event_types"),
            (json!({"event_types": ["debate.exploded"]}), "event_types"),
            (json!({"event_types": vec!["*"; 51]}), "event_types"),
            (json!({"name": "x".repeat(256)}), "name"),
            (json!({"description": "x".repeat(2_001)}), "description"),
            (json!({"project_id": "a#b"}), "project_id"),
            (json!({"project_id": ""}), "project_id"),
            (json!({"filters": {"a": {}}}), "filters"),
            (json!({"rate_limit_per_second": 0}), "rate_limit_per_second"),
            (json!({"rate_limit_per_second": 10_001}), "rate_limit_per_second"),
            (json!({"metadata": {"a": "x".repeat(5_000)}}), "metadata"),
            (json!({"retry_policy": {"max_retries": 25}}), "retry_policy.max_retries"),
            (json!({"retry_policy": {"base_delay_seconds": 0}}), "retry_policy.base_delay_seconds"),
            (json!({"retry_policy": {"max_delay_seconds": 0.5}}), "retry_policy.max_delay_seconds"),
            (json!({"retry_policy": {"timeout_seconds": 31}}), "retry_policy.timeout_seconds"),
            (json!({"headers": {"Host": "x"}}), "headers.Host"),
            (json!({"headers": many_long_headers()}), "headers"),
            (json!({"headers": {"X-A": "a\r\nb"}}), "headers.X-A"),
            (json!({"headers": {"X-Agenta-Event": "a"}}), "headers.X-Agenta-Event"),
            (json!({"secret": "short"}), "secret"),
            (json!({"secret": "whsec_!!"}), "secret"),
        ] {
            assert_eq!(check(wish.clone()).unwrap_err(), [field], "{wish}");
        }
        let two = check(json!({"event_types": [], "name": "x".repeat(256)})).unwrap_err();
        assert_eq!(two, ["event_types", "name"], "all are named at once");
    }

    #[test]
    fn unknown_types_are_named() {
        let wish: Wish =
            serde_json::from_value(json!({"event_types": ["vote", "nope", "*", "nor this"]}))
                .unwrap();
        let problems = wish.check(&RetryPolicy::default()).unwrap_err();
        assert_eq!(problems, [Problem::new("event_types", "unknown: `nope`, `nor this`")]);
    }

    #[test]
    fn absent_null_and_a_value_are_three_things() {
        let wish: Wish = serde_json::from_value(json!({"name": null, "description": "d"})).unwrap();
        let before = || Some("before".to_owned());
        assert_eq!(wish.name.over(before()), None);
        assert_eq!(wish.description.over(before()), Some("d".to_owned()));
        assert_eq!(Given::Absent.over(before()), before());
    }

    #[test]
    fn a_policy_is_filled_from_the_default() {
        let granted =
            check(json!({"retry_policy": {"max_retries": 0, "base_delay_seconds": 400}})).unwrap();
        let expected = RetryPolicy {
            max_retries: 0,
            base_delay_seconds: 400.0,
            max_delay_seconds: 400.0,
            timeout_seconds: 30.0,
        };
        assert_eq!(granted.retry_policy, Given::Value(expected));
    }
}
