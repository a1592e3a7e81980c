//! What a worker does with one message, call by call: `DeliverWorker::handle`.

use super::moves::{Kind, Mistake, Model, Move, NAMES, Went};
use super::rules::{Asked, BUDGET, LEASE, MARGIN, Said};
use super::state::{self, Phase, Process, SWEEP, State, Stored};

impl Model {
    /// Everything that the worker at `place` can do, and a crash.
    pub(crate) fn worker(&mut self, from: &State, place: usize, out: &mut Vec<Move>) {
        let phase = from.processes[place].phase;
        match phase {
            Phase::Idle => return self.receive(from, place, out),
            Phase::Note => self.note(from, place, out),
            Phase::Claim | Phase::ClaimAgain => self.claim(from, place, out),
            Phase::ReadAgain => self.read_again(from, place, out),
            Phase::BeginSend => self.begin_send(from, place, out),
            Phase::EndSend => self.end_send(from, place, out),
            Phase::Record | Phase::RecordLate => self.record(from, place, out),
            Phase::ReadLate => self.read_late(from, place, out),
            Phase::Effects => effects(from, place, out),
            Phase::Strike => self.strike(from, place, out),
        }
        if let Some(mut to) = from.with_fault() {
            to.lose_success(place);
            to.end(place, true);
            out.push(unfair(place, "crashes", "", to));
        }
    }

    /// Receives any message that is there, looks up what it speaks of, and plans. A message that
    /// asks for nothing is deleted. To look up and to plan is one step with the receipt of the
    /// message: until the note is written nothing of it can be seen.
    fn receive(&mut self, from: &State, place: usize, out: &mut Vec<Move>) {
        for message in (1..8_u8).filter(|message| from.messages & (1 << message) != 0) {
            for (endpoint, holds) in endpoints(from) {
                let absent = message == state::FIRST;
                let base = if absent { Stored::default() } else { from.row.seen_by(place) };
                let asked = Asked::Received { message, endpoint, age: 0 };
                let Said::Move { next, watch, effects } = self.rules.ask(base, asked) else {
                    let mut to = *from;
                    to.messages &= !(1 << message);
                    out.push(fair(place, "receives a message, ignores and deletes it", to));
                    continue;
                };
                let process = Process {
                    phase: self.first_phase(),
                    holds: message,
                    plan: next,
                    watch,
                    effects,
                    left: LEASE,
                    endpoint,
                    fresh: !absent || from.row.status == state::ABSENT,
                    ..Process::default()
                };
                let mut to = State { holds, ..*from };
                if to.duplicates > 0 {
                    let mut to = to;
                    to.duplicates -= u8::from(to.duplicates != state::ANY_NUMBER);
                    to.processes[place] = Process { copy: true, ..process };
                    out.push(unfair(place, "receives a duplicate and plans", "", to));
                }
                to.messages &= !(1 << message);
                to.processes[place] = process;
                out.push(fair(place, "receives a message and plans", to));
            }
        }
    }

    fn first_phase(&self) -> Phase {
        if self.makes(Mistake::NoNote) { Phase::Claim } else { Phase::Note }
    }

    /// Notes the lease that it takes, or that a second plan may take.
    fn note(&self, from: &State, place: usize, out: &mut Vec<Move>) {
        let process = &from.processes[place];
        // What is held back was to be sent when the note was made.
        let short = self.makes(Mistake::ShortNote)
            && process.effects & state::SEND == 0
            && process.endpoint < state::HELD;
        let shorter = if short { LEASE - MARGIN } else { 0 };
        let note = process.left.saturating_sub(shorter) + 1;
        for went in [Went::Well, Went::Wrong, Went::WrongAfterAll] {
            let Some(mut to) = from.when(went) else { continue };
            to.processes[place].note = if went.took() { note } else { 0 };
            to.processes[place].phase = Phase::Claim;
            if went != Went::Well {
                to.end(place, true);
            }
            out.push(call(place, "notes its lease", went, to));
        }
    }

    fn claim(&self, from: &State, place: usize, out: &mut Vec<Move>) {
        let process = &from.processes[place];
        let again = process.phase == Phase::ClaimAgain;
        if (process.left == 0 || process.note == 1) && !self.makes(Mistake::LateClaim) {
            let mut to = *from;
            to.end(place, true);
            return out.push(fair(place, "finds its note ended before the claim", to));
        }
        if !process.fresh && !self.makes(Mistake::Unconditional) {
            let mut to = *from;
            self.claim_refused(&mut to, place, again);
            return out.push(fair(place, "writes its claim: refused", to));
        }
        for went in Went::ALL {
            let Some(mut to) = from.when(went) else { continue };
            if went.took() {
                to.write(place);
            }
            match went {
                Went::Well => to.claimed(place),
                Went::Echo => self.claim_refused(&mut to, place, again),
                Went::Wrong | Went::WrongAfterAll => to.end(place, true),
            }
            out.push(call(place, "writes its claim", went, to));
        }
    }

