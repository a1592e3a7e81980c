//! Waiting without sleeping for luck: a condition with a time limit.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(100);

/// What most things may take on a busy two-core machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Looks at `condition` until it gives something and returns that.
///
/// # Panics
/// After `limit`, naming `what` was waited for.
pub async fn eventually<T>(
    limit: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain for {what}");
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Looks at `condition` for the whole of `span`: the way to see that something does not happen,
/// after the moment at which it would have.
///
/// # Panics
/// As soon as `condition` is false.
pub async fn holds_for(span: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while started.elapsed() < span {
        assert!(condition().await, "{what} no longer holds after {:?}", started.elapsed());
        tokio::time::sleep(INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_becomes_true_is_returned() {
        let mut looks = 0;
        let found = eventually(PATIENCE, "three looks", async || {
            looks += 1;
            (looks == 3).then_some("seen")
        })
        .await;
        assert_eq!(found, "seen");
    }

    #[tokio::test]
    #[should_panic(expected = "in vain for nothing")]
    async fn what_never_becomes_true_is_named() {
        eventually(Duration::from_millis(1), "nothing", async || None::<()>).await;
    }
}
