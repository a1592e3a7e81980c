//! The sweep (`DeliverySweep`) and the desk (`ReceiptDesk::retry`, and deleting a dead letter).

use super::moves::{Kind, Mistake, Model, Move, NAMES, Went};
use super::rules::{Asked, RESENT_GRACE, Said};
use super::state::{self, DESK, Phase, Process, SWEEP, State, WORKERS};

/// Where [`Process::holds`] of the sweep says its note is from: a worker that is no more.
const ORPHAN: u8 = 3;

impl Model {
    /// Everything that the sweep can do, and a crash.
    pub(crate) fn sweep(&mut self, from: &State, out: &mut Vec<Move>) {
        let process = from.processes[SWEEP];
        match process.phase {
            Phase::Idle => {
                self.take_note(from, out);
                return self.take_overdue(from, out);
            }
            Phase::Effects => {
                let begin = out.len();
                from.next_effect(SWEEP, out);
                for done in &mut out[begin..] {
                    if done.to.processes[SWEEP].effects == 0 {
                        let mended = !done.to.processes[SWEEP].unfinished;
                        done.to.sweep_ends(mended);
                    }
                }
            }
            _ => self.mend(from, out),
        }
        if let Some(mut to) = from.with_fault() {
            to.sweep_ends(false);
            out.push(Move { who: NAMES[SWEEP], what: "crashes", how: "", kind: Kind::Unfair, to });
        }
    }

    /// Takes up a note whose time is over: of a worker that is no more, or of one that is slow.
    fn take_note(&mut self, from: &State, out: &mut Vec<Move>) {
        let orphan = (from.orphans[0] > 0).then_some(ORPHAN);
        let slow = (0..WORKERS).filter(|at| from.processes[*at].note == 1);
        let slow = slow.map(|at| u8::try_from(at + 1).unwrap());
        for holds in orphan.into_iter().chain(slow) {
            let mut to = *from;
            if holds == ORPHAN {
                to.orphans[0] -= 1;
            }
            let mut process =
                Process { holds, plan: from.row.seen_by(SWEEP), ..Process::default() };
            let what = match self.rules.ask(process.plan, Asked::Swept) {
                Said::Ignore => {
                    to.processes[SWEEP] = process;
                    to.sweep_ends(true);
                    "takes up a note, finds nothing to mend, strikes it out"
                }
                Said::Repeat { effects } => {
                    (process.effects, process.phase) = (effects, Phase::Effects);
                    to.processes[SWEEP] = process;
                    "takes up a note, and will repeat what may be lost"
                }
                Said::Move { next, watch, effects } => {
                    (process.plan, process.watch, process.effects) = (next, watch, effects);
                    (process.phase, process.fresh) = (Phase::Record, true);
                    to.processes[SWEEP] = process;
                    "takes up a note, and finds a lease that has ended"
                }
            };
            out.push(Move { who: NAMES[SWEEP], what, how: "", kind: Kind::Fair, to });
        }
    }

    /// Takes up what is overdue in the index, or what an old copy of the index calls so.
    fn take_overdue(&mut self, from: &State, out: &mut Vec<Move>) {
        let waits = matches!(from.row.status, state::PENDING | state::RETRYING);
        if !waits || from.watch == 0 {
            return;
        }
        let Said::Repeat { effects } = self.rules.ask(from.row, Asked::Swept) else { return };
        let process = Process {
            phase: Phase::Record,
            plan: from.row,
            watch: RESENT_GRACE + 1,
            effects,
            fresh: true,
            ..Process::default()
        };
        let (to, kind, how) = if from.watch == 1 {
            (Some(*from), Kind::Fair, "")
        } else {
            (from.with_fault(), Kind::Unfair, ", by an index that is behind")
        };
        if let Some(mut to) = to {
            to.processes[SWEEP] = process;
            out.push(Move { who: NAMES[SWEEP], what: "takes up what is overdue", how, kind, to });
        }
    }

