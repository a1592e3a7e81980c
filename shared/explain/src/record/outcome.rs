//! The fields about the debate as a whole.

use serde_json::Value;

use super::fields::{self, Object};
use super::moves;
use super::problem::{At, Problems, ROOT};
use super::reading::{Reading, Scope};
use super::{Debate, failure, text};
use crate::moment;

/// The most characters of a task.
pub const MAX_TASK_CHARS: usize = 20_000;
const MAX_LABEL_CHARS: usize = 200;
const MAX_WINNER_CHARS: usize = 1_000;
const MAX_TAGS: usize = 100;
const MAX_TAG_CHARS: usize = 100;
const MAX_SECONDS: f64 = 1e9;
const MAX_COUNT: f64 = 1e9;

/// Checks what is not read here but has a type: the id, and what the debate cost.
pub(crate) fn identity(reading: &mut Reading, record: &Object) {
    let problems = &mut reading.problems;
    fields::label(record, &["debate_id"], MAX_LABEL_CHARS, &ROOT, problems);
    fields::number_in(record, &["cost_usd"], &(0.0..=MAX_COUNT), &ROOT, problems);
    let tokens = fields::number_in(record, &["tokens_used"], &(0.0..=1e15), &ROOT, problems);
    if tokens.is_some_and(|tokens| tokens.fract() != 0.0) {
        problems.add(&ROOT.key("tokens_used"), "must be a whole number");
    }
}

/// Reads the fields about the debate as a whole, each from the first scope that has it.
pub(crate) fn fields(reading: &mut Reading, debate: &mut Debate, scopes: &[Scope<'_, '_>]) {
    let label = |reading: &mut Reading, names: &[&'static str]| {
        scopes.iter().find_map(|scope| {
            fields::label(scope.object, names, MAX_LABEL_CHARS, &scope.at, &mut reading.problems)
        })
    };
    debate.domain = label(reading, &["domain"]);
    debate.workspace_id = label(reading, &["workspace_id"]);
    debate.task =
        scopes.iter().find_map(|scope| task(scope, &mut reading.problems)).unwrap_or_default();
    debate.tags =
        scopes.iter().find_map(|scope| tags(scope, &mut reading.problems)).unwrap_or_default();

    let time = |reading: &mut Reading, names: &[&'static str]| {
        scopes
            .iter()
            .find_map(|scope| fields::time(scope.object, names, &scope.at, &mut reading.problems))
    };
    debate.started_at = time(reading, &["started_at", "start_time"]);
    debate.completed_at = time(reading, &["completed_at", "ended_at", "end_time", "finished_at"])
        .or_else(|| time(reading, &["timestamp", "saved_at"]));
    debate.duration_seconds = scopes
        .iter()
        .find_map(|scope| duration(scope, &mut reading.problems))
        .or_else(|| between(debate));
    reading.odd.rounds_said = scopes.iter().find_map(|scope| said(scope, &mut reading.problems));
    reading.odd.left_out = scopes
        .last()
        .and_then(|scope| {
            fields::whole(
                scope.object,
                &["events_left_out"],
                u32::MAX,
                &scope.at,
                &mut reading.problems,
            )
        })
        .unwrap_or(0);
    decision(reading, debate, scopes);
}

/// What was decided; `consensus` may be an object that says it.
fn decision(reading: &mut Reading, debate: &mut Debate, scopes: &[Scope<'_, '_>]) {
    let mut reached = None;
    let mut all = scopes.to_vec();
    for (place, scope) in scopes.iter().enumerate() {
        let said =
            fields::flag(scope.object, &["consensus_reached"], &scope.at, &mut reading.problems);
        let at = scope.at.key("consensus");
        let other = match scope.object.get("consensus") {
            None | Some(Value::Null) => None,
            Some(Value::Bool(reached)) => Some(*reached),
            Some(Value::Object(object)) => {
                all.push(Scope { object, at });
                let names = ["reached", "consensus_reached", "achieved"];
                fields::flag(object, &names, &at, &mut reading.problems)
            }
            Some(_) => {
                reading.problems.add(&at, "must be true, false or an object");
                None
            }
        };
        reading.odd.two_minds |= said.zip(other).is_some_and(|(one, other)| one != other);
        // The end of a record says it shortly; on the record itself the word could mean anything.
        let shortly = scope.object.get("reached").filter(|_| place > 0).and_then(Value::as_bool);
        reached = reached.or(said).or(other).or(shortly);
    }
    debate.consensus_reached = reached;
    let fraction = |reading: &mut Reading, names: &[&'static str]| {
        all.iter().find_map(|scope| {
            fields::fraction(scope.object, names, &scope.at, &mut reading.problems)
        })
    };
    debate.confidence = fraction(reading, &["confidence"]);
    debate.consensus_margin = fraction(reading, &["consensus_margin", "margin"]);
    debate.winner = all.iter().find_map(|scope| {
        let names = ["winner", "winning_agent"];
        fields::label(scope.object, &names, MAX_WINNER_CHARS, &scope.at, &mut reading.problems)
    });
    let answer = all.iter().find_map(|scope| answer(reading, scope));
    reading.odd.failed_answer = answer.as_deref().is_some_and(failure::is_one);
    debate.final_answer = answer.filter(|answer| !failure::is_one(answer));
    for scope in &all {
        counts(reading, debate, scope);
    }
}

fn task(scope: &Scope<'_, '_>, problems: &mut Problems) -> Option<String> {
    let names = ["task", "question", "topic"];
    let sent = fields::text(scope.object, &names, &scope.at, problems)?;
    if text::is_longer(sent, MAX_TASK_CHARS) {
        let name = names
            .into_iter()
            .find(|name| scope.object.get(*name).and_then(Value::as_str) == Some(sent));
        let message = format!("must have at most {MAX_TASK_CHARS} characters");
        problems.add(&scope.at.key(name.unwrap_or("task")), message);
        return None;
    }
    Some(text::clean(sent)).filter(|task| !task.trim().is_empty())
}

