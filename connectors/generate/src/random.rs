//! Numbers that look random and follow from where they stand.

/// A stream of numbers for one value of one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u64);

/// The distance between two states of SplitMix64.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The numbers of a row, in a column with this key.
    pub(crate) fn of(key: u64, row: u64) -> Self {
        Self(mix(key ^ mix(row.wrapping_add(GAMMA))))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A number below `bound`, which is not zero. Multiplying is fair to 1 in 2^64 per value.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i128, high: i128) -> i128 {
        let span = high.wrapping_sub(low) as u128;
        if let Some(bound) = u64::try_from(span).ok().and_then(|span| span.checked_add(1)) {
            return low + i128::from(self.below(bound));
        }
        let wide = (u128::from(self.next()) << 64) | u128::from(self.next());
        let offset = if span == u128::MAX { wide } else { wide % (span + 1) };
        low.wrapping_add(offset as i128)
    }

    /// A number from 0 up to 1, which is not reached.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The key of a column: its name and table under a seed.
pub(crate) fn key(seed: u64, table: &str, column: &str) -> u64 {
    let mut hash = mix(seed.wrapping_add(GAMMA));
    for part in [table, column] {
        for byte in part.bytes() {
            hash = mix(hash ^ u64::from(byte)).wrapping_add(GAMMA);
        }
        hash = mix(hash ^ 0x100);
    }
    hash
}

/// The finalizer of SplitMix64: every bit of the input moves half of the bits of the output.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_range_and_reach_its_ends() {
        let mut seen = [0_u32; 5];
        for row in 0..10_000 {
            let number = Random::of(1, row).between(-2, 2);
            seen[usize::try_from(number + 2).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| (1_800..2_200).contains(&count)), "{seen:?}");
        for row in 0..1_000 {
            let mut random = Random::of(9, row);
            assert!((0.0..1.0).contains(&random.share()));
            assert_eq!(random.between(7, 7), 7);
            let wide = random.between(-(10_i128.pow(37)), 10_i128.pow(37));
            assert!(wide.abs() <= 10_i128.pow(37));
            random.between(i128::MIN, i128::MAX);
        }
    }

    #[test]
    fn seed_table_column_and_row_all_count() {
        let one = |seed, table, column, row| Random::of(key(seed, table, column), row).next();
        let base = one(1, "a", "b", 1);
        assert_eq!(base, one(1, "a", "b", 1));
        for other in
            [one(2, "a", "b", 1), one(1, "ab", "", 1), one(1, "a", "c", 1), one(1, "a", "b", 2)]
        {
            assert_ne!(base, other);
        }
    }
}
