//! The order in which people look for branches: main first, then by name, numbers in names by what they count.

use std::cmp::Ordering;

use stratigraph_engine::BranchName;

/// Orders branches: main first, the others so that `b/2` stands before `b/10`.
#[must_use]
pub fn branches(left: &BranchName, right: &BranchName) -> Ordering {
    let mains = right.is_main().cmp(&left.is_main());
    mains.then_with(|| texts(left.as_str(), right.as_str()))
}

/// Orders texts by their letters, and where both have digits by the numbers that those make. Equal numbers that are written in other
/// ways come in the order of the texts, so that only equal texts are equal.
#[must_use]
pub fn texts(left: &str, right: &str) -> Ordering {
    let (mut rest, mut other) = (left.as_bytes(), right.as_bytes());
    loop {
        let order = match (digits(rest), digits(other)) {
            (0, _) | (_, 0) => match (rest.split_first(), other.split_first()) {
                (Some((byte, after)), Some((other_byte, other_after))) => {
                    (rest, other) = (after, other_after);
                    byte.cmp(other_byte)
                }
                (None, None) => return left.cmp(right),
                (one, another) => return one.is_some().cmp(&another.is_some()),
            },
            (count, other_count) => {
                let (number, other_number) = (significant(&rest[..count]), significant(&other[..other_count]));
                (rest, other) = (&rest[count..], &other[other_count..]);
                // No number is too long to be compared.
                number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number))
            }
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// How many digits a text begins with.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Digits without the zeros before them.
fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    &digits[zeros..]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_names_count() {
        let sorted = [
            "main",
            "10",
            "agent",
            "agent-2",
            "agent/1",
            "agent/02",
            "agent/2",
            "agent/2/x",
            "agent/10",
            "agent/10a",
            "agent/99999999999999999999998",
            "agent/99999999999999999999999",
            "b/2",
            "b/10",
            "v1.2.9",
            "v1.2.10",
            "v1.10.0",
            "zoë/3",
        ];
        let mut names: Vec<BranchName> = sorted.iter().map(|name| BranchName::from_stored(Some(name))).collect();
        names.sort_by(|left, right| right.as_str().cmp(left.as_str()));
        names.sort_by(branches);
        assert_eq!(names.iter().map(BranchName::as_str).collect::<Vec<_>>(), sorted);
    }

    proptest! {
        #[test]
        fn it_is_an_order(all in prop::collection::vec("[ab/0-2]{0,6}", 3)) {
            let [one, two, three] = [&all[0], &all[1], &all[2]];
            prop_assert_eq!(texts(one, two), texts(two, one).reverse());
            prop_assert_eq!(texts(one, two) == Ordering::Equal, one == two);
            if texts(one, two).is_le() && texts(two, three).is_le() {
                prop_assert!(texts(one, three).is_le(), "{} {} {}", one, two, three);
            }
        }

        #[test]
        fn numbers_compare_as_numbers(one in any::<u64>(), two in any::<u64>(), zeros in 0usize..3) {
            let (left, right) = (format!("b/{}{one}/x", "0".repeat(zeros)), format!("b/{two}/x"));
            if one != two {
                prop_assert_eq!(texts(&left, &right), one.cmp(&two));
            }
        }
    }
}
