//! Giving out blocks of a row of numbers: a buddy allocation
//! (Knowlton, "A fast storage allocator", Communications of the ACM 8, 1965).

/// Consecutive numbers: `size` is a power of two, and `first` a multiple of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    pub first: u32,
    pub size: u32,
}

/// A block that is to be given out, and what that does to the free ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub block: Block,
    /// Free blocks that are no more.
    pub used_up: Vec<Block>,
    /// Free blocks that there are now, beside those that stay.
    pub left_over: Vec<Block>,
}

impl Block {
    /// The number after its last.
    pub fn end(self) -> u32 {
        self.first + self.size
    }

    fn halves(self) -> [Self; 2] {
        let size = self.size / 2;
        [Self { first: self.first, size }, Self { first: self.first + size, size }]
    }

    /// The block that together with this one makes one of twice the size.
    fn buddy(self) -> Self {
        Self { first: self.first ^ self.size, size: self.size }
    }
}

/// Takes a block of this size: the smallest free one that does, else what comes after `end`, the
/// first number that nobody had yet, else free neighbours put together. None when there is none
/// below the capacity.
pub fn take(free: &[Block], end: u32, capacity: u32, size: u32) -> Option<Taken> {
    let fits = |blocks: &[Block]| {
        blocks.iter().copied().filter(|it| size <= it.size).min_by_key(|it| (it.size, it.first))
    };
    if let Some(block) = fits(free) {
        return Some(cut(block, size, vec![block]));
    }
    let first = end.checked_next_multiple_of(size)?;
    if first.checked_add(size)? <= capacity {
        let block = Block { first, size };
        return Some(Taken { block, used_up: Vec::new(), left_over: between(end, first) });
    }
    let whole = fits(&merged(free))?;
    let inside = |it: &&Block| whole.first <= it.first && it.first < whole.end();
    Some(cut(whole, size, free.iter().filter(inside).copied().collect()))
}

/// Halves a block until what is left has the size.
fn cut(mut block: Block, size: u32, used_up: Vec<Block>) -> Taken {
    let mut left_over = Vec::new();
    while size < block.size {
        let [low, high] = block.halves();
        left_over.push(high);
        block = low;
    }
    Taken { block, used_up, left_over }
}

/// The largest blocks that fill a gap.
fn between(mut from: u32, to: u32) -> Vec<Block> {
    let mut blocks = Vec::new();
    while from < to {
        // The gap ends at a multiple of a larger block, so the lowest bit always fits.
        let size = 1 << from.trailing_zeros();
        blocks.push(Block { first: from, size });
        from += size;
    }
    blocks
}

/// Free blocks with every pair of buddies put together.
fn merged(free: &[Block]) -> Vec<Block> {
    let mut blocks: std::collections::BTreeSet<Block> = free.iter().copied().collect();
    let mut waiting: Vec<Block> = free.to_vec();
    while let Some(block) = waiting.pop() {
        if blocks.contains(&block) && blocks.remove(&block.buddy()) {
            blocks.remove(&block);
            let both = Block { first: block.first & !block.size, size: 2 * block.size };
            blocks.insert(both);
            waiting.push(both);
        }
    }
    blocks.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(first: u32, size: u32) -> Block {
        Block { first, size }
    }

    #[test]
    fn a_gap_is_filled_and_given_out_later() {
        let wide = take(&[], 1, 64, 4).unwrap();
        assert_eq!((wide.block, wide.used_up), (block(4, 4), vec![]));
        assert_eq!(wide.left_over, [block(1, 1), block(2, 2)]);
        let small = take(&wide.left_over, 8, 64, 1).unwrap();
        assert_eq!((small.block, small.used_up), (block(1, 1), vec![block(1, 1)]));
        let next = take(&[block(2, 2)], 8, 64, 1).unwrap();
        assert_eq!((next.block, next.left_over), (block(2, 1), vec![block(3, 1)]));
    }

    #[test]
    fn neighbours_are_put_together_only_when_nothing_else_is_left() {
        let free = [block(0, 1), block(1, 1), block(2, 2), block(5, 1)];
        assert_eq!(take(&free, 8, 16, 4).unwrap().block, block(8, 4));
        let taken = take(&free, 8, 8, 4).unwrap();
        assert_eq!((taken.block, taken.left_over), (block(0, 4), vec![]));
        assert_eq!(taken.used_up, [block(0, 1), block(1, 1), block(2, 2)]);
        assert_eq!(take(&free, 8, 8, 8), None);
        assert_eq!(take(&[], u32::MAX, u32::MAX, 16), None);
    }
}