/// A list of labels or one text with commas, each label once.
fn tags(scope: &Scope<'_, '_>, problems: &mut Problems) -> Option<Vec<String>> {
    let (name, value) = fields::given(scope.object, &["tags"])?;
    let list = scope.at.key(name);
    let mut tags: Vec<String> = Vec::new();
    let mut add = |sent: &str, at: &At<'_>, problems: &mut Problems| {
        let tag = text::line(sent);
        if text::is_longer(&tag, MAX_TAG_CHARS) {
            problems.add(at, format!("must have at most {MAX_TAG_CHARS} characters"));
        } else if !tag.is_empty() && !tags.contains(&tag) && tags.len() <= MAX_TAGS {
            tags.push(tag);
        }
    };
    match value {
        Value::String(sent) => sent.split(',').for_each(|one| add(one, &list, problems)),
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                let at = list.index(place);
                match item {
                    Value::Null => {}
                    Value::String(sent) => add(sent, &at, problems),
                    _ => problems.add(&at, "must be text"),
                }
            }
        }
        _ => problems.add(&list, "must be a list of texts"),
    }
    if tags.len() > MAX_TAGS {
        problems.add(&list, format!("at most {MAX_TAGS} tags"));
    }
    Some(tags)
}

fn duration(scope: &Scope<'_, '_>, problems: &mut Problems) -> Option<f64> {
    let range = 0.0..=MAX_SECONDS;
    let seconds = ["duration_seconds", "duration"];
    fields::number_in(scope.object, &seconds, &range, &scope.at, problems).or_else(|| {
        let range = 0.0..=MAX_SECONDS * 1_000.0;
        fields::number_in(scope.object, &["duration_ms"], &range, &scope.at, problems)
            .map(|millis| millis / 1_000.0)
    })
}

/// How long it took by its beginning and end, where the record has both.
fn between(debate: &Debate) -> Option<f64> {
    let start = moment::instant(debate.started_at.as_deref()?)?;
    let end = moment::instant(debate.completed_at.as_deref()?)?;
    // Microseconds of 300,000 years are exact in a float.
    #[expect(clippy::cast_precision_loss, reason = "checked to be a short time")]
    let seconds = ((end - start) / 1_000) as f64 / 1e6;
    (0.0..=MAX_SECONDS).contains(&seconds).then_some(seconds)
}

/// The number of rounds that the record says: a number, or as many as it lists.
fn said(scope: &Scope<'_, '_>, problems: &mut Problems) -> Option<u32> {
    let others = ["rounds_used", "rounds_completed", "num_rounds", "total_rounds"];
    let other = fields::whole(scope.object, &others, fields::MAX_ROUND, &scope.at, problems);
    match scope.object.get("rounds") {
        None | Some(Value::Null) => other,
        Some(Value::Array(rounds)) => other.or_else(|| u32::try_from(rounds.len()).ok()),
        Some(value) => {
            let number = fields::as_whole(value, fields::MAX_ROUND);
            if number.is_none() {
                let message =
                    format!("must be a whole number from 0 to {} or a list", fields::MAX_ROUND);
                problems.add(&scope.at.key("rounds"), message);
            }
            number
        }
    }
}

/// The number of a round that is an object.
pub(crate) fn number_of_round(
    object: &Object,
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<u32> {
    let names = ["round", "round_num", "round_number", "number"];
    fields::whole(object, &names, fields::MAX_ROUND, at, problems)
}

/// How many rounds there were: as the record says, else the highest of anything in it.
pub(crate) fn rounds(reading: &Reading, debate: &mut Debate) {
    let moves = debate.moves.iter().map(|one| one.round);
    let votes = debate.votes.iter().filter_map(|vote| vote.round);
    let positions = debate.positions.iter().map(|one| one.round);
    let highest = moves.chain(votes).chain(positions).max().unwrap_or(0);
    debate.rounds = reading.odd.rounds_said.unwrap_or(highest);
}

/// The decision in words. Under the last names engines also keep what is no text.
fn answer(reading: &mut Reading, scope: &Scope<'_, '_>) -> Option<String> {
    let names = ["final_answer", "answer", "conclusion"];
    moves::words(reading, scope.object, &names, &scope.at).or_else(|| {
        ["final_verdict", "final_decision", "verdict", "decision", "result"].iter().find_map(
            |name| {
                let sent = scope.object.get(*name)?.as_str()?;
                Some(text::clean(sent)).filter(|answer| !answer.trim().is_empty())
            },
        )
    })
}

fn counts(reading: &mut Reading, debate: &mut Debate, scope: &Scope<'_, '_>) {
    let Some((name, value)) = fields::given(scope.object, &["vote_counts", "vote_tally"]) else {
        return;
    };
    let list = scope.at.key(name);
    let Value::Object(counts) = value else {
        reading.problems.add(&list, "must be an object of numbers by choice");
        return;
    };
    if super::lists::too_many(reading, counts.len(), &list) || !debate.vote_counts.is_empty() {
        return;
    }
    for (choice, count) in counts.iter().filter(|(_, count)| !count.is_null()) {
        let at = list.key(choice);
        match fields::number(count).filter(|count| (0.0..=MAX_COUNT).contains(count)) {
            Some(count) => {
                let choice = text::cut(&text::line(choice), MAX_WINNER_CHARS);
                *debate.vote_counts.entry(choice).or_insert(0.0) += count;
            }
            None => reading.problems.add(&at, format!("must be a number from 0 to {MAX_COUNT}")),
        }
    }
}
