//! Functions: the route table, the directories and the template are one list, and each function
//! has its own, narrow role.

use std::collections::{BTreeMap, BTreeSet};

use aragora_api::routes::{Function, ROUTES};
use aragora_signing::fields::STORES;
use aragora_tests::template::{Resource, Template, referred, texts};
use aragora_tests::workspace;
use serde_json::{Value, json};

fn events_of<'a>(function: &Resource<'a>, kind: &str) -> Vec<&'a Value> {
    function
        .events()
        .filter(|event| event["Type"] == kind)
        .map(|event| &event["Properties"])
        .collect()
}

#[test]
fn every_directory_in_functions_is_a_function_of_the_template() {
    let template = Template::read();
    let deployed: BTreeSet<String> =
        template.functions().iter().map(|each| each.package().to_owned()).collect();
    let directories: BTreeSet<String> = workspace::directories("functions").into_iter().collect();
    assert_eq!(deployed, directories);
}

#[test]
fn a_function_has_one_name_everywhere() {
    let template = Template::read();
    for function in template.functions() {
        let package = function.package();
        let name = &function.property("FunctionName")["Fn::Sub"];
        assert_eq!(name, &json!(format!("${{AWS::StackName}}-{package}")), "{}", function.name);
        let joined = package.replace('-', "");
        assert_eq!(function.name.to_lowercase(), format!("{joined}function"));
        let manifest = workspace::read(&format!("functions/{package}/Cargo.toml"));
        assert!(manifest.contains(&format!("name = \"{package}\"")), "{manifest}");
    }
}

#[test]
fn routes_and_template_are_one_list() {
    let template = Template::read();
    let mut wanted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for route in ROUTES {
        let paths = wanted.entry(route.function.package()).or_default();
        paths.insert(route.path.to_owned());
        paths.insert(route.versioned_path());
    }
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for function in template.functions() {
        for event in events_of(&function, "HttpApi") {
            if let Some(path) = event["Path"].as_str() {
                assert_eq!(event["Method"], "ANY", "{path}: the function answers 405 itself");
                let new = found.entry(function.package()).or_default().insert(path.to_owned());
                assert!(new, "{path} twice");
            }
        }
    }
    assert_eq!(found, wanted);
}

#[test]
fn what_no_route_has_goes_to_one_function() {
    let template = Template::read();
    let functions = template.functions();
    let catch_all: Vec<&str> = functions
        .iter()
        .filter(|function| {
            events_of(function, "HttpApi").iter().any(|event| event.get("Path").is_none())
        })
        .map(Resource::package)
        .collect();
    assert_eq!(catch_all, ["health"]);
}

#[test]
fn only_http_functions_have_routes() {
    let template = Template::read();
    let http: BTreeSet<&str> = Function::ALL.iter().map(|function| function.package()).collect();
    for function in template.functions() {
        let has_routes = !events_of(&function, "HttpApi").is_empty();
        assert_eq!(has_routes, http.contains(function.package()), "{}", function.name);
    }
}

#[test]
fn queue_functions_report_partial_failures_and_have_a_maximum_concurrency() {
    let template = Template::read();
    let mut seen = 0;
    for function in template.functions() {
        assert!(function.property("ReservedConcurrentExecutions").is_null(), "{}", function.name);
        for event in events_of(&function, "SQS") {
            seen += 1;
            assert_eq!(
                event["FunctionResponseTypes"],
                json!(["ReportBatchItemFailures"]),
                "{}",
                function.name
            );
            // A job, or a chunk of one, takes an invocation to itself.
            let alone = ["redeliver", "explain"].contains(&function.package());
            let batch = if alone { 1 } else { 10 };
            assert_eq!(event["BatchSize"], batch, "{}", function.name);
            let most = template.number(&event["ScalingConfig"]["MaximumConcurrency"]);
            assert!((2..=1000).contains(&most), "{}: {most}", function.name);
        }
    }
    assert_eq!(seen, 6);
}

#[test]
fn the_sweep_runs_every_minute() {
    let template = Template::read();
    let functions = template.functions();
    let sweep = functions.iter().find(|function| function.package() == "sweep").unwrap();
    let schedules = events_of(sweep, "ScheduleV2");
    assert_eq!(schedules.len(), 1);
    assert_eq!(template.by_default(&schedules[0]["ScheduleExpression"]), "rate(1 minute)");
    assert_eq!(schedules[0]["OmitName"], true);
}

