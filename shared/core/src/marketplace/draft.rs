//! What may be published: the rules for every field, and all that is wrong with a wish at once.

use serde_json::{Map, Value};

use super::card::{Visibility, facet_text};
use super::graph;
use super::version::Version;

/// The most characters of a name.
pub const MAX_NAME_CHARS: usize = 100;
/// The most characters of a category.
pub const MAX_CATEGORY_CHARS: usize = 50;
/// The most characters of a description.
pub const MAX_DESCRIPTION_CHARS: usize = 5_000;
/// The most characters of the documentation.
pub const MAX_DOCUMENTATION_CHARS: usize = 20_000;
/// The most bytes of template data, printed without spaces.
pub const MAX_DATA_BYTES: usize = 100 * 1024;
/// The most tags.
pub const MAX_TAGS: usize = 20;
/// The most characters of a tag.
pub const MAX_TAG_CHARS: usize = 50;
/// The most characters of a changelog.
pub const MAX_CHANGELOG_CHARS: usize = 5_000;
/// The most characters of what is said about a deprecation.
pub const MAX_DEPRECATION_CHARS: usize = 500;
/// The most characters of a review's title.
pub const MAX_TITLE_CHARS: usize = 100;
/// The most characters of a review's content.
pub const MAX_CONTENT_CHARS: usize = 2_000;
/// The category of what names none.
pub const DEFAULT_CATEGORY: &str = "workflow";
/// The version of what names none.
pub const DEFAULT_VERSION: &str = "1.0.0";

/// A field that breaks a rule, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field, as a dotted path.
    pub field: String,
    /// What would be right.
    pub message: String,
}

impl Problem {
    /// `message` about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// What somebody wants to publish or change. What is `None` was not said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wish {
    /// `name`
    pub name: Option<String>,
    /// `description`
    pub description: Option<String>,
    /// `category`
    pub category: Option<String>,
    /// `visibility`
    pub visibility: Option<String>,
    /// `tags`
    pub tags: Option<Vec<String>>,
    /// `version`
    pub version: Option<String>,
    /// `documentation`
    pub documentation: Option<String>,
    /// `changelog`
    pub changelog: Option<String>,
    /// `template_data`
    pub template_data: Option<Map<String, Value>>,
}

/// What passed the rules, tidied.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Without spaces around it.
    pub name: String,
    /// Any text.
    pub description: String,
    /// A slug.
    pub category: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// Without spaces around them, each once.
    pub tags: Vec<String>,
    /// Any text.
    pub documentation: String,
    /// The first version.
    pub release: Release,
}

/// A version that is to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Its number.
    pub version: Version,
    /// What is new in it.
    pub changelog: String,
    /// The template itself.
    pub data: Map<String, Value>,
    /// What is odd about it and yet allowed.
    pub warnings: Vec<String>,
}

/// Fields that may be changed of what is published. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// Without spaces around it.
    pub name: Option<String>,
    /// Any text.
    pub description: Option<String>,
    /// A slug.
    pub category: Option<String>,
    /// Who may see it.
    pub visibility: Option<Visibility>,
    /// Without spaces around them, each once.
    pub tags: Option<Vec<String>>,
    /// Any text.
    pub documentation: Option<String>,
}

/// Gathers what is wrong.
#[derive(Default)]
struct Checks(Vec<Problem>);

impl Wish {
    /// Everything that is to be published. What was not said takes its default, `visibility` the
    /// one given.
    ///
    /// # Errors
    /// All that breaks a rule.
    pub fn draft(self, visibility: Visibility) -> Result<Draft, Vec<Problem>> {
        let mut checks = Checks::default();
        if self.name.is_none() {
            checks.wrong("name", "is required");
        }
        let (change, rest) = self.split(&mut checks);
        let release = rest.release_with(&mut checks, Some(DEFAULT_VERSION));
        let draft = release.map(|release| Draft {
            name: change.name.unwrap_or_default(),
            description: change.description.unwrap_or_default(),
            category: change.category.unwrap_or_else(|| DEFAULT_CATEGORY.to_owned()),
            visibility: change.visibility.unwrap_or(visibility),
            tags: change.tags.unwrap_or_default(),
            documentation: change.documentation.unwrap_or_default(),
            release,
        });
        checks.or(draft)
    }

