//! How a delivery lives: its [state machine](machine), when it is [tried again](policy), and the
//! [receipt](receipt) that is kept of it.

pub mod machine;
pub mod policy;
pub mod receipt;

pub use machine::{
    Answer, Delivery, Effect, Endpoint, Happening, Ignored, Lease, Order, Reason, Status, Step,
    Transition,
};
pub use policy::RetryPolicy;
pub use receipt::{AttemptRecord, Receipt, Trigger};
