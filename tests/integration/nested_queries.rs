//! Queries that the query engine alone would get wrong: answered right, or refused.

use anyhow::{Context, Result};
use stratigraph_engine::{At, ErrorKind};
use stratigraph_tests::graph::branch;

use crate::long_queries::{number, people};

#[tokio::test]
async fn equal_tables_inside_one_another_are_computed_each() -> Result<()> {
    let made = people().await?;
    let within = |first: &str, next: &str, length: i64| {
        (0..length).fold(first.to_owned(), |inner, _| next.replace("INNER", &format!("({inner})")))
    };
    let first = "select age from Person";
    for length in 1..7 {
        for next in [
            "select age + 1 as age from INNER",
            "select age + 1 as age from INNER where age > -5",
            "select age + 1 as age from INNER order by age desc limit 10",
            "select age from (select age + 1 as age from INNER)",
            "select * from (select age + 1 as age from INNER) where age < 1000",
            "select age + 1 as age from (select age from INNER)",
            "(select age + 1 as age from INNER) union all (select age + 1 as age from INNER limit 0)",
            "select age + 1 as age from INNER t",
            "select * replace (age + 1 as age) from INNER",
            "select distinct age + 1 as age from INNER",
            "select age + 1 as age from (values (0)) v(zero), lateral INNER",
            "select age + one as age from INNER cross join (select 1 as one)",
        ] {
            let query = within(first, next, length);
            let found =
                number(&made, &format!("select max(age) from ({query})")).await.with_context(|| query.clone())?;
            assert_eq!(found, 9 + length, "{query}");
        }
        let query = within("select 1 as a, 2 as b", "select b as a, a as b from INNER", length);
        assert_eq!(number(&made, &format!("select a from ({query})")).await?, 1 + length % 2, "{query}");
    }
    // Columns of a table without a name can be called by the table that they come from, and two can have one name.
    for query in [
        "select max(Person.age) from (select Person.age from Person)",
        "select max(Person.age) from (select Person.age, more + 1 as more from (select Person.age, age + 1 as more from Person))",
        "select count(*) - 1 from (select p.name, q.name, x + 1 as x from (select 1 as x), Person p join Person q on p.name = q.name)",
    ] {
        assert_eq!(number(&made, query).await.with_context(|| query.to_owned())?, 9, "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn membership_in_a_query_is_answered_where_its_null_counts_or_refused() -> Result<()> {
    let made = people().await?;
    for (condition, expected) in [
        ("name not in (select name from Person where age > 6)", 7),
        ("not (name in (select name from Person where age > 6))", 7),
        ("age not in (select age from Person where age is not null and age > 6)", 7),
        ("age not in (select distinct age as a from Person where age > 6) and age > 2", 4),
        ("age in (select nullif(age, 3) from Person)", 9),
        ("age not in (select nullif(age, 3) from Person)", 0),
        ("not (age in (select nullif(age, 3) from Person))", 0),
        ("age not in (select age from Person where age > 6)", 7),
        ("age in (select nullif(age, 3) from Person) or name = 'p3'", 10),
        ("name not in (select name from Person where age > 6) or name = 'p9'", 8),
        ("not exists (select 1 from Person q where q.age = p.age and q.age > 6) or name = 'p9'", 8),
        ("not exists (select 1 from Person q where nullif(q.age, 3) = p.age) and age < 5", 1),
        ("coalesce(age, -1) not in (select age from Person where age > 6) or name = 'p9'", 8),
        ("p.name in (select q.name from Person q where q.age = p.age and q.age > 6)", 3),
        ("'p5' in (select q.name from Person q where q.age = p.age)", 1),
        ("'p5' not in (select name from Person where age > 6) and age > 2", 7),
        ("(select count(*) from Person q where q.age = p.age + 1) = 0 and age > 7", 1),
        ("exists (select q.age from Person q where q.age = p.age group by q.age)", 10),
        ("exists (select 1 from Person q where q.age = p.age and q.age > (select avg(age) from Person))", 5),
        ("exists (select count(*) from Person where age > 20)", 10),
    ] {
        let found = number(&made, &format!("select count(*) from Person p where {condition}")).await;
        assert_eq!(found.with_context(|| condition.to_owned())?, expected, "{condition}");
    }
    for condition in [
        "5 not in (select nullif(age, 1) from Person where name = 'p1')",
        "not ('p5' in (select nullif(name, 'p1') from Person))",
        "nullif(1, 1) not in (select age from Person)",
        "null not in (select name from Person) and age > 2",
        "5 not in (select null)",
        "age not in (select nullif(age, 3) from Person) and age > 2",
        "not (age in (select nullif(age, 3) from Person)) and name <> 'p1'",
        "age not in (select age from Person where name <> 'p1') and age > 2",
        "age not in (select age from Person where age > 3) or name = 'p1'",
        "name not in (select nullif(name, 'p1') from Person) or name = 'p1'",
        "not (age in (select age from Person) and name = 'p1')",
        "(age in (select age from Person)) is null",
        "case when age in (select age from Person) then false else true end",
    ] {
        let error =
            number(&made, &format!("select count(*) from Person where {condition}")).await.expect_err(condition);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{condition}: {error}");
        assert!(error.to_string().contains("forgets the NULL"), "{condition}: {error}");
    }
    let test = "age not in (select nullif(age, 3) from Person)";
    for query in [
        format!("select count(*) from (select age from Person where {test}) where age > 2"),
        format!("select count(*) from Person p join Person q on p.age = q.age where p.{test}"),
    ] {
        let error = number(&made, &query).await.expect_err(&query);
        assert!(error.to_string().contains("forgets the NULL"), "{query}: {error}");
    }
    let counted = "select count(*) from (select age from Person group by age having count(*) not in (select nullif(age, 3) from Person) or age = 1)";
    let error = number(&made, counted).await.unwrap_err();
    assert!(error.to_string().contains("forgets the NULL"), "{error}");
    Ok(())
}

#[tokio::test]
async fn what_the_query_engine_gets_wrong_of_queries_that_name_outer_columns_is_refused() -> Result<()> {
    let made = people().await?;
    for (condition, told) in [
        ("'p5' not in (select q.name from Person q where q.age = p.age)", "names columns of the outer one"),
        ("p.age not in (select q.age from Person q where q.age = p.age)", "names columns of the outer one"),
        (
            "not (p.age in (select q.age from Person q where q.name = p.name)) and p.age > 2",
            "names columns of the outer one",
        ),
        (
            "p.name not in (select q.name from Person q where q.age = p.age) or p.age > 2",
            "names columns of the outer one",
        ),
        ("exists (select count(*) from Person q where q.age > p.age)", "aggregate without GROUP BY"),
        ("not exists (select count(*) from Person q where q.age = p.age)", "aggregate without GROUP BY"),
        ("exists (select count(*) from Person q where q.age = p.age) and age > 7", "aggregate without GROUP BY"),
        ("0 in (select count(*) from Person q where q.age = p.age)", "aggregate without GROUP BY"),
        (
            "exists (select 1 from (select count(*) n from Person q where q.age = p.age) c where c.n = 0)",
            "aggregate without GROUP BY",
        ),
        (
            "exists (select max(q.age) from Person q where q.age = p.age having count(*) = 0)",
            "aggregate without GROUP BY",
        ),
    ] {
        let query = format!("select count(*) from Person p where {condition}");
        let error = number(&made, &query).await.expect_err(condition);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{condition}: {error}");
        assert!(error.to_string().contains(told), "{condition}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_function_that_gives_up_is_a_fault_of_the_query() -> Result<()> {
    let made = people().await?;
    let large = "array_length(array_repeat(1, 9223372036854775807))";
    for query in [
        format!("select {large}"),
        format!("select {large} from Person"),
        format!("select count(*) from Person where {large} > age"),
        "select count(*) from Person where array_length(array_repeat(age, 9223372036854775807)) > 1".to_owned(),
    ] {
        let error = number(&made, &query).await.expect_err(&query);
        assert_eq!(error.kind(), ErrorKind::Invalid, "{query}: {error}");
        let said = format!("{:#}", anyhow::Error::from(error));
        assert!(!said.contains("bytes contradict") && !said.contains("task "), "{query}: {said}");
    }
    Ok(())
}

#[tokio::test]
async fn what_follows_is_distinct_from_is_not_its_right_side() -> Result<()> {
    let made = people().await?;
    let main = made.graph.snapshot(&At::Branch(branch("main"))).await?;
    let key = "node:Person".parse()?;
    for condition in [
        "age is distinct from 3 and age > 2",
        "age > 3 is not distinct from true and age > 2",
        "age > 3 is distinct from false or age > 2",
        "(name = 'x' or age > 3 is distinct from false and age > 7)",
        "age > 3 is distinct from true is null",
    ] {
        let query =
            number(&made, &format!("select count(*) from Person where {condition}")).await.expect_err(condition);
        let read = made.graph.count(&main, &key, Some(condition)).await.expect_err(condition);
        for error in [query, read] {
            assert_eq!(error.kind(), ErrorKind::Invalid, "{condition}");
            let said = format!("{:#}", anyhow::Error::from(error));
            assert!(said.contains("without parentheses"), "{condition}: {said}");
        }
    }
    for (condition, expected) in [
        ("(age is distinct from 3) and age > 2", 6),
        ("age > 2 and age is distinct from 3", 6),
        ("age is distinct from 1 + 2", 9),
    ] {
        assert_eq!(
            number(&made, &format!("select count(*) from Person where {condition}")).await?,
            expected,
            "{condition}"
        );
        assert_eq!(made.graph.count(&main, &key, Some(condition)).await?, u64::try_from(expected)?, "{condition}");
    }
    Ok(())
}
