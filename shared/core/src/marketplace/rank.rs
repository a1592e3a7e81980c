//! Places in the ordered lists: texts whose order, byte by byte, is that of the list.
//!
//! Each ends in the template's id, so that no two are the same and a cursor names one place. Ids
//! begin with a time: of two that are otherwise equal, the newer comes first where the list goes
//! down.

use super::card::Card;
use super::fold::fold;
use crate::ids::TemplateId;

/// Digits of a count in a key.
const DIGITS: usize = 12;
/// The most bytes of a name in a key.
const MAX_NAME_BYTES: usize = 200;

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Most downloads first.
    Downloads,
    /// Best average first, then most ratings.
    Rating,
    /// Youngest first.
    Newest,
    /// Last changed first.
    Updated,
    /// By name, case and accents aside.
    Name,
}

impl Sort {
    /// Every order.
    pub const ALL: &[Self] =
        &[Self::Downloads, Self::Rating, Self::Newest, Self::Updated, Self::Name];

    /// The name in requests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Downloads => "downloads",
            Self::Rating => "rating",
            Self::Newest => "newest",
            Self::Updated => "updated",
            Self::Name => "name",
        }
    }

    /// The order of that name, also as published clients call it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "downloads" | "download_count" | "popular" => Some(Self::Downloads),
            "rating" | "average_rating" | "avg_rating" => Some(Self::Rating),
            "newest" | "recent" | "created_at" => Some(Self::Newest),
            "updated" | "updated_at" => Some(Self::Updated),
            "name" => Some(Self::Name),
            _ => None,
        }
    }

    /// Whether the list begins with the greatest key.
    pub const fn is_descending(self) -> bool {
        !matches!(self, Self::Name)
    }

    /// The place of a template.
    pub fn key(self, card: &Card) -> String {
        match self {
            Self::Downloads => downloads_key(card.downloads, &card.id),
            Self::Rating => rating_key(card.tally.milli(), card.tally.count(), &card.id),
            Self::Newest => card.id.as_str().to_owned(),
            Self::Updated => counted(card.listing.updated_at.0.unsigned_abs(), &card.id),
            Self::Name => name_key(&card.listing.name, &card.id),
        }
    }
}

/// The place by downloads, of which the first three digits count: exact below a thousand, and
/// within one percent above, so that what is downloaded often is not written anew each time.
pub fn downloads_key(downloads: u64, id: &TemplateId) -> String {
    counted(steps_of(downloads), id)
}

/// `count` with nothing but zeros after its first three digits.
pub fn steps_of(count: u64) -> u64 {
    let mut unit = 1_u64;
    while count / unit >= 1_000 {
        unit = unit.saturating_mul(10);
    }
    count / unit * unit
}

/// The place by rating: thousandths of the average, then how many there are.
pub fn rating_key(milli: u64, count: u64, id: &TemplateId) -> String {
    format!("{milli:04}{}", counted(count, id))
}

/// The place of a number.
pub fn counted(count: u64, id: &TemplateId) -> String {
    format!("{count:0DIGITS$}#{id}")
}

fn name_key(name: &str, id: &TemplateId) -> String {
    let folded = fold(name);
    let mut end = folded.len().min(MAX_NAME_BYTES);
    while !folded.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    // Less than any character that a name can have: the shorter name comes first.
    format!("{}\u{1}{id}", folded.get(..end).unwrap_or_default())
}

/// The id at the end of a key.
pub fn id_of(key: &str) -> Option<TemplateId> {
    TemplateId::parse(key.rsplit(['#', '\u{1}']).next()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> TemplateId {
        TemplateId::parse(text).unwrap()
    }

    #[test]
    fn three_digits_of_a_count_matter() {
        for (count, steps) in [
            (0, 0),
            (7, 7),
            (999, 999),
            (1_000, 1_000),
            (1_009, 1_000),
            (1_010, 1_010),
            (123_456, 123_000),
        ] {
            assert_eq!(steps_of(count), steps);
        }
    }

    #[test]
    fn a_key_ends_in_its_id() {
        let id = id("tmpl-019bd5a4-6c00-7d3e-8f21-5a0c9e417b62");
        for key in [
            downloads_key(5, &id),
            rating_key(4_666, 3, &id),
            name_key("a # b", &id),
            id.as_str().to_owned(),
        ] {
            assert_eq!(id_of(&key), Some(id.clone()), "{key}");
        }
        assert_eq!(id_of("a#"), None);
    }

    #[test]
    fn names_are_ordered_as_people_read_them() {
        let mut names = ["b", "Ä", "ab", "a", "B 2", "É"];
        names.sort_by_key(|name| name_key(name, &id("x")));
        assert_eq!(names, ["Ä", "a", "ab", "b", "B 2", "É"]);
        assert!(name_key(&"ﷺ".repeat(100), &id("x")).len() <= 202);
    }

    #[test]
    fn orders_have_names() {
        for sort in Sort::ALL {
            assert_eq!(Sort::parse(sort.as_str()), Some(*sort));
        }
        assert_eq!(Sort::parse("recent"), Some(Sort::Newest));
        assert_eq!(Sort::parse("best"), None);
    }

    proptest! {
        #[test]
        fn keys_have_the_order_of_numbers(one in 0_u64..1_000_000, other in 0_u64..1_000_000) {
            let id = id("x");
            prop_assert_eq!(counted(one, &id).cmp(&counted(other, &id)), one.cmp(&other));
        }
    }
}
