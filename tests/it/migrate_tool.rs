//! What the command-line tool and the function that migrates refuse, and how they say what failed;
//! and what a function does that has no key.

use aragora_tests::Session;
use aragora_tests::clock::now_millis;
use aragora_tests::wait::{PATIENCE, eventually};
use serde_json::json;

use crate::key_rotation::{KEY, NEW, STORE, counted, deploy, opens, ring, tool, with_the_key};

#[tokio::test]
async fn the_tool_and_the_function_say_what_they_cannot_do() {
    with_the_key(async |session: &Session, old: &str| {
        let tenant = session.tenant();
        let webhook = tenant.subscribe("http://127.0.0.1:9/hook", &["vote"]).await;
        let tool = tool(session).await;

        for arguments in
            ["migrate encrypt", "migrate encrypt --store events", "migrate encrypt --all --force"]
        {
            let refused = tool.run(arguments).await;
            assert_eq!((refused.code, refused.said.as_str()), (2, ""), "{arguments}: {refused:?}");
        }
        // Never with a key of its own, whatever the stage.
        let keyless = tool.clone().with(KEY, "").with("ARAGORA_ENV", "development");
        let refused = keyless.run("migrate encrypt --all --execute").await;
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.noted.contains("ARAGORA_ENCRYPTION_KEY is missing"), "{refused:?}");

        // Whoever has another ring opens nothing, says so of each record, and harms none.
        let stranger = tool.clone().with(KEY, NEW);
        let failed = stranger.run("migrate encrypt --all --execute").await;
        let [migrated, _, failures] = counted(&failed.said);
        assert_eq!((failed.code, migrated), (1, 0), "{failed:?}");
        assert!(failures >= 1);
        let named = format!("failed: {STORE} {}/{}: secret: ", tenant.org, webhook.id);
        let key_id = ring(old).key_ids().swap_remove(0);
        let told = |line: &str| line.starts_with(&named) && line.contains(&key_id);
        assert!(failed.noted.lines().any(told), "{failed:?}");
        assert!(opens(session, &tenant.org, &ring(old)).await);
        let away =
            tool.with("AWS_ENDPOINT_URL", "http://127.0.0.1:9").run("migrate encrypt --all").await;
        assert_eq!(away.code, 1, "{away:?}");
        assert!(away.noted.contains("--cursor "), "{away:?}");

        let migrate = session.function("migrate");
        for payload in [
            json!({}),
            json!({"store": "events"}),
            json!({"store": "all", "exceute": true}),
            json!({"store": "all", "execute": "yes"}),
            json!({"store": "all", "cursor": "x"}),
            json!([]),
        ] {
            let path = format!("/2015-03-31/functions/{}/invocations", migrate.name());
            let reply = session.aws().lambda(http::Method::POST, &path, &payload).await;
            assert!(
                reply.headers.contains_key("x-amz-function-error"),
                "{payload}: {}",
                reply.text()
            );
        }
        deploy(session, NEW).await;
        let answer = migrate.invoke(&json!({"store": STORE, "execute": true})).await;
        assert_eq!(answer["key_ids"], json!(ring(NEW).key_ids()));
        assert_eq!(answer["stores"][STORE]["failed"], json!(failures), "{answer}");
        let record = format!("{}/{}", tenant.org, webhook.id);
        let failures = answer["failures"].as_array().unwrap();
        let all_told = failures.len() == 100 || failures.iter().any(|it| it["record"] == record);
        assert!(all_told, "{answer}");
        assert!(answer.get("cursor").is_none(), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn without_a_key_only_a_developer_starts_and_is_told() {
    with_the_key(async |session: &Session, _: &str| {
        let tenant = session.tenant();
        let webhook = tenant.subscribe("http://127.0.0.1:9/hook", &["vote"]).await;
        let function = session.function("webhook-test");
        let mut environment = function.environment().await;
        environment.remove(KEY);
        let path = format!("{}/test", webhook.path());
        let began = now_millis();
        environment.insert("ARAGORA_ENV".to_owned(), "development".to_owned());
        function.configure(&environment).await;
        // It runs, and cannot open what others sealed.
        for _ in 0..2 {
            tenant.admin.post(&path, &json!({})).await.must_refuse(500);
        }
        let told = "Data will not be recoverable after restart";
        let log = function.log().await;
        eventually(PATIENCE, &format!("a line: {told}"), async || {
            log.mentions(told, began).await.then_some(())
        })
        .await;
        let lines = log.since(began).await;
        assert_eq!(lines.iter().filter(|it| it.message.contains(told)).count(), 1, "{lines:?}");

        // Here it does not get as far as answering; the emulator keeps no log of that.
        environment.insert("ARAGORA_ENV".to_owned(), "staging".to_owned());
        function.configure(&environment).await;
        let reply = tenant.admin.post(&path, &json!({})).await;
        assert_eq!((reply.status, reply.text().contains("request_id")), (500, false));
    })
    .await;
}
