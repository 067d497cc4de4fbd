//! What a recogniser finds possible in a line, and the likeliest texts among it.
//!
//! Connectionist temporal classification (Graves et al. 2006): at every step of a line the network
//! gives each label a probability, one label meaning "nothing new here"; a text is what remains
//! when repeated labels are made one and those blanks are dropped. The search keeps the likeliest
//! beginnings of texts (prefix beam search) and asks a judge about each word as it ends.

use crate::quick::HashMap;

/// Beginnings that are followed at once.
const BEAM: usize = 16;
/// Labels less likely than this, as a logarithm, are no choice at a step.
const LEAST: f32 = -8.0;
/// The label that means nothing new.
const BLANK: usize = 0;

/// What labels mean: label `n + 1` is the n-th character.
pub(crate) struct Alphabet {
    chars: Vec<char>,
}

impl Alphabet {
    pub(crate) fn new(chars: Vec<char>) -> Self {
        Self { chars }
    }

    /// How many labels there are, the blank among them.
    pub(crate) fn labels(&self) -> usize {
        self.chars.len() + 1
    }

    fn char(&self, label: u16) -> char {
        self.chars.get(usize::from(label).wrapping_sub(1)).copied().unwrap_or(' ')
    }
}

/// Log-probabilities of labels by step.
pub(crate) struct Lattice {
    labels: usize,
    log: Vec<f32>,
}

impl Lattice {
    /// `log` has a row of `labels` a step.
    pub(crate) fn new(labels: usize, log: Vec<f32>) -> Self {
        Self { labels, log }
    }

    fn steps(&self) -> impl Iterator<Item = &[f32]> {
        self.log.chunks_exact(self.labels)
    }
}

/// A character of a text, and the step at which it first shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sign {
    pub(crate) char: char,
    pub(crate) step: usize,
    /// Highest probability it has from there to the next character.
    pub(crate) peak: f32,
}

/// A text that the lattice allows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text {
    pub(crate) signs: Vec<Sign>,
    /// Its share of all texts that were kept; they sum to 1.
    pub(crate) share: f32,
}

/// Says how likely texts are as language.
pub(crate) trait Judge {
    /// What is known of a text's end. Texts with equal ends are judged alike from there on.
    type State: Clone;

    /// Nothing yet.
    fn start(&self) -> Self::State;

    /// After one more character: the logarithm that is added to the text's likelihood.
    fn push(&self, state: &Self::State, next: char) -> (Self::State, f32);

    /// At the end of the line.
    fn end(&self, state: &Self::State) -> f32;
}

/// The likeliest texts, the best first; at least one, perhaps empty.
pub(crate) fn search<J: Judge>(lattice: &Lattice, alphabet: &Alphabet, judge: &J) -> Vec<Text> {
    let mut tree = Tree { nodes: vec![Node::root(judge.start())], children: HashMap::default() };
    let mut beam = vec![Front { node: 0, blank: 0.0, sign: f32::NEG_INFINITY }];
    for (step, log) in lattice.steps().enumerate() {
        let mut next = Fronts::default();
        let choices: Vec<(u16, f32)> = (0_u16..)
            .zip(log)
            .skip(1)
            .filter(|(_, log)| LEAST < **log)
            .map(|(label, log)| (label, *log))
            .collect();
        for front in &beam {
            let last = tree.nodes[front.node].label;
            let all = add(front.blank, front.sign);
            next.at(front.node).blank = add(next.at(front.node).blank, all + log[BLANK]);
            for &(label, log) in &choices {
                if label == last {
                    let here = next.at(front.node);
                    here.sign = add(here.sign, front.sign + log);
                }
                // The same character again must be parted from itself by a blank.
                let before = if label == last { front.blank } else { all };
                if before == f32::NEG_INFINITY {
                    continue;
                }
                let child = tree.child(front.node, label, step, alphabet, judge);
                let there = next.at(child);
                there.sign = add(there.sign, before + log);
            }
        }
        beam = next.fronts;
        let worth = |front: &Front| add(front.blank, front.sign) + tree.nodes[front.node].judged;
        beam.sort_by(|a, b| worth(b).total_cmp(&worth(a)));
        beam.truncate(BEAM);
    }
    let mut ends: Vec<(usize, f32)> = beam
        .iter()
        .map(|front| {
            let node = &tree.nodes[front.node];
            let end = node.judged + judge.end(&node.state);
            (front.node, add(front.blank, front.sign) + end)
        })
        .collect();
    ends.sort_by(|a, b| b.1.total_cmp(&a.1));
    let best = ends.first().map_or(0.0, |end| end.1);
    let sum: f32 = ends.iter().map(|end| (end.1 - best).exp()).sum();
    ends.into_iter()
        .map(|(node, worth)| Text {
            signs: tree.signs(node, lattice, alphabet),
            share: (worth - best).exp() / sum,
        })
        .collect()
}

/// A beginning that is followed: log-probabilities of it ending in a blank or in its last
/// character.
#[derive(Debug, Clone, Copy)]
struct Front {
    node: usize,
    blank: f32,
    sign: f32,
}

/// Beginnings after a step, each once.
#[derive(Default)]
struct Fronts {
    fronts: Vec<Front>,
    places: HashMap<usize, usize>,
}

impl Fronts {
    fn at(&mut self, node: usize) -> &mut Front {
        let place = *self.places.entry(node).or_insert_with(|| {
            self.fronts.push(Front { node, blank: f32::NEG_INFINITY, sign: f32::NEG_INFINITY });
            self.fronts.len() - 1
        });
        &mut self.fronts[place]
    }
}

/// Beginnings of texts, each a character longer than its parent.
struct Tree<S> {
    nodes: Vec<Node<S>>,
    children: HashMap<(usize, u16), usize>,
}

struct Node<S> {
    parent: usize,
    /// 0 at the root.
    label: u16,
    /// At which it was first reached.
    step: usize,
    state: S,
    judged: f32,
}

impl<S: Clone> Node<S> {
    fn root(state: S) -> Self {
        Self { parent: 0, label: 0, step: 0, state, judged: 0.0 }
    }
}

impl<S: Clone> Tree<S> {
    fn child<J: Judge<State = S>>(
        &mut self,
        parent: usize,
        label: u16,
        step: usize,
        alphabet: &Alphabet,
        judge: &J,
    ) -> usize {
        if let Some(child) = self.children.get(&(parent, label)) {
            return *child;
        }
        let (state, more) = judge.push(&self.nodes[parent].state, alphabet.char(label));
        let judged = self.nodes[parent].judged + more;
        self.nodes.push(Node { parent, label, step, state, judged });
        self.children.insert((parent, label), self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn signs(&self, mut node: usize, lattice: &Lattice, alphabet: &Alphabet) -> Vec<Sign> {
        let mut signs = Vec::new();
        let mut after = lattice.log.len() / lattice.labels;
        while node != 0 {
            let Node { parent, label, step, .. } = self.nodes[node];
            let of = |step: usize| lattice.log[step * lattice.labels + usize::from(label)];
            let peak = (step..after.max(step + 1)).map(of).fold(f32::NEG_INFINITY, f32::max);
            signs.push(Sign { char: alphabet.char(label), step, peak: peak.exp() });
            (after, node) = (step, parent);
        }
        signs.reverse();
        signs
    }
}

/// The logarithm of the sum of what `a` and `b` are logarithms of.
fn add(a: f32, b: f32) -> f32 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if low == f32::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
