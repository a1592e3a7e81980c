//! What can happen next, and the small steps that workers, sweep and desk share.

use super::rules::{LONGEST_ON_QUEUE, Rules, StepFn};
use super::state::{self, DESK, Phase, Process, State, Stored, WORKERS};

/// What kind of thing a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What the system does by itself when nothing is in its way.
    Fair,
    /// A tick passes.
    Time,
    /// A crash, a failed call, a duplicate, something users do.
    Unfair,
}

/// One step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) who: &'static str,
    pub(crate) what: &'static str,
    pub(crate) how: &'static str,
    pub(crate) kind: Kind,
    pub(crate) to: State,
}

/// One thing that callers of the machine do wrong; what is right is in `docs/ARCHITECTURE.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// Claims are written without a note of the lease.
    NoNote,
    /// Writes are not conditional on what was read.
    Unconditional,
    /// An attempt may take longer than its lease.
    SendOutlivesLease,
    /// The note is struck out before the effects are carried out.
    StruckFirst,
    /// A claim that was refused twice leaves no note, although the second refusal may be the
    /// echo of a write of its own.
    RefusedTwiceStrikes,
    /// The sweep takes every refused write for somebody else's, and strikes the note out.
    SweepStrikesRefused,
    /// The note of a claim that sends nothing ends before the lease that a second plan may take.
    ShortNote,
    /// A worker that is slower than its lease strikes out a note that the sweep has taken up.
    SlowStrikes,
    /// A claim is written even when the lease it speaks of has ended, and its note with it.
    LateClaim,
}

/// The machine and those who call it.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) rules: Rules,
    /// What a receiver may answer.
    pub(crate) answers: &'static [u8],
    pub(crate) mistake: Option<Mistake>,
}

/// How a call to AWS went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Went {
    Well,
    /// It took no effect, and says so.
    Wrong,
    /// It took effect, and says that it failed.
    WrongAfterAll,
    /// A conditional write that took effect, whose answer was lost, and which the SDK repeated:
    /// refused.
    Echo,
}

impl Went {
    pub(crate) const ALL: [Self; 4] = [Self::Well, Self::Wrong, Self::WrongAfterAll, Self::Echo];

    pub(crate) fn kind(self) -> Kind {
        if self == Self::Well { Kind::Fair } else { Kind::Unfair }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Well => "",
            Self::Wrong => ": it fails",
            Self::WrongAfterAll => ": it takes effect, and fails",
            Self::Echo => ": it takes effect, its answer is lost, and its repeat is refused",
        }
    }

    /// Whether it takes effect.
    pub(crate) fn took(self) -> bool {
        self != Self::Wrong
    }
}

pub(crate) const NAMES: [&str; 4] = ["worker 1", "worker 2", "sweep", "desk"];

impl Model {
    pub(crate) fn new(step: StepFn, answers: &'static [u8], mistake: Option<Mistake>) -> Self {
        Self { rules: Rules::new(step), answers, mistake }
    }

    pub(crate) fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == Some(mistake)
    }

    /// Everything that can happen in a state.
    pub(crate) fn moves(&mut self, from: &State, out: &mut Vec<Move>) {
        for place in 0..WORKERS {
            // Of two that are the same, one is enough.
            if place == 0 || from.processes[0] != from.processes[1] || from.row.lease >= state::OWN
            {
                self.worker(from, place, out);
            }
        }
        self.sweep(from, out);
        self.desk(from, out);
        users(from, out);
        self.time(from, out);
    }

    /// A tick, unless an attempt is under way whose time is over first.
    fn time(&self, from: &State, out: &mut Vec<Move>) {
        let ends_first = |process: &Process| process.phase == Phase::EndSend && process.left <= 1;
        let mut sending = from.processes.iter().take(WORKERS);
        if sending.any(ends_first) && !self.makes(Mistake::SendOutlivesLease) {
            return;
        }
        let is_midway = |process: &Process| !matches!(process.phase, Phase::Idle | Phase::EndSend);
        let mut to = *from;
        if from.delays < state::ANY_NUMBER && from.processes.iter().any(is_midway) {
            let Some(delays) = from.delays.checked_sub(1) else { return };
            to.delays = delays;
        }
        to.pass();
        out.push(Move { who: "time", what: "passes", how: "", kind: Kind::Time, to });
    }
}

