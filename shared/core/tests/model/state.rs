//! The model's state, small enough that millions of them fit into memory.
//!
//! Times are ticks from now, and what has passed is 0: so there is no horizon, and the graph of
//! states is finite. A revision is not a number but whether what a process has read is still what
//! is there ([`Process::fresh`]).

/// What [`Stored::status`] may be; `ABSENT` is a delivery that is only a line on a page.
pub(crate) const ABSENT: u8 = 0;
pub(crate) const PENDING: u8 = 1;
pub(crate) const IN_PROGRESS: u8 = 2;
pub(crate) const DELIVERED: u8 = 3;
pub(crate) const RETRYING: u8 = 4;
pub(crate) const DEAD_LETTERED: u8 = 5;

/// [`Stored::reason`] of a dead letter that somebody deleted.
pub(crate) const DISCARDED: u8 = 7;

/// [`Stored::lease`]: nobody's, that of a process that is no more (or, as one process sees it, of
/// another one), the process's own. In the table the own one is `OWN` plus the worker's place.
pub(crate) const NO_LEASE: u8 = 0;
pub(crate) const LOST_LEASE: u8 = 1;
pub(crate) const OWN: u8 = 2;

/// Bits of [`Process::effects`], in the order in which they are carried out.
pub(crate) const DISABLE: u8 = 1;
pub(crate) const LIST: u8 = 2;
pub(crate) const STRIKE: u8 = 4;
pub(crate) const QUEUE: u8 = 8;
pub(crate) const LETTER: u8 = 16;
pub(crate) const ANNOUNCE: u8 = 32;
pub(crate) const SEND: u8 = 64;

/// [`Process::answer`]
pub(crate) const SUCCESS: u8 = 1;
pub(crate) const FAILURE: u8 = 2;
pub(crate) const FAILURE_ASKING_FOR_LONGER: u8 = 3;
pub(crate) const GONE: u8 = 4;

/// [`State::webhook`], and [`Process::endpoint`] with what holds a delivery back besides.
pub(crate) const ENABLED: u8 = 0;
pub(crate) const DISABLED: u8 = 1;
pub(crate) const DELETED: u8 = 2;
pub(crate) const HELD: u8 = 3;
pub(crate) const HELD_TOO_LONG: u8 = 4;

/// Places in [`State::processes`]: two workers, then these.
pub(crate) const WORKERS: usize = 2;
pub(crate) const SWEEP: usize = 2;
pub(crate) const DESK: usize = 3;

/// No limit, for [`State::duplicates`] and [`State::delays`].
pub(crate) const ANY_NUMBER: u8 = 3;

/// The first message, which says that there is no receipt yet.
pub(crate) const FIRST: u8 = 1;

/// A message that asks for the attempt that is due, or for a redrive, of a generation (0 to 2).
pub(crate) const fn message(redrive: bool, generation: u8) -> u8 {
    (if redrive { 5 } else { 2 }) + if generation > 2 { 2 } else { generation }
}

/// Whether a message asks for a redrive, and of which generation it speaks.
pub(crate) const fn read_message(message: u8) -> (bool, u8) {
    match message {
        0 | FIRST => (false, 0),
        2..=4 => (false, message - 2),
        _ => (true, message - 5),
    }
}

/// A delivery as it is stored, or is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stored {
    pub(crate) status: u8,
    pub(crate) generation: u8,
    pub(crate) attempts: u8,
    pub(crate) lease: u8,
    /// Ticks until the lease ends.
    pub(crate) left: u8,
    /// Ticks until the next attempt is due.
    pub(crate) due: u8,
    pub(crate) reason: u8,
    pub(crate) recovering: bool,
}

/// Where a process is: named by what it does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    #[default]
    Idle,
    Note,
    Claim,
    ReadAgain,
    ClaimAgain,
    BeginSend,
    EndSend,
    Record,
    ReadLate,
    RecordLate,
    Effects,
    Strike,
}

