//! Large jobs of one organisation beside a small one of another. It counts what is done, not how
//! long it takes; but the stack must not be busy with other tests meanwhile.

use aragora_tests::Session;
use futures_util::future::join_all;
use serde_json::json;

use crate::explanation_jobs::{counts, ended, get, make, nobodys, path};

/// One more than may be under way.
const JOBS: usize = 6;
const DEBATES: usize = 1_000;

#[tokio::test]
async fn many_large_jobs_do_not_hold_up_a_small_one_of_somebody_else() {
    let session = Session::alone().await;
    let (large, small) = (session.tenant(), session.tenant());
    let body = json!({"debate_ids": nobodys(DEBATES)});
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(make(&large, &body).await);
    }
    let waiting = jobs.iter().filter(|job| job["started_at"].is_null()).count();
    let three = make(&small, &json!({"debate_ids": nobodys(3)})).await;
    let done = ended(&small, &three, "failed").await;
    let now = join_all(jobs.iter().map(|job| get(&large, job))).await;

    assert_eq!(counts(&done), [3, 3, 0, 3]);
    let processed: u64 = now.iter().map(|job| counts(job)[1]).sum();
    let all = u64::try_from(JOBS * DEBATES).unwrap();
    assert!(processed < all / 2, "{processed} of {all} were done before the small job was");
    assert!(waiting <= 1, "five are begun at once");
    if waiting == 1 {
        // Nobody's turn is lost: it is begun when another ends.
        assert!(jobs[JOBS - 1]["started_at"].is_null());
        ended(&large, &jobs[JOBS - 1], "failed").await;
    }
    for job in &jobs {
        large.admin.delete(&path(job)).await;
    }
}
