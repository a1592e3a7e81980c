//! What finding templates costs, among few and among many: read units of a page, as the tables
//! count them.
//!
//! Templates are published and read by the function's own code, without Lambda, on dynoxide inside
//! this process: it counts units by the sizes of items as AWS does, which the stack's emulator does
//! not.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use aragora_core::access::{Credential, Principal};
use aragora_core::cost::Meter;
use aragora_core::marketplace::Visibility;
use aragora_core::marketplace::draft::Wish;
use aragora_core::marketplace::rank::Sort;
use aragora_core::marketplace::trend::Period;
use aragora_core::metrics::Counters;
use aragora_events::announce::Announcer;
use aragora_events::publish::Publisher;
use aragora_marketplace::Desk;
use aragora_marketplace::listing::{Ask, Start};
use aragora_queue::{Queue, Sqs};
use aragora_runtime::aws::Aws as Clients;
use aragora_runtime::clock;
use aragora_runtime::config::{AwsKeys, AwsSettings};
use aragora_store::Dynamo;
use aragora_store::events::Events;
use aragora_store::intents::Intents;
use aragora_store::marketplace::{Marketplace, Tables};
use aragora_store::registrations::Registrations;
use futures_util::stream::{self, StreamExt as _};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::aws::{Aws, DYNAMODB};
use crate::http_client::HttpClient;
use crate::template::Template;

/// Templates on a page.
pub const PAGE: usize = 20;
/// Templates published at once.
const AT_ONCE: usize = 12;
/// Categories and tags that templates are spread over.
const CATEGORIES: usize = 10;
const TAGS: usize = 20;
/// How many of them are downloaded.
const DOWNLOADED: usize = 40;

/// The template's names of the tables, which they also have here.
const TEMPLATES: &str = "MarketplaceTemplatesTable";
const REVIEWS: &str = "MarketplaceReviewsTable";
const INDEX: &str = "MarketplaceIndexTable";
const REGISTRATIONS: &str = "RegistrationsTable";

