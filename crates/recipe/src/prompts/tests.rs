//! The cases T01 to T07, hostile templates, and properties of rendering.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn case_folder(id: &str) -> PathBuf {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/template");
    std::fs::read_dir(cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(id))
        .unwrap()
}

/// What the case says, and its templates and variables, ready to render.
struct Case {
    expected: serde_json::Value,
    prompts: Prompts,
    variables: BTreeMap<&'static str, Value>,
}

fn case(id: &str) -> Case {
    let folder = case_folder(id);
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let case: serde_json::Value = serde_json::from_str(&read(folder.join("case.json"))).unwrap();
    let mut sources = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join("templates")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        sources.insert(name, read(path));
    }
    let mut variables = BTreeMap::new();
    if let Ok(text) = std::fs::read_to_string(folder.join("vars.json")) {
        let given: BTreeMap<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        for (name, value) in given {
            let name: &'static str = name.leak();
            variables.insert(name, Value::from_serialize_json(&value));
        }
    }
    Case {
        expected: case["expected"].clone(),
        prompts: Prompts::compile_sources("case", sources).unwrap(),
        variables,
    }
}

trait FromJson {
    fn from_serialize_json(value: &serde_json::Value) -> Value;
}

impl FromJson for Value {
    fn from_serialize_json(value: &serde_json::Value) -> Value {
        Value::from(minijinja::value::Serde(value))
    }
}

fn must_mention(case: &Case, template: &str) -> String {
    assert_eq!(case.expected["outcome"], "error");
    let error = case
        .prompts
        .render(template, &case.variables)
        .err()
        .unwrap_or_else(|| panic!("{template} rendered"));
    let text = error.to_string();
    for mention in case.expected["must_mention"].as_array().unwrap() {
        let mention = mention.as_str().unwrap();
        assert!(text.contains(mention), "{mention:?} is not in {text}");
    }
    text
}

#[test]
fn t01_an_include_outside_the_folder_is_refused() {
    let error = must_mention(&case("T01"), "main.j2");
    assert!(!error.contains("TOP-SECRET-MARK"));
    assert!(error.starts_with("case/main.j2:2:"), "{error}");
}

#[test]
fn t02_recursion_ends_at_a_limit() {
    let case = case("T02");
    for template in ["loop.j2", "macro.j2"] {
        let start = Instant::now();
        must_mention(&case, template);
        assert!(start.elapsed() < Duration::from_secs(2), "{template}");
    }
}

/// Promise R-31.
#[test]
fn t04_an_undefined_variable_is_named_with_file_and_line() {
    let error = must_mention(&case("T04"), "p.j2");
    assert!(error.contains("did you mean `behavior`?"), "{error}");
    assert!(error.starts_with("case/p.j2:1:39: "), "{error}");
}

#[test]
fn t05_nothing_is_escaped_whatever_the_name() {
    let case = case("T05");
    let expected = case.expected["each_rendered"].as_str().unwrap();
    assert_eq!(case.prompts.names(), ["p.html", "p.j2", "p.txt"]);
    for template in case.prompts.names() {
        assert_eq!(
            case.prompts
                .render(template, &case.variables)
                .unwrap()
                .whole,
            expected
        );
    }
    let files = BTreeMap::from([("p.html.j2".to_owned(), "{{ s }}".to_owned())]);
    let prompts = Prompts::compile("case", &files).unwrap();
    let variables = BTreeMap::from([("s", Value::from("<&>\"'"))]);
    assert_eq!(
        prompts.render("p.html.j2", &variables).unwrap().whole,
        "<&>\"'"
    );
}

#[test]
fn t06_values_are_rendered_once() {
    let case = case("T06");
    let rendered = case.prompts.render("p.j2", &case.variables).unwrap().whole;
    assert_eq!(rendered, case.expected["rendered"].as_str().unwrap());
}

