//! How column names are rewritten.

use std::collections::HashSet;

use super::config::{Case, ColumnKeys};

/// The new name of every column, and what is worth a warning.
pub(super) fn rewrite(names: &[&str], rules: &ColumnKeys) -> (Vec<String>, Vec<String>) {
    let plain: Vec<String> = names.iter().map(|name| one(name, rules)).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut warnings = Vec::new();
    let mut unique: Vec<String> = Vec::with_capacity(plain.len());
    for (index, name) in plain.iter().enumerate() {
        let mut candidate = name.clone();
        let mut number = 0_u32;
        // A later column that is called `x_1` by itself keeps its name: the number moves on.
        while taken.contains(&candidate) || (number > 0 && plain[index + 1..].contains(&candidate))
        {
            number += 1;
            candidate = format!("{name}_{number}");
        }
        if number > 0 {
            warnings.push(format!(
                "polish: the column `{}` would be called `{name}` as another is already: it is \
                 called `{candidate}`",
                names[index]
            ));
        }
        taken.insert(candidate.clone());
        unique.push(candidate);
    }
    (unique, warnings)
}

fn one(name: &str, rules: &ColumnKeys) -> String {
    let mut new = name.to_owned();
    if rules.remove_special {
        new = remove_special(&new);
    }
    if rules.remove_spaces {
        new = new.replace(' ', "");
    }
    if let Some(case) = rules.case {
        new = in_case(&new, case);
    }
    if new.is_empty() { name.to_owned() } else { new }
}

/// `Effective-Date (UTC)` becomes `Effective-Date UTC`.
fn remove_special(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    let mut inside: Vec<&str> = Vec::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        if first == '('
            && let Some(end) = rest.find(')')
        {
            inside.extend(rest[1..end].split_whitespace());
            kept.truncate(kept.trim_end().len());
            rest = &rest[end + 1..];
            continue;
        }
        if first.is_ascii_alphanumeric() || first.is_whitespace() || first == '_' || first == '-' {
            kept.push(first);
        }
        rest = &rest[first.len_utf8()..];
    }
    let mut kept = kept.trim().to_owned();
    if !inside.is_empty() {
        kept.push(' ');
        kept.push_str(&inside.join(" "));
    }
    kept
}

/// A name with its words joined in `case`; as it was when it has no words.
pub(super) fn in_case(name: &str, case: Case) -> String {
    let words = words(name);
    if words.is_empty() {
        return name.to_owned();
    }
    match case {
        Case::Pascal => words.iter().map(|word| capitalized(word)).collect(),
        Case::Camel => words
            .iter()
            .enumerate()
            .map(|(index, word)| if index == 0 { word.to_lowercase() } else { capitalized(word) })
            .collect(),
        Case::Snake => words.iter().map(|word| word.to_lowercase()).collect::<Vec<_>>().join("_"),
    }
}

/// Splits at spaces, `_`, `-` and the humps of camel case: `XMLParser` is `XML` and `Parser`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut spaced = String::with_capacity(name.len() + 8);
    for (index, &letter) in letters.iter().enumerate() {
        if matches!(letter, '_' | '-') {
            spaced.push(' ');
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(index + 1);
        let hump = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase()
                        && after.is_some_and(|after| after.is_ascii_lowercase()))
            });
        if hump {
            spaced.push(' ');
        }
        spaced.push(letter);
    }
    spaced.split_whitespace().map(str::to_owned).collect()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => {
            first.to_uppercase().chain(letters.as_str().to_lowercase().chars()).collect()
        }
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(remove_special: bool, remove_spaces: bool, case: Option<Case>) -> ColumnKeys {
        ColumnKeys { remove_special, remove_spaces, case }
    }

    #[test]
    fn words_end_at_separators_and_humps() {
        for (name, expected) in [
            ("EmployeeNumber", "Employee Number"),
            ("XMLParser", "XML Parser"),
            ("HTTPSConnection", "HTTPS Connection"),
            ("employeeNumber", "employee Number"),
            ("XMLHTTPRequest", "XMLHTTP Request"),
            ("order-line_no 2", "order line no 2"),
            ("A1B", "A1B"),
            ("__x__", "x"),
        ] {
            assert_eq!(words(name).join(" "), expected);
        }
    }

    #[test]
    fn cases_join_words() {
        assert_eq!(in_case("employee number", Case::Pascal), "EmployeeNumber");
        assert_eq!(in_case("XMLParser", Case::Pascal), "XmlParser");
        assert_eq!(in_case("Employee Number", Case::Camel), "employeeNumber");
        assert_eq!(in_case("Employee-Number", Case::Snake), "employee_number");
        assert_eq!(in_case("__", Case::Snake), "__");
    }

    #[test]
    fn parentheses_move_to_the_end() {
        let special = rules(true, false, None);
        assert_eq!(one("Effective-Date (UTC)", &special), "Effective-Date UTC");
        assert_eq!(one("Price ($ net) total%", &special), "Price total $ net");
        assert_eq!(one("a(b", &special), "ab");
        assert_eq!(one("Størrelse", &special), "Strrelse");
        assert_eq!(one("%%", &special), "%%");
        let all = rules(true, true, Some(Case::Snake));
        assert_eq!(one("Effective-Date (UTC)", &all), "effective_date_utc");
    }

    #[test]
    fn equal_names_are_numbered_around_those_that_exist() {
        let (names, warnings) = rewrite(&["a b", "aB", "A-B", "ab_1"], &rules(true, true, None));
        assert_eq!(names, ["ab", "aB", "A-B", "ab_1"]);
        assert!(warnings.is_empty());
        let (names, warnings) = rewrite(&["a b", "ab", "a  b", "ab_1"], &rules(false, true, None));
        assert_eq!(names, ["ab", "ab_2", "ab_3", "ab_1"]);
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].contains("`ab_2`"));
    }
}
