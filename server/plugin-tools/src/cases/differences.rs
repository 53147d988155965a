//! Where two JSON values differ, in words.

use serde_json::Value;

/// The most differences that are told.
const MOST: usize = 8;
/// The longest value that is told, in characters.
const LONGEST: usize = 200;

/// Every place in which a value is not what was expected, each as
/// `body /from: expected "a", and it is "b"`.
pub(crate) fn differences(what: &str, expected: &Value, actual: &Value) -> Vec<String> {
    let mut told = Vec::new();
    compare(what, "", (expected, actual), &mut told);
    if MOST < told.len() {
        let more = told.len() - MOST;
        told.truncate(MOST);
        told.push(format!("{what}: and {more} more"));
    }
    told
}

fn compare(what: &str, place: &str, pair: (&Value, &Value), told: &mut Vec<String>) {
    match pair {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected {
                let there = actual.get(name).unwrap_or(&Value::Null);
                compare(what, &format!("{place}/{name}"), (value, there), told);
            }
            for (name, value) in actual.iter().filter(|it| !expected.contains_key(it.0)) {
                compare(what, &format!("{place}/{name}"), (&Value::Null, value), told);
            }
        }
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            for (at, pair) in expected.iter().zip(actual).enumerate() {
                compare(what, &format!("{place}/{at}"), pair, told);
            }
        }
        (expected, actual) if expected != actual => {
            let at = if place.is_empty() { String::new() } else { format!(" {place}") };
            told.push(format!(
                "{what}{at}: expected {}, and it is {}",
                shown(expected),
                shown(actual)
            ));
        }
        _ => {}
    }
}

/// A value on one line.
pub(crate) fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_told_by_its_place() {
        let expected = json!({ "a": [1, { "b": "x" }], "gone": 1 });
        let actual = json!({ "a": [1, { "b": "y" }], "new": true });
        assert_eq!(
            differences("body", &expected, &actual),
            [
                "body /a/1/b: expected \"x\", and it is \"y\"",
                "body /gone: expected 1, and it is null",
                "body /new: expected null, and it is true",
            ]
        );
        assert_eq!(
            differences("it", &json!([1]), &json!([1, 2])),
            ["it: expected [1], and it is [1,2]"]
        );
        assert!(differences("it", &expected, &expected).is_empty());
        let long = json!("x".repeat(500));
        assert!(differences("it", &Value::Null, &long)[0].chars().count() < 250);
        let many = json!(vec![1; 20]);
        assert_eq!(differences("it", &many, &json!(vec![2; 20])).len(), MOST + 1);
    }
}
