//! `template.yaml` as the tests of it read it.

use serde_json::{Map, Value};

use crate::{workspace, yaml};

/// The template, read.
#[derive(Debug)]
pub struct Template(Value);

/// One resource of a template.
#[derive(Debug, Clone, Copy)]
pub struct Resource<'a> {
    /// Its logical name.
    pub name: &'a str,
    /// All of it: type, policies and properties.
    pub whole: &'a Value,
}

impl<'a> Resource<'a> {
    /// One of its properties; `null` when it has none of that name.
    pub fn property(&self, name: &str) -> &'a Value {
        &self.whole["Properties"][name]
    }

    /// The events of a function.
    pub fn events(&self) -> impl Iterator<Item = &'a Value> {
        self.property("Events").as_object().into_iter().flat_map(Map::values)
    }

    /// The name of a function's package: the last part of where its code is.
    ///
    /// # Panics
    /// When it has no code.
    pub fn package(&self) -> &'a str {
        let code = self
            .property("CodeUri")
            .as_str()
            .unwrap_or_else(|| panic!("{} has no CodeUri", self.name));
        code.trim_end_matches('/').rsplit('/').next().expect("a path has a last part")
    }
}

impl Template {
    /// Reads the template of the workspace.
    pub fn read() -> Self {
        Self(yaml::parse(&workspace::read("template.yaml")))
    }

    /// All resources of one type.
    ///
    /// # Panics
    /// When there are none.
    pub fn of_type(&self, kind: &str) -> Vec<Resource<'_>> {
        let resources = self.resources().filter(|resource| resource.whole["Type"] == kind);
        let found: Vec<_> = resources.collect();
        assert!(!found.is_empty(), "the template has no {kind}");
        found
    }

    /// All resources.
    ///
    /// # Panics
    /// When there are none.
    pub fn resources(&self) -> impl Iterator<Item = Resource<'_>> {
        let resources = self.0["Resources"].as_object().expect("a template has resources");
        resources.iter().map(|(name, whole)| Resource { name, whole })
    }

    /// The functions.
    pub fn functions(&self) -> Vec<Resource<'_>> {
        self.of_type("AWS::Serverless::Function")
    }

    /// A resource by its logical name.
    ///
    /// # Panics
    /// When there is none.
    pub fn resource(&self, name: &str) -> Resource<'_> {
        self.resources()
            .find(|resource| resource.name == name)
            .unwrap_or_else(|| panic!("no resource {name}"))
    }

    /// The parameters, by name.
    ///
    /// # Panics
    /// When there are none.
    pub fn parameters(&self) -> &Map<String, Value> {
        self.0["Parameters"].as_object().expect("the template has parameters")
    }

    /// A setting of all functions.
    pub fn global(&self, name: &str) -> &Value {
        &self.0["Globals"]["Function"][name]
    }

    /// A value as it is by default: that of the parameter it refers to, or itself.
    pub fn by_default<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["Ref"].as_str().and_then(|name| self.parameters().get(name)) {
            Some(parameter) => &parameter["Default"],
            None => value,
        }
    }

    /// A number as it is by default.
    ///
    /// # Panics
    /// When it is none.
    pub fn number(&self, value: &Value) -> u64 {
        self.by_default(value).as_u64().unwrap_or_else(|| panic!("{value} is no number by default"))
    }
}

/// The logical name a value refers to by `!Ref` or `!GetAtt`.
pub fn referred(value: &Value) -> Option<&str> {
    value["Ref"].as_str().or_else(|| value["Fn::GetAtt"][0].as_str())
}

/// The texts of a value that may be one text or a list of them.
pub fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    }
}
