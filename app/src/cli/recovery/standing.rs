//! Where an interrupted write stands, in words. What a recovery would do about it is not said here.

use stratigraph_engine::TableVersion;
use stratigraph_engine::recovery::{Pin, PinObservation, Sidecar, WriterKind};

/// Where one pinned table stands (graph-format §10.4).
///
/// H is the head of its lineage, P the version its branch pins (0 if none), E the version expected, Q the one planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// H = P ≤ E: nothing happened to it.
    NotMoved,
    /// P < H, and the step from P is the one the record describes.
    MovedAsPlanned,
    /// P < H, and it is another step.
    MovedOtherwise,
    /// P < H by a merge that did not note which versions it reached.
    MovedUnconfirmed,
    /// H = P > E: its versions are published.
    PinnedPast,
    /// H < P: the pinned version is missing.
    HeadBehindPin,
    /// H cannot be read.
    Unknown,
}

impl Standing {
    /// Where a table stands, by what was observed and by who wrote.
    pub(super) fn of(sidecar: &Sidecar, pin: &Pin, seen: &PinObservation) -> Self {
        let Ok(head) = seen.head.as_ref().map(|head| head.get()) else { return Self::Unknown };
        let pinned = seen.pinned.map_or(0, TableVersion::get);
        if head < pinned {
            return Self::HeadBehindPin;
        }
        if head == pinned {
            return if pinned > pin.expected_version { Self::PinnedPast } else { Self::NotMoved };
        }
        let started_there = pin.expected_version == pinned;
        let as_planned = match sidecar.writer_kind {
            WriterKind::Mutation | WriterKind::Load => head == pinned + 1 && pin.post_commit_pin == head,
            WriterKind::BranchMerge if sidecar.schema_version >= 2 => match pin.confirmed_version {
                None => return Self::MovedUnconfirmed,
                Some(confirmed) => head == confirmed,
            },
            // How many versions these make is not known before: the plan names the least.
            WriterKind::SchemaApply | WriterKind::EnsureIndices | WriterKind::Optimize | WriterKind::BranchMerge => {
                true
            }
        };
        if started_there && as_planned { Self::MovedAsPlanned } else { Self::MovedOtherwise }
    }

    /// The words of a table's line.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::NotMoved => "not moved",
            Self::MovedAsPlanned => "moved as planned",
            Self::MovedOtherwise => "moved otherwise",
            Self::MovedUnconfirmed => "moved, not confirmed",
            Self::PinnedPast => "pinned past",
            Self::HeadBehindPin => "head behind its pin",
            Self::Unknown => "head unreadable",
        }
    }
}

/// Where the whole write stands, in one sentence. `standings` are those of its tables.
pub(super) fn conclusion(writer: WriterKind, standings: &[Standing]) -> String {
    use Standing::{HeadBehindPin, MovedAsPlanned, MovedOtherwise, MovedUnconfirmed, NotMoved, PinnedPast, Unknown};
    let all = standings.len();
    let count = |wanted: Standing| standings.iter().filter(|&&standing| standing == wanted).count();
    let of_all = |number: usize| if all == 1 { "the table".to_owned() } else { format!("{number} of {all} tables") };
    let told = [
        (Unknown, "cannot be read, so where the write stands is not known"),
        (HeadBehindPin, "lost the version that is pinned, which no interrupted write explains"),
        (MovedOtherwise, "moved otherwise than the record describes"),
        (MovedUnconfirmed, "moved, and the merge did not note that it was through with all its tables"),
    ];
    if let Some((standing, words)) = told.into_iter().find(|(standing, _)| count(*standing) > 0) {
        return format!("{} {words}", of_all(count(standing)));
    }
    match (count(MovedAsPlanned), count(NotMoved), count(PinnedPast)) {
        (0, 0, 0) => "the record pins no table, so there is no version to compare".to_owned(),
        (_, 0, 0) => format!("all tables reached their planned versions; only {} is missing", publication(writer)),
        (0, _, 0) => "no table moved: the write stopped before its first one".to_owned(),
        (0, 0, _) => {
            "all tables are pinned past the versions the write started from, and none is ahead of its pin".to_owned()
        }
        (moved, _, 0) => {
            format!("{} moved as planned, the others did not move: the write stopped between", of_all(moved))
        }
        (moved, still, past) => {
            format!("tables that moved as planned: {moved}; that did not move: {still}; that are pinned past: {past}")
        }
    }
}