const PHASES: [Phase; 12] = [
    Phase::Idle,
    Phase::Note,
    Phase::Claim,
    Phase::ReadAgain,
    Phase::ClaimAgain,
    Phase::BeginSend,
    Phase::EndSend,
    Phase::Record,
    Phase::ReadLate,
    Phase::RecordLate,
    Phase::Effects,
    Phase::Strike,
];

/// A worker, the sweep or the desk.
#[expect(clippy::struct_excessive_bools, reason = "they vary independently of each other")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Process {
    pub(crate) phase: Phase,
    /// The message a worker holds; where the sweep has its note from: nowhere (0), a living
    /// worker (1 or 2), a dead one (3).
    pub(crate) holds: u8,
    /// What it wants to store, or has stored.
    pub(crate) plan: Stored,
    /// When the sweep is to look at that: 0 never, else ticks and one.
    pub(crate) watch: u8,
    pub(crate) effects: u8,
    /// Ticks until the lease it took, or would take, ends.
    pub(crate) left: u8,
    /// Its note: 0 none, else the ticks until the sweep may read it, and one.
    pub(crate) note: u8,
    pub(crate) endpoint: u8,
    pub(crate) answer: u8,
    /// Whether what it has read is still what is stored.
    pub(crate) fresh: bool,
    /// Whether what is stored is what it wrote last.
    pub(crate) wrote: bool,
    /// Whether its note has to stay.
    pub(crate) unfinished: bool,
    /// Whether its message is to come back.
    pub(crate) failed: bool,
    /// Whether the queue kept its message all the same: a duplicate.
    pub(crate) copy: bool,
    /// Whether its message was deleted by a worker that had the duplicate.
    pub(crate) message_gone: bool,
}

/// Everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct State {
    pub(crate) row: Stored,
    /// The entry in the index `due`: 0 none, else the ticks until it is due, and one.
    pub(crate) watch: u8,
    /// Which messages are on the queues to the workers. A set: see [`super`].
    pub(crate) messages: u8,
    /// Of which generations there is an order on the dead-letter queue.
    pub(crate) letters: u8,
    /// Whether the delivery is on the list of dead letters.
    pub(crate) listed: bool,
    pub(crate) webhook: u8,
    /// Notes of workers that are no more, by the ticks until the sweep may read them.
    pub(crate) orphans: [u8; 3],
    /// Sends begun in this generation.
    pub(crate) sends: u8,
    /// Whether one of them was answered with success.
    pub(crate) succeeded: bool,
    /// Whether a worker lost that success between the answer and the record.
    pub(crate) excused: bool,
    /// What may still go wrong.
    pub(crate) faults: u8,
    /// What users may still do.
    pub(crate) users: u8,
    /// How often the delivery may still be held back; the last time it is too old.
    pub(crate) holds: u8,
    /// How often a message may still come twice; [`ANY_NUMBER`] is no limit.
    pub(crate) duplicates: u8,
    /// How many ticks may still pass while somebody is in the middle of something.
    pub(crate) delays: u8,
    /// The property that the last step broke.
    pub(crate) broken: u8,
    pub(crate) processes: [Process; 4],
}

/// A state in forty bytes.
pub(crate) type Key = [u64; 5];

struct Packer(u64);

impl Packer {
    fn put(&mut self, value: u8, bits: u32) {
        debug_assert!(u32::from(value) < (1 << bits), "{value} does not fit {bits} bits");
        self.0 = (self.0 << bits) | u64::from(value);
    }

    fn take(&mut self, bits: u32) -> u8 {
        let value = self.0 & ((1 << bits) - 1);
        self.0 >>= bits;
        value.to_le_bytes()[0]
    }
}

impl Stored {
    fn put(self, to: &mut Packer) {
        let times = self.left | (self.due << 2);
        to.put(self.status | (self.generation << 3) | (self.attempts << 5), 7);
        to.put(self.lease | (times << 2), 6);
        to.put(self.reason | (u8::from(self.recovering) << 3), 4);
    }