    /// What is to be changed. A version or template data may not be: versions never change.
    ///
    /// # Errors
    /// All that breaks a rule.
    pub fn change(self) -> Result<Change, Vec<Problem>> {
        let mut checks = Checks::default();
        let (change, rest) = self.split(&mut checks);
        let fixed = [
            ("version", rest.version.is_some()),
            ("template_data", rest.template_data.is_some()),
            ("changelog", rest.changelog.is_some()),
        ];
        for (field, _) in fixed.iter().filter(|(_, given)| *given) {
            checks.wrong(field, "cannot be changed: publish a new version");
        }
        checks.or(Some(change))
    }

    /// The new version that is to be published.
    ///
    /// # Errors
    /// All that breaks a rule.
    pub fn release(self) -> Result<Release, Vec<Problem>> {
        let mut checks = Checks::default();
        let release = self.release_with(&mut checks, None);
        checks.or(release)
    }

    fn split(mut self, checks: &mut Checks) -> (Change, Self) {
        let change = Change {
            name: self.name.take().and_then(|name| checks.name(&name)),
            description: self
                .description
                .take()
                .and_then(|text| checks.text("description", text, MAX_DESCRIPTION_CHARS)),
            category: self.category.take().and_then(|text| checks.category(&text)),
            visibility: self.visibility.take().and_then(|text| checks.visibility(&text)),
            tags: self.tags.take().map(|tags| checks.tags(&tags)),
            documentation: self
                .documentation
                .take()
                .and_then(|text| checks.text("documentation", text, MAX_DOCUMENTATION_CHARS)),
        };
        (change, self)
    }

    fn release_with(self, checks: &mut Checks, default: Option<&str>) -> Option<Release> {
        let changelog = self.changelog.unwrap_or_default();
        let changelog = checks.text("changelog", changelog, MAX_CHANGELOG_CHARS);
        let version = match self.version.as_deref().or(default) {
            None => {
                checks.wrong("version", "is required");
                None
            }
            Some(text) => {
                let version = Version::parse(text);
                if version.is_none() {
                    checks.wrong("version", "must be a semantic version such as 1.2.0");
                }
                version
            }
        };
        let Some(data) = self.template_data else {
            checks.wrong("template_data", "is required");
            return None;
        };
        let warnings = checks.data(&data)?;
        Some(Release { version: version?, changelog: changelog?, data, warnings })
    }
}

impl Checks {
    fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Problem::new(field, message));
    }

    fn or<T>(self, checked: Option<T>) -> Result<T, Vec<Problem>> {
        match checked {
            Some(checked) if self.0.is_empty() => Ok(checked),
            _ => Err(self.0),
        }
    }

    fn name(&mut self, text: &str) -> Option<String> {
        let name = text.trim();
        if !(1..=MAX_NAME_CHARS).contains(&name.chars().count()) {
            self.wrong("name", "must have 1 to 100 characters");
            return None;
        }
        if name.chars().any(char::is_control) || !name.chars().any(is_visible) {
            self.wrong("name", "must have something to see, and no control characters");
            return None;
        }
        Some(name.to_owned())
    }

    fn text(&mut self, field: &str, text: String, most: usize) -> Option<String> {
        if text.chars().count() > most {
            self.wrong(field, format!("must have at most {most} characters"));
            return None;
        }
        // A text of several lines is fine; what moves a terminal's cursor is not.
        if text.chars().any(|it| it.is_control() && !['\n', '\r', '\t'].contains(&it)) {
            self.wrong(field, "must have no control characters but line ends and tabs");
            return None;
        }
        Some(text)
    }

    fn category(&mut self, text: &str) -> Option<String> {
        let slug = text.trim().to_ascii_lowercase();
        if is_slug(&slug) {
            return Some(slug);
        }
        self.wrong(
            "category",
            "must be a slug: 1 to 50 of a-z, 0-9, - and _, beginning with a letter or digit",
        );
        None
    }

    fn visibility(&mut self, text: &str) -> Option<Visibility> {
        let visibility = Visibility::parse(text);
        if visibility.is_none() {
            self.wrong("visibility", "must be public, organization, unlisted or private");
        }
        visibility
    }

    fn tags(&mut self, tags: &[String]) -> Vec<String> {
        if tags.len() > MAX_TAGS {
            self.wrong("tags", "must be at most 20");
            return vec![];
        }
        let mut kept: Vec<String> = Vec::new();
        for (at, tag) in tags.iter().enumerate() {
            let tag = tag.trim();
            let length = (1..=MAX_TAG_CHARS).contains(&tag.chars().count());
            // A comma separates tags where they are searched for.
            let fine = length
                && !tag
                    .chars()
                    .chain(facet_text(tag).chars())
                    .any(|it| it.is_control() || it == ',');
            if !fine || facet_text(tag).is_empty() {
                let message = "must have 1 to 50 characters, no comma and no control characters";
                self.wrong(&format!("tags[{at}]"), message);
            } else if !kept.iter().any(|known| facet_text(known) == facet_text(tag)) {
                kept.push(tag.to_owned());
            }
        }
        kept
    }

    fn data(&mut self, data: &Map<String, Value>) -> Option<Vec<String>> {
        let bytes = serde_json::to_vec(data).map_or(usize::MAX, |printed| printed.len());
        if bytes > MAX_DATA_BYTES {
            self.wrong("template_data", "must be at most 100 KiB");
            return None;
        }
        match graph::check(data) {
            Ok(warnings) => Some(warnings),
            Err(problems) => {
                self.0.extend(problems);
                None
            }
        }
    }
}

