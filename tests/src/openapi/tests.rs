//! The checker of requests and answers, on small descriptions.

use serde_json::json;

use super::*;

fn spec() -> Spec {
    Spec::new(json!({
        "paths": {"/birds/{id}": {
            "parameters": [{"name": "id", "in": "path", "schema": {"$ref": "#/components/schemas/Id"}}],
            "post": {
                "parameters": [{"name": "limit", "in": "query", "required": true, "schema": {"type": "integer", "maximum": 5}}],
                "requestBody": {"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Bird"}}}},
                "responses": {
                    "200": {"headers": {"X-Left": {"schema": {"type": "integer"}}},
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Bird"}}}},
                    "204": {},
                    "4XX": {"content": {"application/json": {"schema": {"type": "object", "required": ["code"]}}}},
                },
            },
        }},
        "components": {"schemas": {
            "Id": {"type": "string", "pattern": "^[0-9]+$"},
            "Bird": {"type": "object", "required": ["id"], "properties": {
                "id": {"$ref": "#/components/schemas/Id"},
                "seen": {"type": "string", "format": "date-time"},
            }},
        }},
    }))
}

fn request<'a>(path: &'a str, query: &'a [(String, String)], body: &'a Value) -> SeenRequest<'a> {
    SeenRequest { method: "POST", path, query, media_type: Some("application/json"), body: Some(body) }
}

fn parts(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.part.as_str()).collect()
}

#[test]
fn requests_are_judged_in_every_part() {
    let limit = |text: &str| vec![("limit".to_owned(), text.to_owned())];
    let (good, bad) = (json!({"id": "1"}), json!({"id": 1, "seen": "yesterday"}));
    let check = |path: &str, query: &[(String, String)], body: &Value| {
        let findings = spec().check_request(&request(path, query, body));
        parts(&findings).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(check("/birds/7", &limit("5"), &good), Vec::<String>::new());
    assert_eq!(check("/birds/x", &limit("5"), &good), ["path id"]);
    assert_eq!(check("/birds/7", &limit("6"), &good), ["query limit"]);
    assert_eq!(check("/birds/7", &limit("many"), &good), ["query limit"]);
    assert_eq!(check("/birds/7", &[], &good), ["query limit"]);
    assert_eq!(
        check("/birds/7", &[limit("1"), vec![("far".into(), "1".into())]].concat(), &good),
        ["query far"]
    );
    assert_eq!(check("/birds/7", &limit("5"), &bad), ["request body", "request body"]);
    assert_eq!(check("/fish/7", &[], &good), ["path"]);
}

#[test]
fn answers_are_judged_by_status_body_and_headers() {
    let body = json!({"id": "1"});
    let call = request("/birds/7", &[], &body);
    let check = |status: u16, headers: &[(String, String)], body: Option<&Value>| {
        let findings = spec().check_answer(&call, &SeenAnswer { status, headers, body });
        parts(&findings).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(check(200, &[("x-left".into(), "4".into())], Some(&body)), Vec::<String>::new());
    assert_eq!(check(200, &[("x-left".into(), "few".into())], Some(&body)), ["answer 200 header x-left"]);
    assert_eq!(check(200, &[], Some(&json!({}))), ["answer 200"]);
    assert_eq!(check(200, &[], None), ["answer 200"]);
    assert_eq!(check(204, &[], None), Vec::<String>::new());
    assert_eq!(check(201, &[], None), ["answer 201"]);
    assert_eq!(check(404, &[], Some(&json!({"code": 1}))), Vec::<String>::new());
    assert_eq!(check(404, &[], Some(&json!({}))), ["answer 404"]);
    assert_eq!(check(502, &[], None), Vec::<String>::new());
}
