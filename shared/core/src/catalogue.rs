//! The event types we know, their spellings, and what a subscription pattern matches.
//!
//! Two documents name the same events differently (`debate.started` in the features guide,
//! `debate_start` in the events module). Both spellings are one type here: either may be
//! published, either may be subscribed to, and a receiver sees the one it asked for.
//! Source: seeds 000 and 001, `docs/decisions/0004-event-types.md`.

mod data;
mod field;
mod market;
mod schema;
mod security;
mod types;

use field::Field;
pub use types::EVENT_TYPES;

/// One event type with all its spellings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EventType {
    /// The spelling that subscribers to `*` receive.
    pub name: &'static str,
    /// The other spellings of the same type.
    pub aliases: &'static [&'static str],
    /// What happened, for people.
    pub description: &'static str,
    /// What part of the product speaks: also decides who may receive it.
    pub category: Category,
    /// What its data is known to hold.
    fields: &'static [Field],
}

/// The part of the product an event speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// What happens in and around debates; matched by `*`.
    Debate,
    /// What became of explanations; matched by `*`.
    Explanation,
    /// What happens to the organisation's templates on the marketplace; matched by `*`.
    Marketplace,
    /// What happens to webhooks, their deliveries and security; only delivered to those who name
    /// it.
    Operational,
}

impl Category {
    /// Every category, in the order of [`EVENT_TYPES`].
    pub const ALL: &[Self] =
        &[Self::Debate, Self::Explanation, Self::Marketplace, Self::Operational];

    /// The name in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debate => "debate",
            Self::Explanation => "explanation",
            Self::Marketplace => "marketplace",
            Self::Operational => "operational",
        }
    }

    /// The name for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Debate => "Debates",
            Self::Explanation => "Explanations",
            Self::Marketplace => "Marketplace",
            Self::Operational => "Operations",
        }
    }

    /// What its events speak of, and who gets them.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Debate => "What happens in and around debates. `*` subscribes to all of it.",
            Self::Explanation => "What became of explanations. `*` subscribes to all of it.",
            Self::Marketplace => {
                "What happens to the templates that the organisation's users published. `*` \
                 subscribes to it."
            }
            Self::Operational => {
                "What happens to webhooks, to their deliveries and to security. `*` does not \
                 subscribe to it: a webhook names the type, or a glob such as `webhook.*`."
            }
        }
    }

    /// The category whose [`Self::as_str`] this is.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|category| category.as_str() == text)
    }

    /// Its types, in the order of [`EVENT_TYPES`].
    pub fn event_types(self) -> impl Iterator<Item = &'static EventType> {
        EVENT_TYPES.iter().filter(move |known| known.category == self)
    }
}

/// The prefixes of operational types. Types that we do not know fall under them too, so that a
/// publisher cannot pass its own event off as ours.
const OPERATIONAL_PREFIXES: [&str; 3] = ["webhook.", "delivery.", "security."];

/// The most characters a type or a pattern may have.
pub const MAX_TYPE_CHARS: usize = 128;

/// The known type that has `spelling` as its name or an alias.
pub fn find(spelling: &str) -> Option<&'static EventType> {
    EVENT_TYPES.iter().find(|known| known.name == spelling || known.aliases.contains(&spelling))
}

/// Whether only we may publish `event_type`.
pub fn is_operational(event_type: &str) -> bool {
    OPERATIONAL_PREFIXES.iter().any(|prefix| event_type.starts_with(prefix))
}

