//! Checks requests and answers against an OpenAPI 3.1 description, whoever sent them.
//!
//! Generic over the described service: it knows paths, parameters, bodies and statuses, nothing of Discord. It must never
//! change what it is shown; it only reports [`Finding`]s. The descriptions are big, so a schema is compiled when it is
//! first needed ([`schemas`]). Finding the operation for a path is in [`paths`].

pub mod paths;
pub mod schemas;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use self::{paths::PathTable, schemas::Schemas};

/// Where the official descriptions lie: `MAGPIE_SPECS`, or `../shared/specs` from the project's root.
pub fn specs_dir() -> PathBuf {
    match std::env::var_os("MAGPIE_SPECS") {
        Some(dir) => PathBuf::from(dir),
        None => project_root().join("../shared/specs"),
    }
}

/// Reads a description in JSON.
pub fn read_document(file: &Path) -> anyhow::Result<Value> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| anyhow::anyhow!("the description {} is not readable: {error}", file.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// The folder that holds the workspace's `Cargo.toml`.
pub fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_path_buf()
}

/// Tells by name that a test cannot run here, and fails instead where `CI=true` promises that everything is present.
pub fn skip(test: &str, reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{test} cannot run: {reason}");
    eprintln!("SKIPPED {test}: {reason}");
}

/// A disagreement between traffic and description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The request's method and path.
    pub call: String,
    /// Which part disagreed: `path`, `query limit`, `request body`, `answer 200`.
    pub part: String,
    /// What is wrong, with the place inside the part.
    pub problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.call, self.part, self.problem)
    }
}

/// A request as the description sees it.
#[derive(Clone, Debug)]
pub struct SeenRequest<'a> {
    /// `GET`, `POST` and so on.
    pub method: &'a str,
    /// The path below the service's base, beginning with a slash, still percent-encoded.
    pub path: &'a str,
    /// Decoded query pairs.
    pub query: &'a [(String, String)],
    /// Media type without parameters, where a body was sent.
    pub media_type: Option<&'a str>,
    /// The JSON inside the body (for forms: the JSON part), where there is any.
    pub body: Option<&'a Value>,
}

/// An answer as the description sees it.
#[derive(Clone, Debug)]
pub struct SeenAnswer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Header names in any case, with values.
    pub headers: &'a [(String, String)],
    /// The JSON body, where there is one.
    pub body: Option<&'a Value>,
}

/// One service's description, ready to judge.
pub struct Spec {
    document: Value,
    paths: PathTable,
    schemas: Mutex<Schemas>,
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spec({} paths)", self.paths.len())
    }
}

impl Spec {
    /// Takes a description that is already parsed.
    pub fn new(document: Value) -> Self {
        let paths = PathTable::new(&document);
        Self { document, paths, schemas: Mutex::default() }
    }

    /// All that is wrong with a request.
    pub fn check_request(&self, request: &SeenRequest<'_>) -> Vec<Finding> {
        let mut report = Report::new(request);
        let Some((template, arguments)) = self.paths.find(request.path) else {
            report.add("path", "the description has no such path");
            return report.findings;
        };
        let item = &self.document["paths"][template];
        let operation = &item[request.method.to_ascii_lowercase()];
        if operation.is_null() {
            report.add("path", &format!("{template} has no method {}", request.method));
            return report.findings;
        }
        let parameters = self.parameters(item, operation);
        for (name, text) in &arguments {
            self.check_parameter(&mut report, parameters.get(&("path", *name)), ("path", name, text));
        }
        for (name, text) in request.query {
            self.check_parameter(&mut report, parameters.get(&("query", name)), ("query", name, text));
        }
        for ((place, name), parameter) in &parameters {
            let required = *place == "query" && parameter["required"] == true;
            if required && !request.query.iter().any(|(given, _)| given == name) {
                report.add(&format!("query {name}"), "is required");
            }
        }
        self.check_body(&mut report, operation, request);
        report.findings
    }