    fn claim_refused(&self, to: &mut State, place: usize, again: bool) {
        if !again {
            to.processes[place].phase = Phase::ReadAgain;
        } else if self.makes(Mistake::RefusedTwiceStrikes) {
            to.processes[place].failed = true;
            to.processes[place].phase = Phase::Strike;
        } else {
            to.end(place, true);
        }
    }

    /// Reads what stood in the way of its claim, and plans on that, by the clock it read first.
    fn read_again(&mut self, from: &State, place: usize, out: &mut Vec<Move>) {
        if let Some(mut to) = from.with_fault() {
            to.end(place, true);
            out.push(unfair(place, "reads what is there", ": it fails", to));
        }
        let mut to = *from;
        let process = &mut to.processes[place];
        let there = from.row.seen_by(place);
        if process.wrote || there == process.plan {
            process.fresh = true;
            to.claimed(place);
            return out.push(fair(place, "reads what is there: its own claim", to));
        }
        let age = LEASE - process.left;
        let (message, endpoint) = (process.holds, process.endpoint);
        match self.rules.ask(there, Asked::Received { message, endpoint, age }) {
            Said::Move { next, watch, effects } => {
                (process.plan, process.watch, process.effects) = (next, watch, effects);
                process.fresh = true;
                process.phase = Phase::ClaimAgain;
                out.push(fair(place, "reads what is there and plans on it", to));
            }
            Said::Ignore | Said::Repeat { .. } => {
                process.phase = Phase::Strike;
                out.push(fair(place, "reads what is there: nothing is left to do", to));
            }
        }
    }

    fn begin_send(&mut self, from: &State, place: usize, out: &mut Vec<Move>) {
        let mut to = *from;
        let process = to.processes[place];
        if process.left == 0 {
            self.answered(&mut to, place, state::FAILURE);
            return out.push(fair(place, "finds its time over before it sends", to));
        }
        to.processes[place].phase = Phase::EndSend;
        if process.plan.generation == to.row.generation {
            to.sends = (to.sends + 1).min(3);
            if to.sends > BUDGET {
                to.broken = 4;
            }
            if to.succeeded && !to.excused {
                to.broken = 2;
            }
        }
        out.push(fair(place, "begins to send", to));
    }

    fn end_send(&mut self, from: &State, place: usize, out: &mut Vec<Move>) {
        for &answer in self.answers {
            let what = match answer {
                state::SUCCESS => "is answered with success",
                state::GONE => "is answered with 410",
                state::FAILURE => "is answered with failure, or not at all",
                _ => "is answered with failure and a long Retry-After",
            };
            let mut to = *from;
            if answer == state::SUCCESS && to.processes[place].plan.generation == to.row.generation
            {
                to.succeeded = true;
            }
            self.answered(&mut to, place, answer);
            out.push(fair(place, what, to));
        }
    }

    /// What an answer leads to, on the claim as it was written.
    fn answered(&mut self, to: &mut State, place: usize, answer: u8) {
        let process = &mut to.processes[place];
        process.answer = answer;
        // A claim of its own that it sees now is not the outcome that it sees later.
        process.wrote = false;
        let asked = Asked::Answered { generation: process.plan.generation, answer };
        match self.rules.ask(process.plan, asked) {
            Said::Move { next, watch, effects } => {
                (process.plan, process.watch, process.effects) = (next, watch, effects);
                process.phase = Phase::Record;
            }
            Said::Ignore | Said::Repeat { .. } => process.phase = Phase::Strike,
        }
        if process.left == 0 && process.keeps_a_success() {
            to.excused = true;
        }
    }

    fn record(&self, from: &State, place: usize, out: &mut Vec<Move>) {
        let process = &from.processes[place];
        let late = process.phase == Phase::RecordLate;
        if !process.fresh && !self.makes(Mistake::Unconditional) {
            let mut to = *from;
            to.processes[place].phase = if late { Phase::Strike } else { Phase::ReadLate };
            return out.push(fair(place, "records the outcome: refused", to));
        }
        for went in Went::ALL {
            let Some(mut to) = from.when(went) else { continue };
            if went.took() {
                to.write(place);
            }
            match went {
                Went::Well => self.recorded(&mut to, place),
                Went::Echo if !late => to.processes[place].phase = Phase::ReadLate,
                Went::Echo => to.processes[place].phase = Phase::Strike,
                Went::Wrong | Went::WrongAfterAll => {
                    to.lose_success(place);
                    to.end(place, true);
                }
            }
            out.push(call(place, "records the outcome", went, to));
        }
    }

    fn recorded(&self, to: &mut State, place: usize) {
        if self.makes(Mistake::StruckFirst) {
            to.strike_note(place);
        }
        to.processes[place].go_on_to_effects();
    }

