//! The merge against what the format says, written down as plainly as possible: for every block, who has it first.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One file in one backup.
#[derive(Debug, Clone)]
enum Stored {
    Whole(Vec<u8>),
    Changed { truncation: u32, blocks: BTreeMap<u32, u8> },
}

/// Every block of the newest one, from the first backup that has it.
fn expected(chain: &[Stored]) -> Vec<u8> {
    let (truncation, blocks) = match &chain[0] {
        Stored::Whole(blocks) => return whole(blocks),
        Stored::Changed { truncation, blocks } => (*truncation, blocks),
    };
    let length = blocks.keys().map(|block| block + 1).max().unwrap_or(0).max(truncation);
    let mut content = vec![0; length as usize];
    for block in 0..length {
        let older = if block < truncation { chain } else { &chain[..1] };
        for stored in older {
            let there = match stored {
                Stored::Whole(blocks) => Some(blocks.get(block as usize).copied().unwrap_or(0)),
                Stored::Changed { blocks, .. } => blocks.get(&block).copied(),
            };
            if let Some(fill) = there {
                content[block as usize] = fill;
                break;
            }
        }
    }
    whole(&content)
}

fn changed() -> impl Strategy<Value = Stored> {
    let blocks = prop::collection::btree_map(0..SEGMENT, 1..=255_u8, 0..20);
    (0..=SEGMENT, blocks).prop_map(|(truncation, blocks)| Stored::Changed { truncation, blocks })
}

fn full() -> impl Strategy<Value = Stored> {
    prop::collection::vec(1..=255_u8, 0..SEGMENT as usize).prop_map(Stored::Whole)
}

fn any_of_both() -> impl Strategy<Value = Stored> {
    prop_oneof![4 => changed(), 1 => full()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_block_is_from_the_newest_backup_that_has_it(
        newer in prop::collection::vec(any_of_both(), 0..6),
        oldest in full(),
    ) {
        let chain: Vec<Stored> = newer.into_iter().chain([oldest]).collect();
        let count = u32::try_from(chain.len()).unwrap();
        let archives: Vec<Vec<u8>> = chain.iter().zip(0..).map(|(stored, place): (&Stored, u32)| {
            let start = count - place;
            let tar = Tar::backup(start, Some(start - 1).filter(|from| *from > 0));
            let tar = match stored {
                Stored::Whole(blocks) => tar.file(FILE, &whole(blocks)),
                Stored::Changed { truncation, blocks } => {
                    let blocks: Vec<(u32, u8)> = blocks.iter().map(|(block, fill)| (*block, *fill)).collect();
                    tar.file(CHANGED, &incremental(*truncation, &blocks))
                }
            };
            tar.whole()
        }).collect();
        prop_assert_eq!(content(&archives, FILE), expected(&chain));
    }
}
