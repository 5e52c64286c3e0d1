//! Brings a tree into the shape that Discord can show: blocks on the outside, marks around words only, no two equal marks
//! side by side.

use magpie_common::message::Node;

/// The same words in a shape that can be written.
pub(super) fn shaped(nodes: &[Node]) -> Vec<Node> {
    let mut out = Vec::with_capacity(nodes.len());
    for node in nodes {
        for node in one(node) {
            join(&mut out, node);
        }
    }
    out
}

/// Whether nothing would be seen.
pub(super) fn blank(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(words) | Node::Code(words) | Node::CodeBlock { code: words, .. } => {
            words.trim().is_empty()
        }
        Node::LineBreak => true,
        Node::Mention(_) | Node::CustomEmoji { .. } => false,
        Node::Link { url, children } => url.is_empty() && blank(children),
        Node::List { items, .. } => items.iter().all(|item| blank(item)),
        other => blank(other.children()),
    })
}

fn one(node: &Node) -> Vec<Node> {
    match node {
        Node::Strong(children) => marked(children, &Node::Strong),
        Node::Emphasis(children) => marked(children, &Node::Emphasis),
        Node::Strike(children) => marked(children, &Node::Strike),
        Node::Underline(children) => marked(children, &Node::Underline),
        Node::Spoiler { reason, children } => spoiler(reason.as_deref(), children),
        Node::Quote(children) if blank(children) => Vec::new(),
        Node::Quote(children) => vec![Node::Quote(shaped(children))],
        Node::Heading { level, children } => heading(*level, children),
        Node::List { start, items } => list(*start, items),
        Node::Link { url, children } => {
            vec![Node::Link { url: url.clone(), children: one_line(&shaped(children)) }]
        }
        Node::CodeBlock { code, .. } if code.trim_matches('\n').is_empty() => Vec::new(),
        Node::Code(code) if code.is_empty() => Vec::new(),
        leaf => vec![leaf.clone()],
    }
}

fn list(start: Option<u64>, items: &[Vec<Node>]) -> Vec<Node> {
    let items: Vec<Vec<Node>> = items.iter().filter(|item| !blank(item)).map(|item| shaped(item)).collect();
    if items.is_empty() { Vec::new() } else { vec![Node::List { start, items }] }
}

fn heading(level: u8, children: &[Node]) -> Vec<Node> {
    let children = one_line(&shaped(children));
    if blank(&children) {
        return Vec::new();
    }
    // Discord knows three levels; smaller ones become bold lines, which a heading of level 4 stands for below.
    vec![Node::Heading { level: level.clamp(1, 4), children }]
}

/// Puts a mark around words; around a block it goes inside.
fn marked(children: &[Node], mark: &impl Fn(Vec<Node>) -> Node) -> Vec<Node> {
    wrap(shaped(children), mark, false)
}

fn spoiler(reason: Option<&str>, children: &[Node]) -> Vec<Node> {
    let mut out = Vec::new();
    if let Some(reason) = reason.filter(|reason| !reason.trim().is_empty()) {
        out.push(Node::Text(format!("({}) ", reason.trim())));
    }
    let hide = |children| Node::Spoiler { reason: None, children };
    out.extend(wrap(shaped(children), &hide, true));
    out
}

/// `hides`: code must not be shown outside of the mark.
fn wrap(children: Vec<Node>, mark: &impl Fn(Vec<Node>) -> Node, hides: bool) -> Vec<Node> {
    let mut out = Vec::new();
    let mut run = Vec::new();
    for child in children {
        let inside = match child {
            Node::CodeBlock { .. } if hides => {
                run.push(child);
                continue;
            }
            Node::Quote(children) => Node::Quote(wrap(children, mark, hides)),
            Node::Heading { level, children } => {
                Node::Heading { level, children: wrap(children, mark, hides) }
            }
            Node::List { start, items } => {
                Node::List { start, items: items.into_iter().map(|item| wrap(item, mark, hides)).collect() }
            }
            Node::CodeBlock { .. } => child,
            inline => {
                run.push(inline);
                continue;
            }
        };
        close_run(&mut run, mark, &mut out);
        out.push(inside);
    }
    close_run(&mut run, mark, &mut out);
    out
}

fn close_run(run: &mut Vec<Node>, mark: &impl Fn(Vec<Node>) -> Node, out: &mut Vec<Node>) {
    let run = std::mem::take(run);
    if blank(&run) {
        out.extend(run);
    } else {
        out.push(mark(run));
    }
}

/// The same words on one line, blocks taken apart.
fn one_line(nodes: &[Node]) -> Vec<Node> {
    let mut out = Vec::new();
    for node in nodes {
        match node {
            Node::LineBreak => join(&mut out, Node::Text(" ".to_owned())),
            Node::CodeBlock { code, .. } => out.push(Node::Code(code.replace('\n', " "))),
            Node::Quote(children) | Node::Heading { children, .. } => out.extend(one_line(children)),
            Node::List { items, .. } => {
                for item in items {
                    out.extend(one_line(item));
                    join(&mut out, Node::Text(" ".to_owned()));
                }
            }
            Node::Strong(children) => out.push(Node::Strong(one_line(children))),
            Node::Emphasis(children) => out.push(Node::Emphasis(one_line(children))),
            Node::Strike(children) => out.push(Node::Strike(one_line(children))),
            Node::Underline(children) => out.push(Node::Underline(one_line(children))),
            Node::Spoiler { reason, children } => {
                out.push(Node::Spoiler { reason: reason.clone(), children: one_line(children) });
            }
            other => join(&mut out, other.clone()),
        }
    }
    out
}

/// Adds a node; equal marks side by side become one, and so do words.
fn join(out: &mut Vec<Node>, node: Node) {
    match (out.last_mut(), node) {
        (Some(Node::Text(before)), Node::Text(words)) => before.push_str(&words),
        (_, Node::Text(words)) if words.is_empty() => {}
        (Some(Node::Strong(before)), Node::Strong(children))
        | (Some(Node::Emphasis(before)), Node::Emphasis(children))
        | (Some(Node::Strike(before)), Node::Strike(children))
        | (Some(Node::Underline(before)), Node::Underline(children))
        | (Some(Node::Spoiler { children: before, .. }), Node::Spoiler { children, .. }) => {
            for child in children {
                join(before, child);
            }
        }
        (_, node) => out.push(node),
    }
}