    fn read_late(&mut self, from: &State, place: usize, out: &mut Vec<Move>) {
        if let Some(mut to) = from.with_fault() {
            to.lose_success(place);
            to.end(place, true);
            out.push(unfair(place, "reads what is there", ": it fails", to));
        }
        let mut to = *from;
        let process = &mut to.processes[place];
        if process.wrote {
            self.recorded(&mut to, place);
            return out.push(fair(place, "reads what is there: its own record", to));
        }
        let asked = Asked::Answered { generation: process.plan.generation, answer: process.answer };
        match self.rules.ask(from.row.seen_by(place), asked) {
            Said::Move { next, watch, effects } => {
                (process.plan, process.watch, process.effects) = (next, watch, effects);
                process.fresh = true;
                process.phase = Phase::RecordLate;
                out.push(fair(place, "reads what is there: its answer still counts", to));
            }
            Said::Ignore | Said::Repeat { .. } => {
                process.phase = Phase::Strike;
                out.push(fair(place, "reads what is there: its answer is of no use", to));
            }
        }
    }

    /// The note is struck out, and the message deleted: or given back, when it is to come again.
    fn strike(&self, from: &State, place: usize, out: &mut Vec<Move>) {
        let failed = from.processes[place].failed;
        // Past its time the note is the sweep's, which may be in the middle of what it leads to.
        if from.processes[place].note == 1 && !self.makes(Mistake::SlowStrikes) {
            let mut to = *from;
            to.end(place, failed);
            return out.push(fair(place, "is done, and leaves its note to the sweep", to));
        }
        let mut to = *from;
        to.strike_note(place);
        if let Some(mut to) = to.with_fault() {
            to.end(place, true);
            out.push(unfair(place, "strikes its note out", ", and crashes", to));
        }
        if let Some(mut to) = from.with_fault() {
            to.end(place, failed);
            out.push(unfair(place, "strikes its note out", ": it fails", to));
        }
        let (me, other) = (to.processes[place], to.processes[1 - place]);
        let shared = other.holds == me.holds && (me.copy || other.copy);
        if !failed && !me.message_gone && (shared || me.copy) {
            // To delete one copy may be to delete all of them.
            let mut all = to;
            all.messages &= !(1 << me.holds);
            all.processes[1 - place].message_gone |= shared;
            all.end(place, false);
            out.push(fair(place, "is done, and deletes every copy of its message", all));
        }
        to.end(place, failed);
        out.push(fair(place, "is done, and deletes its message", to));
    }
}

fn effects(from: &State, place: usize, out: &mut Vec<Move>) {
    let begin = out.len();
    from.next_effect(place, out);
    for done in &mut out[begin..] {
        let process = &mut done.to.processes[place];
        if process.effects == 0 && process.unfinished {
            done.to.end(place, false);
        } else if process.effects == 0 {
            process.phase = Phase::Strike;
        }
    }
}

impl Process {
    fn go_on_to_effects(&mut self) {
        self.phase = if self.effects == 0 { Phase::Strike } else { Phase::Effects };
    }
}

impl State {
    /// After the claim: to send, or to carry out what the claim itself decided.
    fn claimed(&mut self, place: usize) {
        let process = &mut self.processes[place];
        if process.effects & state::SEND == 0 {
            process.go_on_to_effects();
        } else {
            process.effects = 0;
            process.phase = Phase::BeginSend;
        }
    }

    fn strike_note(&mut self, place: usize) {
        self.processes[place].note = 0;
        let sweep = &mut self.processes[SWEEP];
        if usize::from(sweep.holds) == place + 1 {
            sweep.holds = 0;
        }
    }

    /// A success that was answered will not be recorded by the one who knows of it.
    fn lose_success(&mut self, place: usize) {
        let process = &self.processes[place];
        if process.keeps_a_success() && process.plan.generation == self.row.generation {
            self.excused = true;
        }
    }

    /// The worker's invocation is over, well or not. A note that it has not struck out stays.
    fn end(&mut self, place: usize, message_comes_back: bool) {
        let process = self.processes[place];
        if message_comes_back && !process.message_gone {
            self.queue(process.holds);
        }
        let sweep = &mut self.processes[SWEEP];
        if usize::from(sweep.holds) == place + 1 {
            sweep.holds = 3;
        } else if process.note > 0 {
            self.orphan(process.note - 1);
        }
        if self.row.lease >= state::OWN && usize::from(self.row.lease - state::OWN) == place {
            self.row.lease = state::LOST_LEASE;
        }
        self.processes[place] = Process::default();
    }
}

/// What a worker may find the webhook to be, and how often the delivery may be held after that.
fn endpoints(from: &State) -> impl Iterator<Item = (u8, u8)> {
    let held = match from.holds {
        _ if from.webhook != state::ENABLED => None,
        0 => None,
        1 => Some((state::HELD_TOO_LONG, 0)),
        more => Some((state::HELD, more - 1)),
    };
    std::iter::once((from.webhook, from.holds)).chain(held)
}

fn fair(place: usize, what: &'static str, to: State) -> Move {
    Move { who: NAMES[place], what, how: "", kind: Kind::Fair, to }
}

fn unfair(place: usize, what: &'static str, how: &'static str, to: State) -> Move {
    Move { who: NAMES[place], what, how, kind: Kind::Unfair, to }
}

fn call(place: usize, what: &'static str, went: Went, to: State) -> Move {
    Move { who: NAMES[place], what, how: went.words(), kind: went.kind(), to }
}