    fn take(from: &mut Packer) -> Self {
        let (last, middle, first) = (from.take(4), from.take(6), from.take(7));
        Self {
            status: first & 7,
            generation: (first >> 3) & 3,
            attempts: first >> 5,
            lease: middle & 3,
            left: (middle >> 2) & 3,
            due: middle >> 4,
            reason: last & 7,
            recovering: last >> 3 == 1,
        }
    }

    /// A number of its own for each.
    pub(crate) fn key(self) -> u64 {
        let mut packer = Packer(0);
        self.put(&mut packer);
        packer.0
    }

    fn pass(&mut self) {
        self.left = self.left.saturating_sub(1);
        self.due = self.due.saturating_sub(1);
    }

    /// As the process at `place` sees it: its own lease or somebody's.
    pub(crate) fn seen_by(mut self, place: usize) -> Self {
        if self.lease >= OWN {
            self.lease = if usize::from(self.lease - OWN) == place { OWN } else { LOST_LEASE };
        }
        self
    }
}

impl Process {
    fn key(&self) -> u64 {
        let mut to = Packer(0);
        to.put(self.phase as u8, 4);
        to.put(self.holds | (self.watch << 3), 6);
        self.plan.put(&mut to);
        to.put(self.effects, 7);
        to.put(self.left | (self.note << 2) | (self.endpoint << 4), 7);
        to.put(self.answer | (u8::from(self.fresh) << 3) | (u8::from(self.wrote) << 4), 5);
        let flags = u8::from(self.unfinished)
            | (u8::from(self.failed) << 1)
            | (u8::from(self.copy) << 2)
            | (u8::from(self.message_gone) << 3);
        to.put(flags, 4);
        to.0
    }

    fn of(key: u64) -> Self {
        if key == 0 {
            return Self::default();
        }
        let mut from = Packer(key);
        let (flags, answer, times) = (from.take(4), from.take(5), from.take(7));
        let effects = from.take(7);
        let plan = Stored::take(&mut from);
        let holds = from.take(6);
        Self {
            phase: PHASES[usize::from(from.take(4))],
            holds: holds & 7,
            plan,
            watch: holds >> 3,
            effects,
            left: times & 3,
            note: (times >> 2) & 3,
            endpoint: times >> 4,
            answer: answer & 7,
            fresh: answer & 8 != 0,
            wrote: answer & 16 != 0,
            unfinished: flags & 1 != 0,
            failed: flags & 2 != 0,
            copy: flags & 4 != 0,
            message_gone: flags & 8 != 0,
        }
    }

    /// Forgets what is not needed any more where it is.
    pub(crate) fn forget(&mut self) {
        match self.phase {
            Phase::BeginSend | Phase::EndSend => {
                (self.endpoint, self.watch, self.effects, self.wrote) = (0, 0, 0, false);
            }
            Phase::Record | Phase::ReadLate | Phase::RecordLate => {
                self.endpoint = 0;
                if self.answer != SUCCESS {
                    self.left = 0;
                }
            }
            Phase::Effects => {
                let (generation, due) = (self.plan.generation, self.plan.due);
                self.plan = Stored { generation, due, ..Stored::default() };
                (self.watch, self.endpoint, self.answer, self.left) = (0, 0, 0, 0);
                (self.fresh, self.wrote) = (false, false);
                if self.effects & QUEUE == 0 {
                    self.plan.due = 0;
                }
            }
            Phase::Strike => {
                self.plan = Stored::default();
                (self.watch, self.endpoint, self.answer, self.left) = (0, 0, 0, 0);
                (self.fresh, self.wrote) = (false, false);
            }
            _ => {}
        }
    }

    /// Whether it is about to record a success.
    pub(crate) fn keeps_a_success(&self) -> bool {
        self.answer == SUCCESS
            && matches!(self.phase, Phase::Record | Phase::ReadLate | Phase::RecordLate)
    }
}

