//! Cutting a text that is too long for one message.
//!
//! The tree is taken apart into atoms (a word, a mention, a link, a line of code), each with the marks around it; a part is
//! a run of atoms put together again. So marks and code blocks are closed and opened anew, and nothing is cut within. Parts
//! end at an empty line if one is near, else at a line, else at a word.

use magpie_common::message::{Node, RichText};

use super::{Names, Part, render, shape};

/// Words longer than this are cut.
const WORD_CHARS_MAX: usize = 400;

/// Writes `nodes` as parts of at most `units_max` UTF-16 units each.
pub(super) fn parts(nodes: &[Node], names: &dyn Names, units_max: usize) -> Vec<Part> {
    let nodes = shape::shaped(nodes);
    let whole = render::write(&nodes, names);
    if whole.content.is_empty() {
        return Vec::new();
    }
    if units(&whole.content) <= units_max {
        return vec![whole];
    }
    let atoms = Taker::take(&nodes, names, units_max);
    let mut parts = Vec::new();
    let mut from = 0;
    while from < atoms.len() {
        let to = part_end(&atoms[from..], names, units_max) + from;
        let part = render::write(&together(&atoms[from..to]), names);
        if !part.content.is_empty() {
            parts.push(part);
        }
        from = to;
    }
    parts
}

/// What Discord counts is never more than this.
pub(super) fn units(content: &str) -> usize {
    content.encode_utf16().count()
}

/// A piece that is not cut, and the way from the root to it.
struct Atom {
    path: Vec<Step>,
    leaf: Node,
}

/// One node on the way, told apart from equal ones by its number.
#[derive(Clone)]
struct Step {
    id: usize,
    shell: Shell,
}

/// A node without what is in it.
#[derive(Clone)]
enum Shell {
    Mark(fn(Vec<Node>) -> Node),
    Heading(u8),
    List,
    /// An item of a list, with its number in an ordered one.
    Item(Option<u64>),
    /// Lines of code in this language.
    Code(Option<String>),
}

/// How many atoms from the start make the next part.
fn part_end(atoms: &[Atom], names: &dyn Names, units_max: usize) -> usize {
    let fits = |count: usize| units(&render::write(&together(&atoms[..count]), names).content) <= units_max;
    let (mut good, mut bad) = (1, 2);
    while bad <= atoms.len() && fits(bad) {
        good = bad;
        bad *= 2;
    }
    let mut bad = bad.min(atoms.len() + 1);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle) { good = middle } else { bad = middle }
    }
    if good >= atoms.len() {
        return atoms.len();
    }
    best_break(atoms, good)
}

/// The best place to end, in the later half of what fits.
fn best_break(atoms: &[Atom], count: usize) -> usize {
    let half = count / 2;
    let best = (half.max(1)..=count).max_by_key(|end| (break_rank(atoms, *end), *end));
    best.unwrap_or(count)
}

fn break_rank(atoms: &[Atom], end: usize) -> u8 {
    let is_break = |at: usize| atoms.get(at).is_some_and(|atom| atom.leaf == Node::LineBreak);
    let block = |at: usize| atoms.get(at).and_then(|atom| atom.path.first()).map(|step| step.id);
    let in_code = |at: usize| {
        atoms.get(at).is_some_and(|atom| matches!(atom.path.last(), Some(Step { shell: Shell::Code(_), .. })))
    };
    match () {
        () if is_break(end) && is_break(end.saturating_sub(1)) => 3,
        () if block(end) != block(end - 1) && (in_code(end) || in_code(end - 1)) => 3,
        () if is_break(end) || is_break(end - 1) || in_code(end) => 2,
        () => 1,
    }
}

/// Puts atoms together again.
fn together(atoms: &[Atom]) -> Vec<Node> {
    let trimmed = atoms.iter().position(|atom| atom.leaf != Node::LineBreak).unwrap_or(atoms.len());
    build(&atoms[trimmed..], 0)
}

fn build(atoms: &[Atom], depth: usize) -> Vec<Node> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(atom) = atoms.get(from) {
        let Some(step) = atom.path.get(depth) else {
            out.push(atom.leaf.clone());
            from += 1;
            continue;
        };
        let same = |later: &&Atom| later.path.get(depth).is_some_and(|other| other.id == step.id);
        let to = from + atoms[from..].iter().take_while(same).count();
        out.push(fill(step, &atoms[from..to], depth));
        from = to;
    }
    out
}

