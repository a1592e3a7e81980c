//! A published template as lists show it, who may see it, and the lists it is on.

use serde::{Deserialize, Serialize};

use super::fold::fold;
use super::rating::Tally;
use super::version::Version;
use crate::access::Principal;
use crate::ids::TemplateId;
use crate::time::Millis;

/// The most characters of a description that lists show.
pub const SUMMARY_CHARS: usize = 200;
/// The most characters of a tag or an author in the name of a list.
const MAX_FACET_CHARS: usize = 64;

/// Who may see a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Everybody, in every organisation.
    Public,
    /// The author's organisation.
    Organization,
    /// Everybody who knows its id; it is on no list but its author's own.
    Unlisted,
    /// The author and the administrators of the author's organisation.
    Private,
}

impl Visibility {
    /// Every visibility.
    pub const ALL: &[Self] = &[Self::Public, Self::Organization, Self::Unlisted, Self::Private];

    /// The name in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Organization => "organization",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
        }
    }

    /// The visibility of that name, in either English.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "organisation" {
            return Some(Self::Organization);
        }
        Self::ALL.iter().copied().find(|it| it.as_str() == text)
    }
}

/// What is said of a template in lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The author's organisation.
    pub org: String,
    /// The user who published it.
    pub author: String,
    /// Its name.
    pub name: String,
    /// The beginning of its description.
    pub summary: String,
    /// A slug.
    pub category: String,
    /// As the author wrote them.
    pub tags: Vec<String>,
    /// Who may see it.
    pub visibility: Visibility,
    /// The newest version.
    pub version: String,
    /// What to use instead, or why not to use it any more; empty when the author did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// When it was published.
    pub created_at: Millis,
    /// When its author last changed it or published a version.
    pub updated_at: Millis,
}

/// A template with what is counted of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its id.
    pub id: TemplateId,
    /// What is said of it.
    pub listing: Listing,
    /// What it is found by ([`super::words::signature`]).
    pub signature: Vec<u8>,
    /// Whether it is published. What was unpublished is kept for those who downloaded it.
    pub live: bool,
    /// Downloads.
    pub downloads: u64,
    /// Ratings.
    pub tally: Tally,
    /// Goes up with each rating.
    pub rated: u64,
    /// The downloads that its place in the lists was last written for.
    pub ranked: u64,
    /// Goes up with each change by its author.
    pub rev: u64,
}

/// Whose list it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope<'a> {
    /// Everybody's.
    Public,
    /// An organisation's own: what it does not show to others.
    Organization(&'a str),
    /// What one user published, whoever may see it: organisation and user.
    Mine(&'a str, &'a str),
}

/// Which of a scope's lists it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// Everything.
    All,
    /// One category.
    Category(String),
    /// One tag, folded.
    Tag(String),
    /// One author, folded.
    Author(String),
}

impl Scope<'_> {
    /// The first part of every key of this scope.
    pub fn key(&self) -> String {
        match self {
            Self::Public => "public".to_owned(),
            Self::Organization(org) => format!("org#{org}"),
            Self::Mine(org, user) => format!("mine#{org}#{user}"),
        }
    }
}

impl Facet {
    /// The list of a category.
    pub fn category(slug: &str) -> Self {
        Self::Category(slug.to_owned())
    }

    /// The list of a tag, however it is written.
    pub fn tag(tag: &str) -> Self {
        Self::Tag(facet_text(tag))
    }

    /// The list of an author.
    pub fn author(user: &str) -> Self {
        Self::Author(facet_text(user))
    }

    /// The last part of its key.
    pub fn key(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Category(slug) => format!("category#{slug}"),
            Self::Tag(tag) => format!("tag#{tag}"),
            Self::Author(author) => format!("author#{author}"),
        }
    }
}

/// A tag or an author as lists are named and compared by it.
pub fn facet_text(text: &str) -> String {
    fold(text.trim()).chars().take(MAX_FACET_CHARS).collect()
}

impl Listing {
    /// The scope in which others find it; `None` when they do not.
    pub fn scope(&self) -> Option<Scope<'_>> {
        match self.visibility {
            Visibility::Public => Some(Scope::Public),
            Visibility::Organization => Some(Scope::Organization(&self.org)),
            Visibility::Unlisted | Visibility::Private => None,
        }
    }

    /// Every list it is on.
    pub fn lists(&self) -> Vec<(Scope<'_>, Facet)> {
        let mut lists = vec![(Scope::Mine(&self.org, &self.author), Facet::All)];
        if let Some(scope) = self.scope() {
            lists.push((scope, Facet::All));
            lists.push((scope, Facet::category(&self.category)));
            lists.push((scope, Facet::author(&self.author)));
            lists.extend(self.folded_tags().into_iter().map(|tag| (scope, Facet::Tag(tag))));
        }
        lists
    }

    /// Its tags as they are compared, each once.
    pub fn folded_tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = self.tags.iter().map(|tag| facet_text(tag)).collect();
        tags.sort();
        tags.dedup();
        tags
    }

    /// Its newest version.
    pub fn newest(&self) -> Option<Version> {
        Version::parse(&self.version)
    }
}