/// Read units of each page, in the order they were read.
pub type Costs = Vec<(&'static str, f64)>;

struct Bench {
    /// The engine, which ends with it.
    _server: JoinSet<()>,
    desk: Desk,
    meter: Arc<Meter>,
    caller: Principal,
}

/// Publishes templates until there are as many as each size says, smallest first, and reads each
/// kind of page then.
///
/// # Panics
/// When anything is refused.
pub async fn measure(sizes: &[usize]) -> BTreeMap<usize, Costs> {
    let bench = Bench::start().await;
    let mut measured = BTreeMap::new();
    let mut there = 0;
    for &size in sizes {
        bench.publish(there, size).await;
        there = size;
        measured.insert(size, bench.pages().await);
    }
    measured
}

impl Bench {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let mut server = JoinSet::new();
        let database = dynoxide::Database::memory().expect("a database");
        server.spawn(dynoxide::server::serve_on(listener, database));
        let region = "us-east-1";
        let engine = Aws::new(HttpClient::new(), &endpoint, region);
        for table in [TEMPLATES, REVIEWS, INDEX, REGISTRATIONS] {
            engine.call(DYNAMODB, "CreateTable", &as_in_the_template(table)).await;
        }
        let clients = Clients::new(AwsSettings {
            region: region.to_owned(),
            endpoint_url: Some(endpoint),
            keys: Some(AwsKeys {
                access_key_id: "test".to_owned(),
                secret_access_key: "test".into(),
                session_token: None,
            }),
        });
        let meter = clients.meter();
        let dynamo = Dynamo::new(clients.dynamodb(), Arc::clone(&meter));
        let tables =
            Tables { templates: TEMPLATES.into(), reviews: REVIEWS.into(), index: INDEX.into() };
        let registrations = Registrations::new(dynamo.clone(), REGISTRATIONS.into());
        let publisher = Publisher {
            // Nobody subscribes to anything, so nothing is published.
            events: Events::new(dynamo.clone(), String::new()),
            intents: Intents::new(dynamo.clone(), String::new()),
            queue: Queue::new(Sqs::new(clients.sqs(), Arc::clone(&meter)), String::new()),
            retention_days: 1,
        };
        let desk = Desk {
            store: Marketplace::new(dynamo, tables),
            announcer: Announcer { publisher, registrations },
            counters: Arc::new(Counters::default()),
        };
        let caller = Principal::new("bench", "bench", vec!["admin".into()], Credential::Bearer);
        Self { _server: server, desk, meter, caller: caller.expect("a caller") }
    }

    async fn publish(&self, from: usize, to: usize) {
        let wish = |number: usize| Wish {
            name: Some(format!("Template number {number}")),
            category: Some(format!("category-{}", number % CATEGORIES)),
            tags: Some(vec![
                format!("tag-{}", number % TAGS),
                format!("tag-{}", number / 7 % TAGS),
            ]),
            template_data: json!({"nodes": [{"id": "a"}], "edges": []}).as_object().cloned(),
            ..Wish::default()
        };
        let published = stream::iter(from..to).map(async |number| {
            let now = clock::now();
            let made = self.desk.publish(&self.caller, wish(number), Visibility::Public, now).await;
            made.expect("it is published").card.id
        });
        let ids: Vec<_> = published.buffer_unordered(AT_ONCE).collect().await;
        for id in ids.iter().take(DOWNLOADED) {
            let now = clock::now();
            self.desk.download(&self.caller, id, None, now).await.expect("it is downloaded");
        }
    }

    async fn pages(&self) -> Costs {
        let mut costs = Vec::new();
        let by = |sort: Sort| Ask { sort: Some(sort), limit: PAGE, ..Ask::default() };
        let category = Some("category-3".to_owned());
        let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
        for (name, ask) in [
            ("by downloads", by(Sort::Downloads)),
            ("by rating", by(Sort::Rating)),
            ("newest", by(Sort::Newest)),
            ("last changed", by(Sort::Updated)),
            ("by name", by(Sort::Name)),
            ("page 3", Ask { start: Start::Offset(2 * PAGE), ..by(Sort::Downloads) }),
            ("one category", Ask { category: category.clone(), ..by(Sort::Downloads) }),
            ("one tag", Ask { tags: tags(&["tag-5"]), ..by(Sort::Newest) }),
            ("one author", Ask { author: Some("bench".into()), ..by(Sort::Name) }),
            ("three tags", Ask { tags: tags(&["tag-5", "tag-6", "tag-7"]), ..by(Sort::Newest) }),
            ("category and tag", Ask { category, tags: tags(&["tag-3"]), ..by(Sort::Downloads) }),
            ("rated 4 or more", Ask { least_milli: Some(4_000), ..by(Sort::Newest) }),
            ("mine", Ask { mine: true, ..by(Sort::Updated) }),
        ] {
            let page = self.desk.list(&self.caller, &ask);
            costs.push((name, self.cost(page).await));
        }
        let ask = Ask { limit: PAGE, ..Ask::default() };
        for (name, text) in
            [("a rare word", "99"), ("a common word", "template"), ("two words", "template 42")]
        {
            costs.push((name, self.cost(self.desk.search(&self.caller, &ask, text)).await));
        }
        costs.push(("featured", self.cost(self.desk.featured(&self.caller, PAGE)).await));
        let trending = self.desk.trending(&self.caller, Period::Week, (None, PAGE), clock::now());
        costs.push(("trending", self.cost(trending).await));
        costs.push(("categories", self.cost(self.desk.categories(&self.caller)).await));
        let newest = self.desk.list(&self.caller, &by(Sort::Newest)).await.expect("a page");
        let id = &newest.cards.first().expect("a template").id;
        costs.push(("related", self.cost(self.desk.related(&self.caller, id, PAGE)).await));
        costs
    }

    async fn cost<T, E: std::fmt::Debug>(&self, read: impl Future<Output = Result<T, E>>) -> f64 {
        self.meter.take();
        read.await.expect("a page");
        self.meter.take().read_units
    }
}

fn as_in_the_template(resource: &str) -> serde_json::Value {
    let template = Template::read();
    let mut input = json!({"TableName": resource, "BillingMode": "PAY_PER_REQUEST"});
    for part in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
        let value = template.resource(resource).property(part);
        if !value.is_null() {
            input[part] = value.clone();
        }
    }
    input
}

/// The table for people: a line for each page, a column for each size.
///
/// # Panics
/// When sizes have different pages.
pub fn table(measured: &BTreeMap<usize, Costs>) -> String {
    let mut lines = vec![format!("read units of a page of {PAGE} templates, among")];
    let heading = measured.keys().map(|size| format!("{size:>10}"));
    lines.push(format!("{:<18}{}", "", heading.collect::<String>()));
    let first = measured.values().next().map_or(&[][..], Vec::as_slice);
    for (at, (name, _)) in first.iter().enumerate() {
        let costs = measured.values().map(|costs| format!("{:>10.1}", costs[at].1));
        lines.push(format!("  {name:<16}{}", costs.collect::<String>()));
    }
    lines.join("\n")
}
