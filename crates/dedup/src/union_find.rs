//! Transitive clusters: two members are together when a chain of links joins them.
//!
//! The root of a cluster is its smallest member, whatever the order of the links.

/// A forest over `0..n`.
pub(crate) struct UnionFind {
    parents: Vec<usize>,
}

impl UnionFind {
    /// `count` clusters of one.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            parents: (0..count).collect(),
        }
    }

    /// The smallest member of the cluster; a number that is no member is its own cluster.
    pub(crate) fn root(&mut self, member: usize) -> usize {
        let mut current = member;
        while let Some(&parent) = self.parents.get(current) {
            if parent == current {
                break;
            }
            // Halving the path keeps later look-ups short.
            let grandparent = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(current) {
                *slot = grandparent;
            }
            current = grandparent;
        }
        current
    }

    /// Puts two clusters together.
    pub(crate) fn link(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        let (small, large) = (left.min(right), left.max(right));
        if let Some(slot) = self.parents.get_mut(large) {
            *slot = small;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UnionFind;

    #[test]
    fn links_chain_and_the_smallest_is_the_root() {
        let mut clusters = UnionFind::new(6);
        clusters.link(5, 3);
        clusters.link(4, 5);
        clusters.link(1, 0);
        assert_eq!(
            (0..6)
                .map(|member| clusters.root(member))
                .collect::<Vec<_>>(),
            [0, 0, 2, 3, 3, 3]
        );
        clusters.link(3, 1);
        assert_eq!(clusters.root(4), 0);
    }
}
