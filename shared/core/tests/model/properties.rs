//! What has to hold, and what a state looks like to a reader.

use std::fmt::Write as _;

use super::rules::BUDGET;
use super::state::{self, Phase, Process, SWEEP, State, Stored, WORKERS};

/// The property that a state breaks, or 0. P1 is not a matter of one state.
pub(crate) fn broken(state: &State) -> u8 {
    let [one, two, ..] = &state.processes;
    if state.broken != 0 {
        state.broken
    } else if one.phase == Phase::EndSend
        && two.phase == Phase::EndSend
        && one.plan.generation == two.plan.generation
    {
        3
    } else if state.row.attempts > BUDGET {
        4
    } else if is_lost_letter(state) {
        5
    } else {
        0
    }
}

/// P5: a dead letter that is neither on a queue nor on the list, and that no note leads to.
fn is_lost_letter(state: &State) -> bool {
    let row = &state.row;
    if row.status != state::DEAD_LETTERED || row.reason == state::DISCARDED || state.listed {
        return false;
    }
    let order = state::message(true, row.generation);
    let held = |it: &Process| it.holds == order && !it.message_gone;
    let noted = state.orphans != [0; 3]
        || state.processes[SWEEP].holds != 0
        || state.processes.iter().take(WORKERS).any(|worker| worker.note != 0)
        || state.processes.iter().any(|it| {
            it.phase == Phase::Effects
                && it.effects & (state::LIST | state::LETTER) != 0
                && it.plan.generation == row.generation
        });
    state.letters & (1 << row.generation) == 0
        && state.messages & (1 << order) == 0
        && !state.processes.iter().take(WORKERS).any(held)
        && !noted
}

/// Delivered; or given up, and where people find it; or deleted by them.
pub(crate) fn is_settled(state: &State) -> bool {
    let row = &state.row;
    match row.status {
        state::DELIVERED => true,
        state::DEAD_LETTERED => {
            row.reason == state::DISCARDED
                || state.listed
                || state.letters & (1 << row.generation) != 0
        }
        _ => false,
    }
}

/// A state in a line.
pub(crate) fn describe(state: &State) -> String {
    let mut text = row(state.row);
    if state.watch > 0 {
        write!(text, ", in the index in {}", state.watch - 1).unwrap();
    }
    let messages: Vec<_> =
        (1..8).filter(|message| state.messages & (1 << message) != 0).map(message).collect();
    write!(text, " | queued: {}", or_nothing(&messages.join(", "))).unwrap();
    let letters: Vec<_> = (0..3)
        .filter(|generation| state.letters & (1 << generation) != 0)
        .map(|generation| format!("redrive g{generation}"))
        .collect();
    write!(text, " | dead letters: {}", or_nothing(&letters.join(", "))).unwrap();
    if state.listed {
        text.push_str(", listed");
    }
    if state.orphans != [0; 3] {
        write!(text, " | orphaned notes by ticks left: {:?}", state.orphans).unwrap();
    }
    let webhook = ["", " | webhook disabled", " | webhook deleted"];
    text.push_str(webhook[usize::from(state.webhook)]);
    for (process, name) in state.processes.iter().zip(["w1", "w2", "sweep", "desk"]) {
        if process.phase != Phase::Idle {
            write!(text, " | {name} {:?}", process.phase).unwrap();
            write!(text, "({}, lease {}", row(process.plan), process.left).unwrap();
            let note = if process.note > 0 { ", noted" } else { "" };
            let fresh = if process.fresh { "" } else { ", outdated" };
            write!(text, "{note}{fresh})").unwrap();
        }
    }
    text
}

fn row(of: Stored) -> String {
    let status = ["no receipt", "PENDING", "IN_PROGRESS", "DELIVERED", "RETRYING", "DEAD_LETTERED"];
    let mut text = format!("{} g{}", status[usize::from(of.status)], of.generation);
    write!(text, " a{}", of.attempts).unwrap();
    match of.status {
        state::IN_PROGRESS => write!(text, " lease {}", of.left).unwrap(),
        state::RETRYING => write!(text, " due {}", of.due).unwrap(),
        state::DEAD_LETTERED if of.reason == state::DISCARDED => text.push_str(" discarded"),
        _ => {}
    }
    text
}

fn message(message: u8) -> String {
    let (redrive, generation) = state::read_message(message);
    match (message, redrive) {
        (state::FIRST, _) => "the first".to_owned(),
        (_, true) => format!("redrive g{generation}"),
        (_, false) => format!("attempt g{generation}"),
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