#[test]
fn t07_not_a_byte_is_trimmed_or_added() {
    let case = case("T07");
    let p = case.prompts.prompt("p.j2", &case.variables).unwrap();
    let q = case.prompts.prompt("q.j2", &case.variables).unwrap();
    for (prompt, key) in [(&p, "rendered_p"), (&q, "rendered_q")] {
        let expected = case.expected[key].as_str().unwrap().to_owned();
        assert_eq!(*prompt, chat(None, expected, String::new()));
    }
    assert_eq!(case.expected["keys_differ"], p.hash() != q.hash());
}

fn compile(text: &str) -> Result<Prompts, RecipeError> {
    let files = BTreeMap::from([("t.j2".to_owned(), text.to_owned())]);
    Prompts::compile("k", &files)
}

fn prompt(text: &str, value: &str) -> Result<Prompt, RecipeError> {
    compile(text)?.prompt("t.j2", &BTreeMap::from([("v", Value::from(value))]))
}

#[test]
fn blocks_become_roles_byte_for_byte() {
    let text = "{# note #}\n{% block system %} S {% endblock %}\n{%- block user -%}\nU {{ v }}\n\
                {%- endblock %}{% block opening %}- {% endblock %}\n";
    let Prompt::Chat { messages, opening } = prompt(text, "x").unwrap() else {
        panic!("no conversation");
    };
    assert_eq!(opening, "- ");
    let turns: Vec<(Role, &str)> = messages
        .iter()
        .map(|message| (message.role, message.content.as_str()))
        .collect();
    assert_eq!(turns, [(Role::System, " S "), (Role::User, "U x")]);
    assert_eq!(
        prompt("{% block text %}a\n{% endblock %}", "").unwrap(),
        Prompt::Text("a\n".to_owned())
    );
    let empty_system = prompt(
        "{% block system %}{% endblock %}{% block user %}u{% endblock %}",
        "",
    );
    assert_eq!(
        empty_system.unwrap(),
        chat(None, "u".to_owned(), String::new())
    );
}

#[test]
fn what_no_model_would_see_is_refused() {
    for (text, mention) in [
        ("lost {% block user %}u{% endblock %}", "outside the blocks"),
        (
            "{% if v %}{% block system %}s{% endblock %}{% endif %}{% block user %}u{% endblock %}",
            "condition",
        ),
        ("{% block system %}s{% endblock %}", "no `user` block"),
        ("{% block opening %}s{% endblock %}", "no `user` block"),
        (
            "{% block text %}s{% endblock %}{% block user %}u{% endblock %}",
            "cannot stand beside",
        ),
        (
            "{% block user %}{{ self.other() }}{% endblock %}",
            "'other'",
        ),
        ("{% block user %}{{ w }}{% endblock %}", "`w` in line 1"),
    ] {
        let error = prompt(text, "").unwrap_err().to_string();
        assert!(error.contains(mention), "{mention:?} is not in {error}");
    }
}

#[test]
fn a_fault_in_an_included_template_is_shown_where_it_stands() {
    let files = [
        ("a.j2", "x\n{% include \"b.j2\" %}"),
        ("b.j2", "y\nz {{ missing }}"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()));
    let prompts = Prompts::compile("k", &BTreeMap::from(files)).unwrap();
    let error = prompts.render("a.j2", &BTreeMap::new()).err().unwrap();
    assert!(error.to_string().starts_with("k/b.j2:2:6: "), "{error}");
    assert!(error.to_string().contains("`missing` in line 2"), "{error}");
    let error = prompts.render("c.j2", &BTreeMap::new()).err().unwrap();
    assert!(error.to_string().contains("no template `c.j2`"), "{error}");
}