    /// All that is wrong with the answer to a request. Statuses of 500 and above are outside any description.
    pub fn check_answer(&self, request: &SeenRequest<'_>, answer: &SeenAnswer<'_>) -> Vec<Finding> {
        let mut report = Report::new(request);
        let Some((template, _)) = self.paths.find(request.path) else { return report.findings };
        let operation = &self.document["paths"][template][request.method.to_ascii_lowercase()];
        if operation.is_null() || answer.status >= 500 {
            return report.findings;
        }
        let part = format!("answer {}", answer.status);
        let family = format!("{}XX", answer.status / 100);
        let responses = &operation["responses"];
        let keys = [answer.status.to_string(), family, "default".to_owned()];
        let Some(response) = keys.iter().map(|key| self.resolve(&responses[key])).find(|it| !it.is_null())
        else {
            report.add(&part, "the description does not know this status");
            return report.findings;
        };
        let schema = &response["content"]["application/json"]["schema"];
        match (schema.is_null(), answer.body) {
            (true, Some(_)) => report.add(&part, "has a body where the description has none"),
            (false, None) => report.add(&part, "has no body where the description has one"),
            (false, Some(body)) => self.judge(&mut report, &part, (schema, body)),
            (true, None) => {}
        }
        for (name, text) in answer.headers {
            let described = response["headers"].as_object().into_iter().flatten();
            if let Some((_, header)) =
                described.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                let schema = &self.resolve(header)["schema"];
                let value = schemas::from_text(self.resolve(schema), text);
                self.judge(&mut report, &format!("{part} header {name}"), (schema, &value));
            }
        }
        report.findings
    }

    fn parameters<'a>(
        &'a self,
        item: &'a Value,
        operation: &'a Value,
    ) -> BTreeMap<(&'a str, &'a str), &'a Value> {
        let lists = [&item["parameters"], &operation["parameters"]];
        let all = lists.into_iter().filter_map(Value::as_array).flatten().map(|it| self.resolve(it));
        all.filter_map(|it| Some(((it["in"].as_str()?, it["name"].as_str()?), it))).collect()
    }

    fn check_parameter(&self, report: &mut Report, parameter: Option<&&Value>, given: (&str, &str, &str)) {
        let (place, name, text) = given;
        let part = format!("{place} {name}");
        let Some(parameter) = parameter else {
            report.add(&part, "the description has no such parameter");
            return;
        };
        let schema = &parameter["schema"];
        let value = schemas::from_text(self.resolve(schema), text);
        self.judge(report, &part, (schema, &value));
    }

    fn check_body(&self, report: &mut Report, operation: &Value, request: &SeenRequest<'_>) {
        let described = self.resolve(&operation["requestBody"]);
        let Some(media_type) = request.media_type else {
            if described["required"] == true {
                report.add("request body", "is required");
            }
            return;
        };
        if described.is_null() {
            // Clients send empty bodies with a media type; that is not worth a word.
            if request.body.is_some() {
                report.add("request body", "the description has none");
            }
            return;
        }
        let schema = &described["content"][media_type]["schema"];
        match request.body {
            _ if schema.is_null() => report.add("request body", &format!("{media_type} is not described")),
            Some(body) => self.judge(report, "request body", (schema, body)),
            None => report.add("request body", "is not JSON"),
        }
    }

    fn judge(&self, report: &mut Report, part: &str, (schema, value): (&Value, &Value)) {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        for problem in schemas.problems(&self.document, schema, value) {
            report.add(part, &problem);
        }
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        schemas::resolve(&self.document, value)
    }
}

struct Report {
    call: String,
    findings: Vec<Finding>,
}

impl Report {
    fn new(request: &SeenRequest<'_>) -> Self {
        Self { call: format!("{} {}", request.method, request.path), findings: Vec::new() }
    }

    fn add(&mut self, part: &str, problem: &str) {
        let (call, part, problem) = (self.call.clone(), part.to_owned(), problem.to_owned());
        self.findings.push(Finding { call, part, problem });
    }
}

#[cfg(test)]
mod tests;
