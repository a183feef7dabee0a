//! What queries and conditions compute with integers and times: the right value, or an error, and never another value.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{At, Error, ErrorKind};
use stratigraph_tests::graph::{TestGraph, branch};

use crate::long_queries::{number, rows_of};

const SMALL: &str = "2147483647";
const LARGE: &str = "9223372036854775807";

async fn numbers() -> Result<TestGraph> {
    let made = TestGraph::new("node N { name: String @key  i: I32  u: U32  l: I64  w: U64 }\n").await?;
    let record = |name: &str, i: &str, u: &str, l: &str, w: &str| {
        format!("{{\"type\":\"N\",\"data\":{{\"name\":\"{name}\",\"i\":{i},\"u\":{u},\"l\":{l},\"w\":{w}}}}}\n")
    };
    let records =
        record("a", SMALL, "4294967295", LARGE, "18446744073709551615") + &record("b", "-2147483648", "3", "-2", "1");
    made.load(LoadMode::Append, "main", &records).await?;
    Ok(made)
}

#[tokio::test]
async fn integers_of_32_bits_have_room() -> Result<()> {
    let made = numbers().await?;
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let key = "node:N".parse()?;
    for (name, expression, expected) in [
        ("a", "i + i", 4_294_967_294_i64),
        ("a", "u + u", 8_589_934_590),
        ("a", "i * i", 4_611_686_014_132_420_609),
        ("b", "u - (u + u)", -3),
        ("b", "i - i * 2", 2_147_483_648),
        ("a", "i + u", 6_442_450_942),
        ("b", "i - u", -2_147_483_651),
        ("b", "l - u", -5),
    ] {
        let query = format!("select {expression} from N where name = '{name}'");
        assert_eq!(number(&made, &query).await?, expected, "{query}");
        let condition = format!("name = '{name}' and {expression} = {expected}");
        assert_eq!(made.graph.count(&main, &key, Some(&condition)).await?, 1, "{condition}");
    }
    for (query, expected) in [
        ("select sum(i + i) from N where name = 'b'", -4_294_967_296),
        ("select max(i) - max(u) from N", -2_147_483_648),
        ("select n.u - (select m.u from N m where m.name = 'a') from N n where n.name = 'b'", -4_294_967_292),
        ("select sum(i) over (order by l) - u from N where name = 'b'", -2_147_483_651),
        ("select t.d from (select i - u as d from N) t where t.d < 0 order by 1 limit 1", -2_147_483_651),
        ("select count(*) from N n where exists (select 1 from N m where m.u - n.u = -4294967292)", 1),
        ("select count(*) from N n join N m on n.u - m.u = -4294967292", 1),
        ("select u - 5 as d from N order by d limit 1", -2),
    ] {
        assert_eq!(number(&made, query).await.with_context(|| query.to_owned())?, expected, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_beyond_64_bits_is_an_error() -> Result<()> {
    let made = numbers().await?;
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let key = "node:N".parse()?;
    for (expression, expected) in [
        ("l + 1 > 0", 1),
        ("l + l > 0", 1),
        ("l * l > 0", 2),
        ("-l - 2 > 0", 0),
        ("w + w > w", 2),
        ("1 - l - l - 3 > 0", 1),
        ("i * i * i > 0", 1),
        ("l + 1 + l > 0 is true", 1),
        ("l + 1 in (5, 6)", 0),
        ("abs(l + 1) > 0", 2),
    ] {
        let query = format!("select count(*) from N where {expression}");
        let read = made.graph.count(&main, &key, Some(expression)).await;
        for found in [number(&made, &query).await, read.map(|count| count.try_into().expect("few"))] {
            match found {
                Ok(found) => assert_eq!(found, expected, "{expression}"),
                Err(error) => is_too_large(expression, error),
            }
        }
    }
    for query in [
        "select w - (w + w) from N where name = 'b'",
        "select -i from N where name = 'b'",
        "select sum(l) from (select l from N where name = 'a' union all select 1)",
        "select sum(l) from (select l, 1 as one from N where name = 'a' union all select 1, 1) group by one",
        "select sum(distinct l) from (select l from N where name = 'a' union all select 1)",
        "select sum(w) from N",
        "select max(s) from (select sum(w) over (order by name) as s from N)",
        "select sum(x) from (values ('80000000000000000000000000000000000000'::decimal(38, 0)), ('80000000000000000000000000000000000000'::decimal(38, 0)), ('80000000000000000000000000000000000000'::decimal(38, 0))) t(x)",
        "select l * w from N where name = 'a'",
        "select l::decimal(38, 0) * l * 10 from N where name = 'a'",
        "select sum(l * w) from N where name = 'a'",
        "select 9223372036854775807 + 1",
        "select -(-9223372036854775807 - 1)",
        "select (select max(m.l) + max(m.l) from N m where m.name = n.name) from N n where n.name = 'a'",
    ] {
        is_too_large(query, number(&made, query).await.expect_err(query));
    }
    for query in [
        "select count(*) from generate_series(9223372036854775807 + 1, 5)",
        "select sum(distinct l) over (order by name rows 1 preceding) from N",
        "select sum(x) from (values (1::decimal(76, 0))) t(x)",
        "select avg(x) from (values (1::decimal(60, 2))) t(x)",
        "select sum(x) from (select arrow_cast('999999999', 'Decimal32(9, 0)') as x from generate_series(1, 5))",
    ] {
        let error = number(&made, query).await.expect_err(query);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{query}: {error}");
    }
    Ok(())
}

fn is_too_large(query: &str, error: Error) {
    assert_eq!(error.kind(), ErrorKind::Invalid, "{query}: {error}");
    let said = format!("{:#}", anyhow::Error::from(error));
    let is_told =
        ["verflow", "out of range", "too large to store", "cast value"].iter().any(|told| said.contains(told));
    assert!(is_told && !said.contains(".rs:"), "{query}: {said}");
}

/// What is computed in a query inside another one has no row to be computed from at times.
#[tokio::test]
async fn values_of_other_queries_are_computed() -> Result<()> {
    let made = numbers().await?;
    for (query, expected) in [
        ("select (select max(m.l) - min(m.l) from N m where m.name = n.name) as d from N n order by name limit 1", 0),
        ("select (select sum(m.l) - 1 from N m where m.name = n.name) as d from N n order by name desc limit 1", -3),
        ("select (select -max(m.l) from N m where m.name = n.name) as d from N n order by name desc limit 1", 2),
        (
            "select s.d from N n, lateral (select max(m.l) - 1 as d from N m where m.name = n.name) s order by 1 limit 1",
            -3,
        ),
        (
            "select coalesce((select max(m.l) - 1 from N m where m.name = n.name and m.i > 9), 7) as d from N n order by name desc limit 1",
            7,
        ),
        ("select coalesce(null + l, 3) from N limit 1", 3),
        ("select count(*) from N where l + null is null", 2),
        ("select max(d) from (select case when i > 0 then u - 1 else l - 1 end as d from N)", 4_294_967_294),
        ("with recursive t as (select 1 as n union all select n * 2 from t where n < 1000) select max(n) from t", 1024),
        (
            &format!(
                "select max(x) from (select {}l{} as x from N where l < 0)",
                "case when i < 0 then ".repeat(40),
                " + 1 else 0 end".repeat(40)
            ),
            38,
        ),
        ("select count(*) from N order by 1 + 1 limit 1 + 1", 2),
    ] {
        assert_eq!(number(&made, query).await.with_context(|| query.to_owned())?, expected, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn sums_are_right_up_to_the_end_of_their_type() -> Result<()> {
    let made = numbers().await?;
    for (query, expected) in [
        (
            "select sum(l) as s from (select l from N where name = 'a' union all select 1 union all select -1)",
            json!([{"s": 9_223_372_036_854_775_807_i64}]),
        ),
        (
            "select sum(l) as s, sum(i) as i, sum(u) as u from N",
            json!([{"s": 9_223_372_036_854_775_805_i64, "i": -1, "u": 4_294_967_298_i64}]),
        ),
        ("select sum(w) as s from N where name = 'a'", json!([{"s": 18_446_744_073_709_551_615_u64}])),
        ("select sum(l) as s from N where name = 'none'", json!([{"s": null}])),
        ("select sum(distinct x) as s from (values (1), (1), (2)) t(x)", json!([{"s": 3}])),
        ("select sum(x) filter (where x > 1) as s from (values (1), (5), (2)) t(x)", json!([{"s": 7}])),
        (
            "select name, sum(u) as s, count(*) as n from N group by name order by name",
            json!([{"name": "a", "s": 4_294_967_295_i64, "n": 1}, {"name": "b", "s": 3, "n": 1}]),
        ),
        (
            "select x, sum(x) over (order by x rows between 1 preceding and current row) as s from (values (1), (5), (2)) t(x) order by x",
            json!([{"x": 1, "s": 1}, {"x": 2, "s": 3}, {"x": 5, "s": 7}]),
        ),
        ("select sum(x) as s from (values (1.5), (2)) t(x)", json!([{"s": 3.5}])),
        ("select l * w as s from N where name = 'b'", json!([{"s": "-2"}])),
        ("select w * (l + 3) as s, w / l as q from N where name = 'b'", json!([{"s": "1", "q": "-0.5000"}])),
        ("select 2.50::decimal(38, 2) * 2 as s, 1::decimal(38, 0) / 8 as q", json!([{"s": "5.00", "q": "0.1250"}])),
        ("select sum(i) + 1 as s from N having sum(i) + 1 = 0", json!([{"s": 0}])),
        (
            "select avg(v) over (order by i rows between 1 preceding and current row) as m from (values (1, 9007199254740993), \
             (2, 9007199254740993), (3, 0), (4, 1), (5, 1)) t(i, v) order by i offset 3",
            json!([{"m": 0.5}, {"m": 1.0}]),
        ),
        (
            "select avg(l) as a, avg(distinct l) as d from N",
            json!([{"a": 4_611_686_018_427_387_902.5, "d": 4_611_686_018_427_387_902.5}]),
        ),
        ("select avg(x) as a from (values (9223372036854775807), (-9223372036854775808)) t(x)", json!([{"a": -0.5}])),
        (
            "select avg(x) as a, mean(x) filter (where x < 3) as m from (values (1), (2), (4)) t(x)",
            json!([{"a": 2.333_333_333_333_333_5, "m": 1.5}]),
        ),
        (
            "select name, avg(w) as a from N group by name order by name",
            json!([{"name": "a", "a": 18_446_744_073_709_551_615.0}, {"name": "b", "a": 1.0}]),
        ),
        ("select avg(l) as a from N where name = 'none'", json!([{"a": null}])),
        ("select avg(i) as s, mean(u) as m from N", json!([{"s": -0.5, "m": 2_147_483_649.0}])),
        (
            "select sum(x) as s, avg(x) as a from (values (1.5::decimal(5, 2)), (2)) t(x)",
            json!([{"s": "3.50", "a": "1.750000"}]),
        ),
        ("select sum(x) as s from (values (1::decimal(57, 0)), (2)) t(x)", json!([{"s": "3"}])),
        (
            "select s, count(*) as c from (select case when n.i > 5 then m.i else 5 end + 1 as s from N n left join N m \
             on n.name = m.name where m.u > 0) group by s order by s",
            json!([{"s": 6, "c": 1}, {"s": 2_147_483_648_i64, "c": 1}]),
        ),
    ] {
        assert_eq!(rows_of(&made, query).await?, expected, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn averages_are_the_floats_next_to_the_quotients() -> Result<()> {
    let made = numbers().await?;
    for (query, expected) in [
        ("select avg(x) as a from (values (95)) t(x)", 95.0),
        ("select avg(x) as a from (values (1000)) t(x)", 1000.0),
        ("select avg(x) as a from (values (-97), (-97)) t(x)", -97.0),
        ("select avg(case when value = 1 then 1 else 0 end) as a from generate_series(1, 30000)", 1.0 / 30_000.0),
        ("select avg(x) over () as a from (values (97)) t(x)", 97.0),
    ] {
        assert_eq!(rows_of(&made, query).await?, json!([{ "a": expected }]), "{query}");
    }
    assert_eq!(
        rows_of(&made, "select x as a from (values (97)) t(x) group by x having avg(x) = 97").await?,
        json!([{"a": 97}])
    );
    // Sums and counts below 2^53 are floats themselves, and their quotient is rounded once.
    let mut random = 7_u64;
    let mut groups: Vec<Vec<i64>> = Vec::new();
    for count in 1..=300 {
        let values = (0..=count % 20).map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33).cast_signed() % 100_000 - 50_000
        });
        groups.push(values.collect());
    }
    let listed = groups
        .iter()
        .enumerate()
        .flat_map(|(group, values)| values.iter().map(move |value| format!("({group}, {value})")));
    let listed: Vec<String> = listed.collect();
    let query = format!("select avg(x) as a from (values {}) t(g, x) group by g order by g", listed.join(", "));
    let expected = groups.iter().map(|values| json!({"a": values.iter().sum::<i64>() as f64 / values.len() as f64}));
    assert_eq!(rows_of(&made, &query).await?, Value::Array(expected.collect()));
    Ok(())
}

/// What is computed keeps the name that it had, which groups and outer queries refer to.
#[tokio::test]
async fn columns_keep_their_names() -> Result<()> {
    let made = numbers().await?;
    for (query, name) in [
        ("select i + u from N limit 1", "N.i + N.u"),
        ("select -u::bigint from N limit 1", "(- N.u)"),
        ("select sum(i * u) from N group by i * u limit 1", "sum(N.i * N.u)"),
        ("select i - u from N group by i - u limit 1", "N.i - N.u"),
    ] {
        let rows = rows_of(&made, query).await?;
        let names: Vec<&String> = rows[0].as_object().into_iter().flat_map(serde_json::Map::keys).collect();
        assert_eq!(names, [name], "{query}");
    }
    assert_eq!(
        rows_of(&made, "select \"x\" from (select i + 1 as x from N) where x > 0").await?,
        json!([{"x": 2_147_483_648_i64}])
    );
    Ok(())
}

#[tokio::test]
async fn times_are_not_computed_as_days() -> Result<()> {
    let made = TestGraph::new("node Ev { name: String @key  at: DateTime?  day: Date? }\n").await?;
    let record = |name: &str, at: &str| {
        let day = &at[..10];
        format!("{{\"type\":\"Ev\",\"data\":{{\"name\":\"{name}\",\"at\":\"{at}\",\"day\":\"{day}\"}}}}\n")
    };
    let records = [
        record("a", "1960-05-05T10:00:00Z"),
        record("b", "1969-12-31T23:30:00Z"),
        record("c", "2026-11-09T17:39:11Z"),
        record("d", "2026-11-09T10:00:00Z"),
    ];
    made.load(LoadMode::Append, "main", &records.concat()).await?;
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let key = "node:Ev".parse()?;
    for (condition, expected) in [
        ("at + interval '1 hour' > timestamp '2026-01-01T00:00:00'", 2),
        ("at + interval '7 hours' > timestamp '2026-11-10T00:00:00'", 1),
        ("interval '1 hour' + at = timestamp '1970-01-01T00:30:00'", 1),
        ("at - interval '90 minutes' < timestamp '1960-05-05T09:00:00'", 1),
        ("name = 'b' and (at + interval '1 hour')::date = day", 0),
        ("at::date = day", 4),
        ("try_cast(at as date) = day", 4),
        ("cast(at as date) < date '1970-01-01'", 2),
        ("at::timestamp + interval '12 hours' > timestamp '2026-11-10T05:00:00'", 1),
        ("at::timestamp::date = day", 4),
        ("at > timestamp '2026-11-09T17:00:00' - interval '1 hour'", 1),
        ("at - timestamp '2026-11-09T10:00:00' > interval '7 hours'", 1),
        ("at - timestamp '2026-11-01T00:00:00' > interval '1 day'", 2),
        ("at - timestamp '2026-11-01T00:00:00' between interval '8 days' and interval '8 days 12 hours'", 1),
        ("at - timestamp '2026-11-01T10:00:00' in (interval '8 days', interval '5 hours')", 1),
        ("interval '1 day' < interval '25 hours' and name = 'a'", 1),
        ("interval '1 day' < at - timestamp '2026-11-01T00:00:00'", 2),
        ("day + interval '12 hours' > timestamp '2026-11-09T06:00:00'", 2),
        ("day - interval '12 hours' < timestamp '2026-11-09T06:00:00'", 4),
        ("day + interval '1 day' = date '2026-11-10'", 2),
        ("at + interval '500 microseconds' > at", 4),
        ("at + interval '1 hour' = timestamp '1970-01-01T00:30:00.0005'", 0),
        ("to_date(at) = day", 4),
        ("arrow_cast(at, 'Date32') = day", 4),
        ("arrow_cast(at, 'Int64') = -1800000", 1),
    ] {
        let query = format!("select count(*) from Ev where {condition}");
        assert_eq!(number(&made, &query).await.with_context(|| query.clone())?, expected, "{condition}");
        assert_eq!(made.graph.count(&main, &key, Some(condition)).await?, u64::try_from(expected)?, "{condition}");
    }
    let within = |hours: u32| {
        format!(
            "select max(n) from (select count(*) over (order by at range between interval '{hours} hours' preceding and \
             current row) as n from Ev)"
        )
    };
    for (query, expected) in [
        ("select (max(at) - min(at))::bigint from Ev", 2_099_029_151_000_000),
        ("select count(*) from (select at::date from Ev group by at::date)", 3),
        ("select max(n) from (select count(*) over (order by at) as n from Ev)", 4),
        (
            "select (extract(epoch from at - (at - interval '1 hour 300 milliseconds')) * 10)::bigint from Ev limit 1",
            36_003,
        ),
        (
            "select max(a + b) from (select count(*) over (order by at) as a, count(*) over (order by at rows 1 preceding) as b from Ev)",
            6,
        ),
        (
            "select sum(d)::bigint from (select at - timestamp '2026-11-09T10:00:00' as d from Ev where name in ('c', 'd'))",
            27_551_000_000,
        ),
        (
            "select avg(d)::bigint from (select at - timestamp '2026-11-09T10:00:00' as d from Ev where name in ('c', 'd'))",
            13_775_500_000,
        ),
        (&within(7), 1),
        (&within(8), 2),
    ] {
        assert_eq!(number(&made, query).await.with_context(|| query.to_owned())?, expected, "{query}");
    }
    for condition in [
        "at - timestamp '2026-11-01T00:00:00' > interval '1 month'",
        "at - timestamp '2026-11-01T00:00:00' = interval '3 months 1 day'",
    ] {
        let query = format!("select count(*) from Ev where {condition}");
        let errors = [
            number(&made, &query).await.expect_err(&query),
            made.graph.count(&main, &key, Some(condition)).await.expect_err(condition),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{condition}");
            let said = format!("{:#}", anyhow::Error::from(error));
            assert!(said.contains("without months"), "{condition}: {said}");
        }
    }
    // A hundred times 100 years are more than 292 years, in nanoseconds.
    let long = "select sum(now()::timestamp - timestamp '1926-01-01') from (values (1)) v(x), generate_series(1, 100)";
    assert_eq!(number(&made, long).await.expect_err(long).kind(), ErrorKind::Invalid);
    let (computed, expected): (_, Value) = (
        "select at + interval '90 minutes' as later from Ev where name = 'c'",
        json!([{"later": "2026-11-09T19:09:11"}]),
    );
    assert_eq!(rows_of(&made, computed).await?, expected);
    Ok(())
}

/// A part of a difference is how many of its units the whole difference has.
#[tokio::test]
async fn parts_of_differences_are_whole_or_refused() -> Result<()> {
    let made = TestGraph::new("node Ev { name: String @key  at: DateTime? }\n").await?;
    let records = "{\"type\":\"Ev\",\"data\":{\"name\":\"a\",\"at\":\"2026-11-09T17:39:11Z\"}}\n";
    made.load(LoadMode::Append, "main", records).await?;
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let key = "node:Ev".parse()?;
    for (part, span, expected) in [
        ("epoch", "90 seconds", 90),
        ("epoch", "400 years", 12_622_780_800),
        ("second", "90 seconds 900 milliseconds", 90),
        ("s", "90 seconds", 90),
        ("seconds", "61 minutes", 3_660),
        ("minute", "61 minutes 30 seconds", 61),
        ("hour", "25 hours", 25),
        ("day", "49 hours", 2),
        ("week", "15 days", 2),
        ("minute", "4000 years", 2_103_796_800),
        ("millisecond", "10 seconds 300 milliseconds", 10_300),
        ("ms", "2 seconds 999 milliseconds", 2_999),
        ("microsecond", "10 seconds 300 milliseconds", 10_300_000),
        ("nanosecond", "1 second 500 milliseconds", 1_500_000_000),
        ("nanosecond", "3 hours", 10_800_000_000_000),
    ] {
        for (expression, expected) in [
            (format!("date_part('{part}', at - (at - interval '{span}'))"), expected),
            (format!("date_part('{part}', (at - interval '{span}') - at)"), -expected),
        ] {
            let query = format!("select ({expression})::bigint from Ev");
            assert_eq!(number(&made, &query).await.with_context(|| query.clone())?, expected, "{query}");
            let condition = format!("{expression} = {expected}");
            assert_eq!(made.graph.count(&main, &key, Some(&condition)).await?, 1, "{condition}");
        }
    }
    let fraction = "select extract(epoch from at - (at - interval '1 hour 300 milliseconds')) as s from Ev";
    assert_eq!(rows_of(&made, fraction).await?, json!([{"s": 3_600.3}]));
    for refused in [
        "second from at - (at - interval '100 years')",
        "microsecond from at - (at - interval '1 hour')",
        "millisecond from interval '10 seconds 300 milliseconds'",
    ] {
        let query = format!("select extract({refused})::bigint from Ev");
        assert_eq!(number(&made, &query).await.expect_err(&query).kind(), ErrorKind::Invalid, "{query}");
    }
    Ok(())
}