/// Templates that try to use up stack, time or memory.
fn hostile() -> Vec<String> {
    const LONG: usize = 100_000;
    const FITTING: usize = 8_000;
    let fitting = |unit: &str| unit.repeat(FITTING);
    let repeat = |unit: &str| unit.repeat(LONG);
    let looped = |body: &str| {
        format!(
            "{{% for a in range(9000) %}}{{% for b in range(9000) %}}{body}{{% endfor %}}{{% endfor %}}"
        )
    };
    let blocks = |count: usize| -> String {
        (0..count)
            .map(|number| format!("{{% block b{number} %}}"))
            .collect()
    };
    let mut all = vec![
        format!("{{{{ {}1{} }}}}", repeat("("), repeat(")")),
        format!("{{{{ {}1{} }}}}", repeat("["), repeat("]")),
        format!("{{{{ {}1{} }}}}", repeat("{1:"), repeat("}")),
        format!("{{{{ v{} }}}}", repeat(".a")),
        format!("{{{{ v{} }}}}", repeat("[0]")),
        format!("{{{{ v{} }}}}", repeat("()")),
        format!("{{{{ v{} }}}}", repeat("|upper")),
        format!("{{{{ v{} }}}}", repeat(" is odd")),
        format!("{{{{ {}1{} }}}}", fitting("("), fitting(")")),
        format!("{{{{ {}1{} }}}}", "[".repeat(180), "]".repeat(180)),
        format!("{{{{ v{} }}}}", fitting("~v")),
        format!("{{{{ v{} }}}}", fitting(".a")),
        format!("{{{{ v{} }}}}", fitting("|upper")),
        fitting("{{"),
        fitting("{% if"),
        format!("{{% if 1 %}}{}", "{% if v %}".repeat(5_000)),
        "x\n".repeat(LONG),
        "x".repeat(LONG),
        format!("{{{{ {}1 }}}}", repeat("-")),
        format!("{{{{ {}1 }}}}", repeat("not ")),
        repeat("{% if 1 %}"),
        repeat("{% for a in [1] %}"),
        repeat("{% with a=1 %}"),
        repeat("{% autoescape false %}"),
        repeat("{% filter upper %}"),
        repeat("{% set a %}"),
        repeat("{{"),
        repeat("{%"),
        repeat("{#"),
        repeat("{% raw %}"),
        format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(5_000)),
        blocks(4_000),
        looped("x"),
        looped("{{ v }}"),
        looped("{% set a = v %}"),
        looped("{% if v %}{% endif %}"),
        looped("{{ range(9000)|list|length }}"),
        looped("{{ v|replace('a','b')|upper }}"),
        "{% include 't.j2' %}".to_owned(),
        "{% extends 't.j2' %}".to_owned(),
        "{% import 't.j2' as t %}{{ t.x() }}".to_owned(),
        "{% from 't.j2' import x %}".to_owned(),
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}".to_owned(),
        "{% macro m() %}{% for a in range(9) %}{{ m() }}{% endfor %}{% endmacro %}{{ m() }}"
            .to_owned(),
        "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}{{ m() }}{% endcall %}"
            .to_owned(),
        "{% block a %}{{ self.a() }}{% endblock %}".to_owned(),
        "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}".to_owned(),
        "{{ 'a' * 9999999999 }}".to_owned(),
        "{{ [1] * 9999999999 }}".to_owned(),
        "{{ range(9999999999) }}".to_owned(),
        "{{ range(90000)|list|list|tojson }}".to_owned(),
        "{{ ('%999999999s' % v)|length }}".to_owned(),
        "{{ v|center(999999999) }}".to_owned(),
        "{{ v|indent(999999999) }}{{ 1/0 }}".to_owned(),
        "{{ 9 ** 999999999 }}".to_owned(),
        "{{ 'x' * 2000000 }}".to_owned(),
        "{% set a = 'x' * 1000000 %}{{ a ~ a }}".to_owned(),
        "{% set n = namespace(x=1) %}{% for i in range(90000) %}{% set n.x = [n.x] %}{% endfor %}"
            .to_owned(),
        "{{ debug() }}".to_owned(),
        "{{ dict(a=namespace()) }}".to_owned(),
        "{{ v.__class__.__mro__ }}".to_owned(),
        "{{ v.format(v) }}".to_owned(),
        "{% include '/etc/passwd' %}".to_owned(),
        "{% include ['../a', 't'] %}".to_owned(),
    ];
    all.sort();
    all.dedup();
    all
}