fn publication(writer: WriterKind) -> &'static str {
    match writer {
        WriterKind::SchemaApply => "the publication, of the tables and of the schema,",
        WriterKind::Mutation
        | WriterKind::Load
        | WriterKind::BranchMerge
        | WriterKind::EnsureIndices
        | WriterKind::Optimize => "the publication",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stratigraph_engine::Error;

    use super::Standing::{
        HeadBehindPin, MovedAsPlanned, MovedOtherwise, MovedUnconfirmed, NotMoved, PinnedPast, Unknown,
    };
    use super::*;

    /// Where a table stands that was expected at 4 and planned to reach 5.
    fn standing(writer: WriterKind, format: u64, confirmed: Option<u64>, pinned: u64, head: Option<u64>) -> Standing {
        let mut pin = json!({
            "table_key": "node:Person", "table_path": "/g/nodes/a", "expected_version": 4, "post_commit_pin": 5,
        });
        if let Some(confirmed) = confirmed {
            pin["confirmed_version"] = confirmed.into();
        }
        let sidecar: Sidecar = serde_json::from_value(json!({
            "schema_version": format, "operation_id": "01JY2Z8Q5R0000000000000001", "started_at": "1750310400123456",
            "branch": null, "actor_id": null, "writer_kind": writer, "tables": [pin],
        }))
        .unwrap();
        let seen = PinObservation {
            table_key: "node:Person".to_owned(),
            expected: TableVersion::new(4),
            planned: TableVersion::new(5),
            pinned: (pinned > 0).then(|| TableVersion::new(pinned)),
            head: head.map(TableVersion::new).ok_or(Error::Cancelled),
        };
        Standing::of(&sidecar, &sidecar.tables[0], &seen)
    }

    #[test]
    fn every_writer_is_read_by_its_own_equation() {
        use WriterKind::{BranchMerge, EnsureIndices, Load, Mutation, Optimize, SchemaApply};
        for writer in [Mutation, Load, SchemaApply, EnsureIndices, Optimize, BranchMerge] {
            for (pinned, head, expected) in [
                (4, Some(4), NotMoved),
                (3, Some(3), NotMoved),
                (5, Some(5), PinnedPast),
                (5, Some(4), HeadBehindPin),
                (4, None, Unknown),
            ] {
                assert_eq!(standing(writer, 2, None, pinned, head), expected, "{writer} {pinned} {head:?}");
            }
        }
        for writer in [Mutation, Load] {
            assert_eq!(standing(writer, 2, None, 4, Some(5)), MovedAsPlanned);
            assert_eq!(standing(writer, 2, None, 4, Some(6)), MovedOtherwise, "it makes one version");
            assert_eq!(standing(writer, 2, None, 5, Some(6)), MovedOtherwise, "it started elsewhere");
            assert_eq!(standing(writer, 2, None, 0, Some(5)), MovedOtherwise, "its table is not pinned");
        }
        for (writer, format) in [(SchemaApply, 2), (EnsureIndices, 2), (Optimize, 2), (BranchMerge, 1)] {
            assert_eq!(standing(writer, format, None, 4, Some(5)), MovedAsPlanned);
            assert_eq!(standing(writer, format, None, 4, Some(7)), MovedAsPlanned, "it may make several versions");
            assert_eq!(standing(writer, format, None, 5, Some(6)), MovedOtherwise);
        }
        assert_eq!(standing(BranchMerge, 2, None, 4, Some(5)), MovedUnconfirmed);
        assert_eq!(standing(BranchMerge, 2, Some(7), 4, Some(7)), MovedAsPlanned);
        assert_eq!(standing(BranchMerge, 2, Some(7), 4, Some(5)), MovedOtherwise);
        assert_eq!(standing(BranchMerge, 2, Some(7), 5, Some(7)), MovedOtherwise);
    }

    #[test]
    fn the_whole_is_said_in_one_sentence() {
        let cases: [(&[Standing], &str); 11] = [
            (
                &[MovedAsPlanned, MovedAsPlanned],
                "all tables reached their planned versions; only the publication is missing",
            ),
            (&[NotMoved, NotMoved], "no table moved: the write stopped before its first one"),
            (
                &[MovedAsPlanned, NotMoved],
                "1 of 2 tables moved as planned, the others did not move: the write stopped between",
            ),
            (
                &[PinnedPast],
                "all tables are pinned past the versions the write started from, and none is ahead of its pin",
            ),
            (&[PinnedPast, NotMoved], "tables that moved as planned: 0; that did not move: 1; that are pinned past: 1"),
            (&[MovedOtherwise, MovedAsPlanned], "1 of 2 tables moved otherwise than the record describes"),
            (&[MovedOtherwise], "the table moved otherwise than the record describes"),
            (
                &[MovedUnconfirmed],
                "the table moved, and the merge did not note that it was through with all its tables",
            ),
            (
                &[HeadBehindPin, MovedOtherwise],
                "1 of 2 tables lost the version that is pinned, which no interrupted write explains",
            ),
            (&[Unknown, HeadBehindPin], "1 of 2 tables cannot be read, so where the write stands is not known"),
            (&[], "the record pins no table, so there is no version to compare"),
        ];
        for (standings, expected) in cases {
            assert_eq!(conclusion(WriterKind::Load, standings), expected);
        }
        let schema = conclusion(WriterKind::SchemaApply, &[MovedAsPlanned]);
        assert!(schema.ends_with("only the publication, of the tables and of the schema, is missing"), "{schema}");
    }
}