#[test]
fn the_migration_reaches_every_store_with_secrets_and_no_other_table() {
    let template = Template::read();
    let functions = template.functions();
    let migrate = functions.iter().find(|function| function.package() == "migrate").unwrap();
    assert_eq!(migrate.events().count(), 0, "it is invoked by hand");
    let store = |table: &str| {
        let name = template.resource(table).property("TableName")["Fn::Sub"].as_str().unwrap();
        name.strip_prefix("${AWS::StackName}-").unwrap().to_owned()
    };
    let variables = migrate.property("Environment")["Variables"].as_object().unwrap();
    let tables = variables.iter().filter(|(name, _)| name.ends_with("_TABLE"));
    let named: BTreeSet<String> =
        tables.map(|(_, value)| store(referred(value).unwrap())).collect();
    let granted: BTreeSet<String> = statements(&template)
        .iter()
        .filter(|(role, statement)| {
            role == "MigrateRole" && texts(&statement["Action"]).contains(&"dynamodb:Scan")
        })
        .flat_map(|(_, statement)| match &statement["Resource"] {
            Value::Array(several) => several.clone(),
            one => vec![one.clone()],
        })
        .map(|resource| store(referred(&resource).unwrap()))
        .collect();
    let declared: BTreeSet<String> = STORES.iter().map(|it| it.name().to_owned()).collect();
    assert_eq!((&named, &granted), (&declared, &declared));
}

#[test]
fn functions_are_small_arm_processes_by_default() {
    let template = Template::read();
    assert_eq!(template.global("Runtime"), "provided.al2023");
    assert_eq!(template.by_default(&template.global("Architectures")[0]), "arm64");
    assert_eq!(template.global("MemorySize"), 256);
}

#[test]
fn each_function_has_a_role_of_its_own() {
    let template = Template::read();
    let mut roles = BTreeSet::new();
    for function in template.functions() {
        let role = referred(function.property("Role"))
            .unwrap_or_else(|| panic!("{} has no role", function.name));
        assert!(roles.insert(role.to_owned()), "{role} is shared");
        assert_eq!(template.resource(role).whole["Type"], "AWS::IAM::Role");
        assert!(function.property("Policies").is_null(), "SAM's policies come with a managed one");
    }
}

/// Every statement of every role, with the role's name.
fn statements(template: &Template) -> Vec<(String, Value)> {
    let of_policy = |policy: &Value| {
        policy["PolicyDocument"]["Statement"].as_array().cloned().unwrap_or_default()
    };
    let of_role = |role: Resource<'_>| {
        let policies = role.property("Policies").as_array().cloned().unwrap_or_default();
        let statements: Vec<Value> = policies.iter().flat_map(of_policy).collect();
        statements
            .into_iter()
            .map(move |statement| (role.name.to_owned(), statement))
            .collect::<Vec<_>>()
    };
    template.of_type("AWS::IAM::Role").into_iter().flat_map(of_role).collect()
}

#[test]
fn roles_name_exact_actions_on_exact_resources() {
    let template = Template::read();
    for (role, statement) in statements(&template) {
        assert_eq!(statement["Effect"], "Allow", "{role}");
        assert!(
            statement["Action"].is_string() || statement["Action"].is_array(),
            "{role}: {statement}"
        );
        for action in texts(&statement["Action"]) {
            assert!(!action.contains('*'), "{role}: {action}");
            // Only a migration goes through a whole table.
            assert!(action != "dynamodb:Scan" || role == "MigrateRole", "{role}");
        }
        assert!(!statement["Resource"].is_null(), "{role}: {statement}");
        assert!(!statement["Resource"].to_string().contains('*'), "{role}: {statement}");
    }
}

#[test]
fn roles_attach_no_managed_policies() {
    let template = Template::read();
    for role in template.of_type("AWS::IAM::Role") {
        assert!(role.property("ManagedPolicyArns").is_null(), "{}", role.name);
        let trusted = role.property("AssumeRolePolicyDocument").to_string();
        assert!(
            !trusted.contains('*') && trusted.contains(".amazonaws.com"),
            "{}: {trusted}",
            role.name
        );
    }
}

#[test]
fn every_function_writes_to_a_log_group_that_forgets() {
    let template = Template::read();
    for function in template.functions() {
        let group = referred(&function.property("LoggingConfig")["LogGroup"]).unwrap_or_default();
        let group = template.resource(group);
        assert_eq!(group.whole["Type"], "AWS::Logs::LogGroup");
        assert!(template.number(group.property("RetentionInDays")) >= 1, "{}", group.name);
    }
}

#[test]
fn secrets_come_from_the_secrets_manager() {
    let template = Template::read();
    let mut seen = 0;
    for function in template.functions() {
        let variables = function.property("Environment")["Variables"].as_object().unwrap();
        for name in ["ARAGORA_JWT_SECRET", "ARAGORA_API_TOKEN", "ARAGORA_ENCRYPTION_KEY"] {
            if let Some(value) = variables.get(name) {
                seen += 1;
                assert!(
                    value.to_string().contains("{{resolve:secretsmanager:"),
                    "{} {name}: {value}",
                    function.name
                );
            }
        }
    }
    assert!(seen > 0);
    for (name, parameter) in template.parameters() {
        let secret = ["Secret", "Token", "Key"].iter().any(|word| name.ends_with(word));
        assert!(!secret || parameter["NoEcho"] == true, "{name} is a plain parameter");
    }
}