/// Promise R-33.
#[test]
fn hostile_templates_end_soon_with_an_error() {
    let all = hostile();
    assert!(all.len() >= 50, "{}", all.len());
    for text in all {
        let start: String = text.chars().take(80).collect();
        let began = Instant::now();
        let outcome = prompt(&text, "value");
        let took = began.elapsed();
        assert!(outcome.is_err(), "no error from {start}");
        assert!(took < Duration::from_secs(1), "{took:?} for {start}");
    }
}

#[test]
fn the_longest_chains_that_are_allowed_compile_and_render_in_a_small_stack() {
    let chains = [
        format!("{{{{ v{} }}}}", "~v".repeat(199)),
        format!("{{{{ v{} }}}}", "|upper".repeat(199)),
        format!("{{{{ {}1 }}}}", "-".repeat(140)),
        format!("{{{{ {}1{} }}}}", "[".repeat(60), "]".repeat(60)),
        format!(
            "{{% if v == 'no' %}}{}{{% endif %}}",
            "{% elif v == 'no' %}".repeat(100)
        ),
        format!("{}x{}", "{% if v %}".repeat(60), "{% endif %}".repeat(60)),
    ];
    let work = move || {
        for text in chains {
            let start: String = text.chars().take(40).collect();
            prompt(&text, "value").unwrap_or_else(|error| panic!("{start}: {error}"));
        }
    };
    let thread = thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(work)
        .unwrap();
    thread.join().unwrap();
}

#[test]
fn the_deepest_value_that_can_be_built_is_printed_compared_and_freed() {
    assert!(
        prompt("{{ v|pprint }}", "").is_err(),
        "its output grows with the square of the depth"
    );
    let wraps = format!("{{% set a = {}a{} %}}", "[".repeat(50), "]".repeat(50)).repeat(37);
    for last in [
        "{{ a }}",
        "{{ a == a }}",
        "{{ a|string|length }}",
        "{{ a ~ a }}",
        "{{ [a]|unique|list }}",
        "{{ [a, a]|sort }}",
        "x",
    ] {
        // The deepest recursion of macros that the limit allows is looked for from above.
        let deepest = (1..=16).rev().find(|depth| {
            let text = format!(
                "{{% macro m(a, n) %}}{wraps}{{% if n %}}{{{{ m(a, n - 1) }}}}{{% else %}}{last}\
                 {{% endif %}}{{% endmacro %}}{{{{ m(1, {depth}) }}}}"
            );
            match prompt(&text, "value") {
                Ok(_) => true,
                Err(error) => !error.to_string().contains("recursion limit"),
            }
        });
        eprintln!("{last}: {deepest:?}");
        assert!(deepest >= Some(8), "{last}: {deepest:?}");
    }
}

/// Ways to spell a path that should not be reached, around a target.
fn spellings() -> Vec<String> {
    let ups = [
        "..", "../..", "./..", "x/../..", "..//..", "...", "%2e%2e", "..%2f..", "．．", ".. ",
        " ..",
    ];
    let joins = ["/", "//", "\\", "/./", "%2f", "\u{2215}", "/\u{0}"];
    let heads = [
        "",
        "/",
        "./",
        "~/",
        "C:\\",
        "file:///",
        "\\\\host\\",
        "gold/",
        "//",
        "t.j2/",
    ];
    let targets = ["secret.j2", "etc/passwd"];
    let mut all = Vec::new();
    for head in heads {
        for up in ups {
            for join in joins {
                for target in targets {
                    all.push(format!("{head}{up}{join}{target}"));
                }
            }
        }
    }
    all
}

/// Promise R-32.
#[test]
fn no_spelling_of_a_path_reads_outside_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.j2"), "TOP-SECRET-MARK").unwrap();
    let kind = outside.path().join("kind");
    std::fs::create_dir_all(kind.join("gold")).unwrap();
    let mut all = spellings();
    all.push(outside.path().join("secret.j2").display().to_string());
    assert!(all.len() > 1000);
    let text = "{% include v %}";
    std::fs::write(kind.join("t.j2"), text).unwrap();
    let folder = crate::read_kind_folder(&kind).unwrap();
    let prompts = Prompts::compile("kind", &folder.files).unwrap();
    for path in all {
        let variables = BTreeMap::from([("v", Value::from(path.as_str()))]);
        let error = prompts
            .render("t.j2", &variables)
            .err()
            .unwrap_or_else(|| panic!("{path:?}"));
        assert!(!error.to_string().contains("TOP-SECRET-MARK"), "{path:?}");
    }
}