fn fill(step: &Step, atoms: &[Atom], depth: usize) -> Node {
    match &step.shell {
        Shell::Mark(mark) => mark(build(atoms, depth + 1)),
        Shell::Heading(level) => Node::Heading { level: *level, children: build(atoms, depth + 1) },
        // An item outside of its list does not occur: the list is always the step before.
        Shell::Item(_) => Node::Quote(build(atoms, depth + 1)),
        Shell::List => list(atoms, depth + 1),
        Shell::Code(language) => {
            let lines = atoms.iter().filter_map(|atom| match &atom.leaf {
                Node::Text(line) => Some(line.as_str()),
                _ => None,
            });
            Node::CodeBlock { language: language.clone(), code: lines.collect::<Vec<_>>().join("\n") }
        }
    }
}

fn list(atoms: &[Atom], depth: usize) -> Node {
    let mut start = None;
    let mut items = Vec::new();
    let mut from = 0;
    while let Some(step) = atoms.get(from).and_then(|atom| atom.path.get(depth)) {
        if let (0, Shell::Item(number)) = (from, &step.shell) {
            start = *number;
        }
        let same = |later: &&Atom| later.path.get(depth).is_some_and(|other| other.id == step.id);
        let to = from + atoms[from..].iter().take_while(same).count();
        items.push(build(&atoms[from..to], depth + 1));
        from = to;
    }
    Node::List { start, items }
}

/// Takes a tree apart.
struct Taker<'a> {
    atoms: Vec<Atom>,
    path: Vec<Step>,
    next_id: usize,
    names: &'a dyn Names,
    units_max: usize,
}

impl<'a> Taker<'a> {
    fn take(nodes: &[Node], names: &'a dyn Names, units_max: usize) -> Vec<Atom> {
        let mut taker = Self { atoms: Vec::new(), path: Vec::new(), next_id: 0, names, units_max };
        taker.nodes(nodes);
        taker.atoms
    }

    fn nodes(&mut self, nodes: &[Node]) {
        for node in nodes {
            self.node(node);
        }
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Text(words) => self.words(words),
            Node::Strong(children) => self.inside(Shell::Mark(Node::Strong), children),
            Node::Emphasis(children) => self.inside(Shell::Mark(Node::Emphasis), children),
            Node::Strike(children) => self.inside(Shell::Mark(Node::Strike), children),
            Node::Underline(children) => self.inside(Shell::Mark(Node::Underline), children),
            Node::Spoiler { children, .. } => self.inside(Shell::Mark(hidden), children),
            Node::Quote(children) => self.inside(Shell::Mark(Node::Quote), children),
            Node::Heading { level, children } => self.inside(Shell::Heading(*level), children),
            Node::List { start, items } => self.list(*start, items),
            Node::CodeBlock { language, code } => {
                self.step(Shell::Code(language.clone()), |taker| {
                    code.split('\n').for_each(|line| taker.pieces(line, &Node::Text));
                });
            }
            Node::Code(code) => self.pieces(code, &Node::Code),
            Node::Link { .. } | Node::Mention(_) | Node::CustomEmoji { .. } | Node::LineBreak => {
                self.leaf(node.clone());
            }
        }
    }

    fn list(&mut self, start: Option<u64>, items: &[Vec<Node>]) {
        self.step(Shell::List, |taker| {
            for (nth, item) in items.iter().enumerate() {
                let number = start.map(|first| first.saturating_add(nth as u64));
                taker.inside(Shell::Item(number), item);
            }
        });
    }

    fn inside(&mut self, shell: Shell, children: &[Node]) {
        self.step(shell, |taker| taker.nodes(children));
    }

    fn step(&mut self, shell: Shell, take: impl FnOnce(&mut Self)) {
        self.next_id += 1;
        self.path.push(Step { id: self.next_id, shell });
        take(self);
        self.path.pop();
    }

    fn leaf(&mut self, leaf: Node) {
        let alone = render::write(std::slice::from_ref(&leaf), self.names);
        if units(&alone.content) > self.units_max / 2 {
            let words = RichText(vec![leaf]).to_plain();
            return self.words(&words);
        }
        self.atoms.push(Atom { path: self.path.clone(), leaf });
    }

    fn words(&mut self, words: &str) {
        for word in words.split_inclusive(' ') {
            self.pieces(word, &Node::Text);
        }
    }

    /// Cuts what is too long to be one atom.
    fn pieces(&mut self, words: &str, node: &impl Fn(String) -> Node) {
        let letters: Vec<char> = words.chars().collect();
        if letters.is_empty() {
            self.atoms.push(Atom { path: self.path.clone(), leaf: node(String::new()) });
        }
        for piece in letters.chunks(WORD_CHARS_MAX) {
            self.atoms.push(Atom { path: self.path.clone(), leaf: node(piece.iter().collect()) });
        }
    }
}

fn hidden(children: Vec<Node>) -> Node {
    Node::Spoiler { reason: None, children }
}