impl State {
    /// Something goes wrong: `None` when enough has.
    pub(crate) fn with_fault(&self) -> Option<Self> {
        Some(Self { faults: self.faults.checked_sub(1)?, ..*self })
    }

    /// The state in which a call goes this way: with a fault fewer when it goes wrong.
    pub(crate) fn when(&self, went: Went) -> Option<Self> {
        if went == Went::Well { Some(*self) } else { self.with_fault() }
    }

    /// Stores what the process at `place` wants stored.
    pub(crate) fn write(&mut self, place: usize) {
        let by = self.processes[place];
        if self.row.status == state::DELIVERED && place != DESK {
            self.broken = 2;
        }
        if by.plan.generation != self.row.generation {
            (self.sends, self.succeeded, self.excused) = (0, false, false);
        }
        self.row = by.plan;
        if self.row.lease == state::OWN {
            self.row.lease += u8::try_from(place).unwrap();
        }
        self.watch = by.watch;
        for other in &mut self.processes {
            other.fresh = false;
            other.wrote = false;
        }
        self.processes[place].fresh = true;
        self.processes[place].wrote = true;
    }

    /// Carries out one effect of the process at `place`.
    pub(crate) fn carry_out(&mut self, place: usize, effect: u8) {
        let plan: Stored = self.processes[place].plan;
        match effect {
            state::DISABLE if self.webhook == state::ENABLED => self.webhook = state::DISABLED,
            state::LIST => self.listed = true,
            state::STRIKE => self.listed = false,
            // Further away than a queue can hold: the index has it.
            state::QUEUE if plan.due <= LONGEST_ON_QUEUE => {
                self.queue(state::message(false, plan.generation));
            }
            state::LETTER => self.letters |= 1 << plan.generation.min(2),
            _ => {}
        }
    }

    /// The next effect of the process at `place`, in every way it may go; `unfinished` is set when
    /// it is not known to be done.
    pub(crate) fn next_effect(&self, place: usize, out: &mut Vec<Move>) {
        let effects = self.processes[place].effects;
        let effect = effects & effects.wrapping_neg();
        let what = match effect {
            state::DISABLE => "disables the webhook",
            state::LIST => "puts it on the list of dead letters",
            state::STRIKE => "strikes it off the list of dead letters",
            state::QUEUE => "queues an attempt",
            state::LETTER => "puts an order on the dead-letter queue",
            _ => "announces it",
        };
        for went in [Went::Well, Went::Wrong, Went::WrongAfterAll] {
            let Some(mut to) = self.when(went) else { continue };
            if went.took() {
                to.carry_out(place, effect);
            }
            to.processes[place].effects &= !effect;
            to.processes[place].unfinished |= went != Went::Well;
            let (who, how, kind) = (NAMES[place], went.words(), went.kind());
            out.push(Move { who, what, how, kind, to });
        }
    }
}

/// What users do to the webhook and to the dead-letter queue, at any time.
fn users(from: &State, out: &mut Vec<Move>) {
    let Some(users) = from.users.checked_sub(1) else { return };
    let mut user = |what, change: &dyn Fn(&mut State)| {
        let mut to = State { users, ..*from };
        change(&mut to);
        out.push(Move { who: "a user", what, how: "", kind: Kind::Unfair, to });
    };
    match from.webhook {
        state::ENABLED => user("disables the webhook", &|to| to.webhook = state::DISABLED),
        state::DISABLED => user("enables the webhook", &|to| to.webhook = state::ENABLED),
        _ => {}
    }
    if from.webhook != state::DELETED {
        user("deletes the webhook", &|to| to.webhook = state::DELETED);
    }
    for generation in (0..3).filter(|generation| from.letters & (1 << generation) != 0) {
        user("moves an order from the dead-letter queue back", &|to| {
            to.letters &= !(1 << generation);
            to.queue(state::message(true, generation));
        });
    }
}