/// Promise R-30: whatever the template's name and whatever the value, it comes through byte for byte, in one rendering
/// of many as in many of one.
#[test]
fn r30_a_hundred_thousand_texts_come_through_byte_for_byte() {
    const SPECIAL: [&str; 16] = [
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{{ v }}",
        "<",
        ">",
        "&",
        "\"",
        "'",
        "\\",
        "\r\n",
        "\u{0}",
        "<|im_end|>",
    ];
    // A linear congruential generator (Knuth's constants): any will do, so long as it is always the same.
    let mut state = 30_u64;
    let mut next = move |below: u32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from(state >> 33).unwrap() % below
    };
    let texts: Vec<String> = (0..100_000)
        .map(|_| {
            (0..next(12))
                .map(|_| match next(3) {
                    0 => SPECIAL[next(16) as usize].to_owned(),
                    1 => char::from_u32(next(0x80)).unwrap().to_string(),
                    _ => char::from_u32(next(0x11_0000))
                        .unwrap_or('\u{d7ff}')
                        .to_string(),
                })
                .collect()
        })
        .collect();
    let variables: Vec<_> = texts
        .iter()
        .map(|text| BTreeMap::from([("v", Value::from(text.as_str()))]))
        .collect();
    for name in ["p.html.j2", "p.txt.j2"] {
        let files = BTreeMap::from([(
            name.to_owned(),
            "{% block system %}{{ v }}{% endblock %}{% block user %}<{{ v }}>\n{% endblock %}"
                .to_owned(),
        )]);
        let prompts = Prompts::compile("k", &files).unwrap();
        let rendered = prompts.render_all(name, &variables).unwrap();
        assert_eq!(rendered.len(), texts.len());
        for (text, rendered) in texts.iter().zip(rendered) {
            let expected = chat(Some(text.clone()), format!("<{text}>\n"), String::new());
            assert_eq!(prompts.prompt_of(name, rendered).unwrap(), expected);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_value_comes_through_byte_for_byte(value in any::<String>()) {
        let text = "{% block system %}{{ v }}{% endblock %}{% block user %}<{{ v }}>\n{% endblock %}";
        let expected = chat(Some(value.clone()), format!("<{value}>\n"), String::new());
        prop_assert_eq!(prompt(text, &value).unwrap(), expected);
    }

    #[test]
    fn template_like_values_come_through_too(parts in prop::collection::vec(
        prop::sample::select(vec!["{{", "}}", "{%", "%}", "{#", "#}", " ", "\n", "\r\n", "x", "v", "'", "\"", "-", "\\", "<", "&", "<|im_end|>", "é", "\u{0}"]), 0..40)
    ) {
        let value = parts.concat();
        prop_assert_eq!(prompt("{{ v }}", &value).unwrap(), chat(None, value, String::new()));
    }

    #[test]
    fn any_template_text_ends_without_a_panic(parts in prop::collection::vec(
        prop::sample::select(vec!["{{", "}}", "{%", "%}", "{#", "#}", " if ", " for a in ", " endfor ", " endif ", " block user ", " endblock ", "v", "'", "\"", "(", ")", "[", "]", "+", "|", ".", "-", "raw", "endraw", "\n", "é"]), 0..60)
    ) {
        if let Ok(Prompt::Chat { messages, .. }) = prompt(&parts.concat(), "value") {
            prop_assert!(!messages.is_empty());
        }
    }

    #[test]
    fn ink_of_ascii_is_that_of_its_characters(text in "[ x\\t-\\r\\x00-\\x7f]{0,200}") {
        let characters = text.chars().filter(|c| !c.is_whitespace()).count();
        prop_assert_eq!(super::inked(&text), characters);
    }
}