impl Card {
    /// Whether `caller` wrote it.
    pub fn is_by(&self, caller: &Principal) -> bool {
        self.listing.org == caller.org_id() && self.listing.author == caller.user_id()
    }

    /// Whether `caller` may change it: its author, and administrators of the author's
    /// organisation.
    pub fn is_changed_by(&self, caller: &Principal) -> bool {
        let administers = caller.is_admin() && self.listing.org == caller.org_id();
        self.live && (self.is_by(caller) || administers)
    }

    /// Whether `caller` may see it.
    pub fn is_seen_by(&self, caller: &Principal) -> bool {
        let seen = match self.listing.visibility {
            Visibility::Public | Visibility::Unlisted => true,
            Visibility::Organization => self.listing.org == caller.org_id(),
            Visibility::Private => self.is_changed_by(caller),
        };
        self.live && seen
    }
}

/// The beginning of a description: at most [`SUMMARY_CHARS`] characters, the last of them a sign
/// that there is more.
pub fn summary(description: &str) -> String {
    if description.chars().count() <= SUMMARY_CHARS {
        return description.to_owned();
    }
    let mut short: String = description.chars().take(SUMMARY_CHARS - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Credential;

    fn card(visibility: Visibility) -> Card {
        let listing = Listing {
            org: "org".into(),
            author: "Ann".into(),
            name: "n".into(),
            summary: String::new(),
            category: "workflow".into(),
            tags: vec!["Sécurité".into(), "securite".into(), "b".into()],
            visibility,
            version: "1.0.0".into(),
            deprecated: None,
            created_at: Millis(0),
            updated_at: Millis(0),
        };
        Card {
            id: TemplateId::parse("tmpl-1").unwrap(),
            listing,
            signature: vec![],
            live: true,
            downloads: 0,
            tally: Tally::default(),
            rated: 0,
            ranked: 0,
            rev: 1,
        }
    }

    fn caller(org: &str, user: &str, role: &str) -> Principal {
        Principal::new(user, org, vec![role.into()], Credential::Bearer).unwrap()
    }

    #[test]
    fn who_sees_and_changes_what() {
        let people = [
            ("org", "Ann", "member"),
            ("org", "bob", "member"),
            ("org", "bob", "admin"),
            ("other", "Ann", "member"),
            ("other", "eve", "admin"),
        ];
        for (visibility, seen) in [
            (Visibility::Public, [true, true, true, true, true]),
            (Visibility::Organization, [true, true, true, false, false]),
            (Visibility::Unlisted, [true, true, true, true, true]),
            (Visibility::Private, [true, false, true, false, false]),
        ] {
            let mut card = card(visibility);
            for ((org, user, role), wanted) in people.into_iter().zip(seen) {
                let caller = caller(org, user, role);
                assert_eq!(card.is_seen_by(&caller), wanted, "{visibility:?} {org} {user} {role}");
                let changes = org == "org" && (user == "Ann" || role == "admin");
                assert_eq!(card.is_changed_by(&caller), changes, "{org} {user} {role}");
            }
            card.live = false;
            assert!(!card.is_seen_by(&caller("org", "Ann", "admin")));
            assert!(!card.is_changed_by(&caller("org", "Ann", "admin")));
        }
    }

    #[test]
    fn lists_are_those_of_who_may_find_it() {
        let lists = |visibility| {
            let card = card(visibility);
            let keys = card.listing.lists();
            keys.iter()
                .map(|(scope, facet)| format!("{}#{}", scope.key(), facet.key()))
                .collect::<Vec<_>>()
        };
        let mine = "mine#org#Ann#all".to_owned();
        assert_eq!(lists(Visibility::Private), std::slice::from_ref(&mine));
        assert_eq!(lists(Visibility::Unlisted), std::slice::from_ref(&mine));
        let facets = ["all", "category#workflow", "author#ann", "tag#b", "tag#securite"];
        let wanted = |scope: &str| {
            let mut keys = vec![mine.clone()];
            keys.extend(facets.map(|facet| format!("{scope}#{facet}")));
            keys
        };
        assert_eq!(lists(Visibility::Public), wanted("public"));
        assert_eq!(lists(Visibility::Organization), wanted("org#org"));
    }

    #[test]
    fn summaries_are_short() {
        assert_eq!(summary("short"), "short");
        assert_eq!(summary(&"é".repeat(200)), "é".repeat(200));
        let cut = summary(&"é".repeat(201));
        assert_eq!((cut.chars().count(), cut.ends_with("é…")), (200, true));
    }
}