/// Whether `text` is well formed as a type that may be published: letters, digits, `_`, `.` and
/// `-`, beginning with a letter. It need not be a known one: engines have types of their own.
pub fn is_type_name(text: &str) -> bool {
    text.len() <= MAX_TYPE_CHARS
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Whether a webhook may subscribe to `pattern`: a known type in either spelling, `*`, or a glob.
pub fn is_pattern(pattern: &str) -> bool {
    if find(pattern).is_some() || pattern == "*" {
        return true;
    }
    pattern.contains('*') && is_type_name(&pattern.replace('*', "x")) && !pattern.contains("**")
}

/// The spelling in which a subscriber to `patterns` receives `event_type`; `None` when it is not
/// subscribed. An exact subscription decides the spelling, whatever else matches.
pub fn spelling_for<'a>(event_type: &'a str, patterns: &'a [String]) -> Option<&'a str> {
    let known = find(event_type);
    let same = |pattern: &&String| {
        pattern.as_str() == event_type || known.is_some_and(|it| find(pattern) == Some(it))
    };
    if let Some(exact) = patterns.iter().find(same) {
        return Some(exact);
    }
    let globs =
        || patterns.iter().filter(|pattern| pattern.contains('*') && reaches(pattern, event_type));
    let spellings = || known.map_or(&[][..], |it| it.aliases).iter().copied();
    // The dotted spelling first, then the publisher's, then any other a glob was written for.
    let dotted = known.map(|it| it.name).filter(|name| name.contains('.'));
    dotted
        .into_iter()
        .chain([event_type])
        .chain(known.map(|it| it.name))
        .chain(spellings())
        .find(|spelling| globs().any(|glob| glob_matches(glob, spelling)))
}

/// Whether a glob may match an event of this type at all: an operational event only reaches a
/// glob that spells out its prefix.
fn reaches(glob: &str, event_type: &str) -> bool {
    !is_operational(event_type) || is_operational(glob)
}

/// Whether `*` in `glob` can stand for something that makes it `text`. Runs in the product of
/// the lengths at worst, which are both bounded.
fn glob_matches(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|head| text.strip_prefix(head)) else {
        return false;
    };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelling(event_type: &str, patterns: &[&str]) -> Option<String> {
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        spelling_for(event_type, &patterns).map(ToOwned::to_owned)
    }

    #[test]
    fn a_receiver_gets_the_spelling_it_subscribed_to() {
        for (published, patterns, received) in [
            ("debate.started", &["debate.started"][..], Some("debate.started")),
            ("debate.started", &["debate_start"], Some("debate_start")),
            ("debate_start", &["debate.started"], Some("debate.started")),
            ("debate_start", &["*"], Some("debate.started")),
            ("error", &["agent_error"], Some("agent_error")),
            ("consensus", &["*", "consensus"], Some("consensus")),
            ("debate_end", &["debate.*"], Some("debate.completed")),
            ("debate.completed", &["debate_*"], Some("debate_end")),
            ("message", &["*"], Some("message")),
            ("message", &["agent_message"], Some("agent_message")),
            ("round_start", &["*"], Some("round_start")),
            ("custom.thing", &["*"], Some("custom.thing")),
            ("custom.thing", &["custom.*"], Some("custom.thing")),
            ("debate.started", &["debate.completed", "agent.*"], None),
            ("vote", &["debate.*"], None),
        ] {
            assert_eq!(
                spelling(published, patterns).as_deref(),
                received,
                "{published} to {patterns:?}"
            );
        }
    }

    #[test]
    fn operational_events_only_reach_those_who_name_them() {
        for (patterns, reached) in [
            (&["*"][..], false),
            (&["*.disabled"], false),
            (&["w*"], false),
            (&["webhook.*"], true),
            (&["webhook.disabled"], true),
            (&["delivery.*"], false),
        ] {
            assert_eq!(spelling("webhook.disabled", patterns).is_some(), reached, "{patterns:?}");
        }
    }

    #[test]
    fn globs_match_whole_names() {
        for (glob, text, matches) in [
            ("*", "anything", true),
            ("debate.*", "debate.started", true),
            ("debate.*", "debate", false),
            ("*.started", "debate.started", true),
            ("d*e.s*d", "debate.started", true),
            ("d*x*d", "debate.started", false),
            ("debate.*d", "debate.starting", false),
            ("a*a", "a", false),
            ("a*b*b", "ab", false),
        ] {
            assert_eq!(glob_matches(glob, text), matches, "{glob} on {text}");
        }
    }

    #[test]
    fn patterns_are_known_types_or_globs() {
        for good in ["*", "debate.*", "debate_start", "consensus", "webhook.*", "round_end"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in [
            "",
            "debate.exploded",
            "**",
            "debate.**",
            "de bate.*",
            "*\n",
            "#*",
            ".*",
            &format!("{}*", "x".repeat(128)),
        ] {
            assert!(!is_pattern(bad), "{bad:?}");
        }
    }

    #[test]
    fn every_spelling_belongs_to_one_type() {
        let mut spellings: Vec<_> = EVENT_TYPES
            .iter()
            .flat_map(|known| known.aliases.iter().copied().chain([known.name]))
            .collect();
        let count = spellings.len();
        spellings.sort_unstable();
        spellings.dedup();
        assert_eq!(spellings.len(), count);
        assert!(spellings.iter().all(|spelling| is_type_name(spelling)));
    }
}
