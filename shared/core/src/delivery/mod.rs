//! How a delivery lives: its [state machine](machine) and the [words](vocabulary) it is told in, when
//! it is [tried again](policy), what holds it back ([circuit], [pace], [crowd]), and the [receipt](receipt)
//! that is kept of it.

pub mod circuit;
pub mod crowd;
pub mod machine;
pub mod pace;
pub mod policy;
pub mod receipt;
pub mod vocabulary;

pub use policy::RetryPolicy;
pub use receipt::{AttemptRecord, HeldBy, Receipt, Trigger};
pub use vocabulary::{
    Answer, Delivery, Effect, Endpoint, Happening, Ignored, Lease, Order, Reason, Status, Step,
    Transition,
};