/// Whether `text` is well formed as a category.
pub fn is_slug(text: &str) -> bool {
    let of = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= MAX_CATEGORY_CHARS
        && text.bytes().next().is_some_and(of)
        && text.bytes().all(|byte| of(byte) || b"-_".contains(&byte))
}

/// Whether a character leaves ink: not space, and none of those that only direct or join others.
fn is_visible(it: char) -> bool {
    let hidden = matches!(it, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}');
    !it.is_whitespace() && !hidden
}

/// A review that passed the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// 1 to 5.
    pub rating: u8,
    /// Without spaces around it; may be empty.
    pub title: String,
    /// Without spaces around it.
    pub content: String,
}

/// A rating: a whole number from 1 to 5.
///
/// # Errors
/// When it is none; without one, that it is required.
pub fn rating(given: Option<&Value>) -> Result<u8, Problem> {
    let wrong = |message: &str| Problem::new("rating", message);
    match given {
        None | Some(Value::Null) => Err(wrong("is required")),
        Some(value) => value
            .as_u64()
            .and_then(|number| u8::try_from(number).ok())
            .filter(|number| (1..=5).contains(number))
            .ok_or_else(|| wrong("must be a whole number from 1 to 5")),
    }
}

/// A review.
///
/// # Errors
/// All that breaks a rule.
pub fn review(
    given: Option<&Value>,
    title: Option<String>,
    content: Option<String>,
) -> Result<Review, Vec<Problem>> {
    let mut checks = Checks::default();
    let rating = rating(given).map_err(|problem| checks.0.push(problem)).ok();
    let title = title.unwrap_or_default().trim().to_owned();
    if title.chars().any(char::is_control) {
        checks.wrong("title", "must have no control characters");
    }
    let title = checks.text("title", title, MAX_TITLE_CHARS);
    let content = content.unwrap_or_default().trim().to_owned();
    if !content.chars().any(is_visible) {
        checks.wrong("content", "must have 1 to 2000 characters");
    }
    let content = checks.text("content", content, MAX_CONTENT_CHARS);
    let review = (|| Some(Review { rating: rating?, title: title?, content: content? }))();
    checks.or(review)
}

/// What is said about a deprecation.
///
/// # Errors
/// When it is too long or not for people.
pub fn deprecation(message: Option<String>) -> Result<String, Vec<Problem>> {
    let mut checks = Checks::default();
    let text =
        checks.text("deprecation_message", message.unwrap_or_default(), MAX_DEPRECATION_CHARS);
    checks.or(text)
}

#[cfg(test)]
#[path = "draft_tests.rs"]
mod tests;
