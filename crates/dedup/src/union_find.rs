//! Transitive clusters: two members are together when a chain of links joins them.
//!
//! The root of a cluster is its smallest member, whatever the order of the links.

/// A forest over `0..n`, n below 2³².
#[derive(Debug)]
pub(crate) struct UnionFind {
    parents: Vec<u32>,
}

impl UnionFind {
    /// `count` clusters of one.
    pub(crate) fn new(count: u32) -> Self {
        Self {
            parents: (0..count).collect(),
        }
    }

    /// The smallest member of the cluster; a number that is no member is its own cluster.
    pub(crate) fn root(&self, member: u32) -> u32 {
        let mut current = member;
        while let Some(&parent) = self.parents.get(current as usize) {
            if parent == current {
                break;
            }
            current = parent;
        }
        current
    }

    /// Puts two clusters together.
    pub(crate) fn link(&mut self, left: u32, right: u32) {
        let (left, right) = (self.shortened(left), self.shortened(right));
        let (small, large) = (left.min(right), left.max(right));
        if let Some(slot) = self.parents.get_mut(large as usize) {
            *slot = small;
        }
    }

    /// The root; the way to it is halved, which keeps later look-ups short.
    fn shortened(&mut self, member: u32) -> u32 {
        let mut current = member;
        loop {
            let parent = self.parent(current);
            if parent == current {
                return current;
            }
            let above = self.parent(parent);
            if let Some(slot) = self.parents.get_mut(current as usize) {
                *slot = above;
            }
            current = above;
        }
    }

    fn parent(&self, member: u32) -> u32 {
        self.parents.get(member as usize).copied().unwrap_or(member)
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
        assert_eq!(clusters.root(9), 9);
    }
}