    /// Writes what it wants stored. Refused means that somebody else has moved the delivery on,
    /// or that the write was its own: the note stays for the next sweep.
    fn mend(&self, from: &State, out: &mut Vec<Move>) {
        let strikes = self.makes(Mistake::SweepStrikesRefused);
        let (who, what) = (NAMES[SWEEP], "writes what it wants stored");
        if !from.processes[SWEEP].fresh && !self.makes(Mistake::Unconditional) {
            let mut to = *from;
            to.sweep_ends(strikes);
            return out.push(Move { who, what, how: ": refused", kind: Kind::Fair, to });
        }
        for went in Went::ALL {
            let Some(mut to) = from.when(went) else { continue };
            if went.took() {
                to.write(SWEEP);
            }
            match went {
                Went::Well => to.processes[SWEEP].phase = Phase::Effects,
                Went::Echo => to.sweep_ends(strikes),
                Went::Wrong | Went::WrongAfterAll => to.sweep_ends(false),
            }
            out.push(Move { who, what, how: went.words(), kind: went.kind(), to });
        }
    }

    /// What somebody asks of a delivery that has ended, and a crash in the middle of it.
    pub(crate) fn desk(&mut self, from: &State, out: &mut Vec<Move>) {
        let process = from.processes[DESK];
        match process.phase {
            Phase::Idle => return self.ask_at_desk(from, out),
            Phase::Effects => {
                let begin = out.len();
                from.next_effect(DESK, out);
                for done in &mut out[begin..] {
                    if done.to.processes[DESK].effects == 0 {
                        done.to.processes[DESK] = Process::default();
                    } else {
                        done.to.processes[DESK].unfinished = false;
                    }
                }
            }
            _ => self.write_at_desk(from, out),
        }
        if let Some(mut to) = from.with_fault() {
            to.processes[DESK] = Process::default();
            out.push(Move { who: NAMES[DESK], what: "crashes", how: "", kind: Kind::Unfair, to });
        }
    }

    fn ask_at_desk(&mut self, from: &State, out: &mut Vec<Move>) {
        let Some(users) = from.users.checked_sub(1) else { return };
        for (asked, what) in [
            (Asked::Retry, "is asked for a manual retry, and plans"),
            (Asked::Discard, "is asked to delete the dead letter, and plans"),
        ] {
            if asked == Asked::Retry && from.webhook != state::ENABLED {
                continue;
            }
            let Said::Move { next, watch, effects } = self.rules.ask(from.row.seen_by(DESK), asked)
            else {
                continue;
            };
            let mut to = State { users, ..*from };
            to.processes[DESK] = Process {
                phase: Phase::Record,
                plan: next,
                watch,
                effects,
                fresh: true,
                ..Process::default()
            };
            out.push(Move { who: NAMES[DESK], what, how: "", kind: Kind::Unfair, to });
        }
    }

    /// An echo is recognised at the desk: what is there is what it wrote.
    fn write_at_desk(&self, from: &State, out: &mut Vec<Move>) {
        let (who, what) = (NAMES[DESK], "writes what it wants stored");
        if !from.processes[DESK].fresh && !self.makes(Mistake::Unconditional) {
            let mut to = *from;
            to.processes[DESK] = Process::default();
            return out.push(Move { who, what, how: ": refused", kind: Kind::Fair, to });
        }
        // Nothing tells its echo from a write that went well.
        for went in [Went::Well, Went::Wrong, Went::WrongAfterAll] {
            let Some(mut to) = from.when(went) else { continue };
            if went.took() {
                to.write(DESK);
            }
            let desk = &mut to.processes[DESK];
            if went == Went::Well && desk.effects != 0 {
                desk.phase = Phase::Effects;
            } else {
                *desk = Process::default();
            }
            out.push(Move { who, what, how: went.words(), kind: went.kind(), to });
        }
    }
}

impl State {
    /// The sweep is done with a delivery; its note is struck out when nothing is left to be done.
    fn sweep_ends(&mut self, mended: bool) {
        let holds = self.processes[SWEEP].holds;
        match holds {
            ORPHAN if !mended => self.orphan(0),
            1 | 2 if mended => self.processes[usize::from(holds - 1)].note = 0,
            _ => {}
        }
        self.processes[SWEEP] = Process::default();
    }
}