impl State {
    /// Its key, and that of every state that differs only in which worker is which.
    pub(crate) fn key(&self) -> Key {
        let mut forgetful = *self;
        forgetful.forget();
        forgetful.packed()
    }

    fn forget(&mut self) {
        for process in &mut self.processes {
            process.forget();
        }
        let over = self.row.status == DELIVERED
            && self.processes.iter().take(WORKERS).all(|it| it.phase == Phase::Idle);
        if over {
            (self.sends, self.succeeded, self.excused) = (0, false, false);
        }
    }

    fn packed(&self) -> Key {
        let [mut one, mut two] = [self.processes[0].key(), self.processes[1].key()];
        let (mut row, mut sweep) = (self.row, self.processes[SWEEP]);
        if one > two || (one == two && row.lease == OWN + 1) {
            (one, two) = (two, one);
            row.lease = if row.lease >= OWN { OWN + 1 - (row.lease - OWN) } else { row.lease };
            if matches!(sweep.holds, 1 | 2) {
                sweep.holds = 3 - sweep.holds;
            }
        }
        let mut to = Packer(0);
        row.put(&mut to);
        to.put(self.watch, 3);
        to.put(self.messages >> 1, 7);
        to.put(self.letters | (u8::from(self.listed) << 3) | (self.webhook << 4), 6);
        to.put(self.orphans[0] | (self.orphans[1] << 2) | (self.orphans[2] << 4), 6);
        let ghosts = u8::from(self.succeeded) | (u8::from(self.excused) << 1);
        to.put(self.sends | (ghosts << 2), 4);
        to.put(self.faults | (self.users << 2) | (self.holds << 4), 6);
        to.put(self.broken | (self.duplicates << 3) | (self.delays << 5), 7);
        [to.0, one, two, sweep.key(), self.processes[DESK].key()]
    }

    /// The state of a key.
    pub(crate) fn of(key: &Key) -> Self {
        let mut from = Packer(key[0]);
        let last = from.take(7);
        let (budgets, ghosts, orphans) = (from.take(6), from.take(4), from.take(6));
        let (letters, messages, watch) = (from.take(6), from.take(7), from.take(3));
        Self {
            row: Stored::take(&mut from),
            watch,
            messages: messages << 1,
            letters: letters & 7,
            listed: letters & 8 != 0,
            webhook: letters >> 4,
            orphans: [orphans & 3, (orphans >> 2) & 3, orphans >> 4],
            sends: ghosts & 3,
            succeeded: ghosts & 4 != 0,
            excused: ghosts & 8 != 0,
            faults: budgets & 3,
            users: (budgets >> 2) & 3,
            holds: budgets >> 4,
            duplicates: (last >> 3) & 3,
            delays: last >> 5,
            broken: last & 7,
            processes: [1, 2, 3, 4].map(|at| Process::of(key[at])),
        }
    }

    /// A tick passes.
    pub(crate) fn pass(&mut self) {
        let earlier = |watch: u8| if watch > 1 { watch - 1 } else { watch };
        self.row.pass();
        self.watch = earlier(self.watch);
        self.orphans = [(self.orphans[0] + self.orphans[1]).min(3), self.orphans[2], 0];
        for process in &mut self.processes {
            process.plan.pass();
            process.watch = earlier(process.watch);
            process.note = earlier(process.note);
            process.left = process.left.saturating_sub(1);
            // Too late is as bad as never: its lease is not there any more to protect the record.
            if process.keeps_a_success() && process.left == 0 {
                self.excused = true;
            }
        }
    }

    /// A message is on its queue.
    pub(crate) fn queue(&mut self, message: u8) {
        self.messages |= 1 << message;
    }

    /// A worker's note is nobody's any more.
    pub(crate) fn orphan(&mut self, left: u8) {
        let at = usize::from(left.min(2));
        self.orphans[at] = (self.orphans[at] + 1).min(3);
    }
}
