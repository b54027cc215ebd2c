//! Whether a text is in another language than the one asked for: by script, and within a script by function words.
//!
//! This tells the wrong language from the right one; it does not name every language. Its limits:
//! - It knows the languages in [`LANGUAGES`] only. A text in any other language of the same script passes.
//! - Within a script it needs [`LEAST_WORDS`] function words of the other language, and twice as many as of the one
//!   asked for; short texts, names and titles pass.
//! - A text in two languages counts as the one with more function words. A foreign word or quotation passes.
//! - Close relatives (Danish and Norwegian, Russian and Bulgarian, Spanish and Portuguese) share most words; asked for
//!   one, a short text in the other passes.

mod profile;
mod script;

pub use profile::LANGUAGES;
pub use script::Script;

use crate::words;

/// A language that a text can be asked for in.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// Its two letters in ISO 639-1.
    pub code: &'static str,
    /// Its English name.
    pub name: &'static str,
    /// The letters that it is written in.
    pub script: Script,
    /// Frequent words that no other language here has with the same frequency, in small letters; empty where the script
    /// is enough.
    pub words: &'static [&'static str],
}

/// What a text is in, when it is not in the language asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// Most of its letters are of another script.
    Script(Script),
    /// Its script is right, its words are of another language.
    Language(&'static Language),
}

/// Function words of another language from which a text can be in it.
const LEAST_WORDS: usize = 3;

/// Letters of another script from which a text can be in it; scripts with a sign for each word need fewer.
const LEAST_LETTERS: usize = 4;

/// The language with this code.
#[must_use]
pub fn language_by_code(code: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.code == code)
}

/// What a text is in, if that is clearly not the language asked for.
///
/// ```
/// use evalwright_text::language::{Other, language_by_code, other_than};
/// let english = language_by_code("en").unwrap();
/// let german = language_by_code("de").unwrap();
/// let text = "Ich sage nicht, was ich nicht weiß.";
/// assert_eq!(other_than(english, text), Some(Other::Language(german)));
/// assert_eq!(other_than(german, text), None);
/// ```
#[must_use]
pub fn other_than(asked: &Language, text: &str) -> Option<Other> {
    if let Some(script) = script::main(text, asked.script, LEAST_LETTERS) {
        return Some(Other::Script(script));
    }
    if asked.words.is_empty() {
        return None;
    }
    let words = words::words(text);
    let count = |language: &Language| {
        words
            .iter()
            .filter(|word| language.words.contains(&word.as_str()))
            .count()
    };
    let of_asked = count(asked);
    // The last of equals would be as good as the first; the order of the list settles it.
    let (found, of_found) = LANGUAGES
        .iter()
        .filter(|language| language.script == asked.script && *language != asked)
        .map(|language| (language, count(language)))
        .rev()
        .max_by_key(|(_, count)| *count)?;
    let is_other =
        of_found >= LEAST_WORDS && of_found > 2 * of_asked && of_found * 5 >= words.len();
    is_other.then_some(Other::Language(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our own sentences: one paragraph says the same in each language.
    const TEXTS: [(&str, &str); 26] = [
        (
            "en",
            "I would not say that to my friends, because it is not what they want to hear from me.",
        ),
        (
            "de",
            "Das würde ich meinen Freunden nicht sagen, weil es nicht das ist, was sie von mir hören wollen.",
        ),
        (
            "fr",
            "Je ne dirais pas cela à mes amis, parce que ce n’est pas ce qu’ils veulent entendre de moi.",
        ),
        (
            "es",
            "No les diría eso a mis amigos, porque no es lo que quieren oír de mí, pero lo pienso.",
        ),
        (
            "it",
            "Non lo direi ai miei amici, perché non è quello che vogliono sentire da me, anche se lo penso.",
        ),
        (
            "pt",
            "Eu não diria isso aos meus amigos, porque não é o que eles querem ouvir de mim.",
        ),
        (
            "nl",
            "Dat zou ik niet tegen mijn vrienden zeggen, omdat het niet is wat ze van mij willen horen.",
        ),
        (
            "sv",
            "Jag skulle inte säga det till mina vänner, för det är inte vad de vill höra från mig.",
        ),
        (
            "da",
            "Jeg ville ikke sige det til mine venner, fordi det ikke er hvad de vil høre af mig.",
        ),
        (
            "nb",
            "Jeg ville ikke si det til vennene mine, fordi det ikke er hva de vil høre fra meg.",
        ),
        (
            "fi",
            "En sanoisi sitä ystävilleni, koska se ei ole se, mitä he haluavat kuulla minulta.",
        ),
        (
            "pl",
            "Nie powiedziałbym tego moim przyjaciołom, bo to nie jest to, co chcą ode mnie usłyszeć.",
        ),
        (
            "cs",
            "To bych svým přátelům neřekl, protože to není to, co ode mě chtějí slyšet, ale myslím si to.",
        ),
        (
            "ro",
            "Nu le-aș spune asta prietenilor mei, pentru că nu este ceea ce vor să audă de la mine.",
        ),
        (
            "hu",
            "Ezt nem mondanám a barátaimnak, mert nem ez az, amit hallani akarnak tőlem, de azt hiszem, hogy igaz.",
        ),
        (
            "tr",
            "Bunu arkadaşlarıma söylemezdim, çünkü bu benden duymak istedikleri şey değil, ama ben böyle biri için çok üzülürüm.",
        ),
        (
            "id",
            "Saya tidak akan mengatakan itu kepada teman saya, karena itu bukan yang mereka ingin dengar dari saya.",
        ),
        (
            "vi",
            "Tôi sẽ không nói điều đó với bạn bè của tôi, vì đó không phải là điều họ muốn nghe.",
        ),
        (
            "ru",
            "Я бы не сказал этого своим друзьям, потому что это не то, что они хотят от меня услышать.",
        ),
        (
            "uk",
            "Я б не сказав цього своїм друзям, тому що це не те, що вони хочуть від мене почути, але я так думаю.",
        ),
        ("el", "Δεν θα το έλεγα στους φίλους μου."),
        ("ar", "لن أقول ذلك لأصدقائي."),
        ("he", "לא הייתי אומר את זה לחברים שלי."),
        ("hi", "मैं अपने दोस्तों से यह नहीं कहूँगा।"),
        ("zh", "我不会对我的朋友说这些话。"),
        ("ja", "私は友だちにそんなことは言いません。"),
    ];

    /// Pairs that share too many words to be told apart in one sentence.
    const RELATIVES: [(&str, &str); 2] = [("da", "nb"), ("nb", "da")];

    #[test]
    fn each_text_passes_as_its_own_language_and_as_no_other() {
        for (code, text) in TEXTS {
            let own = language_by_code(code).unwrap();
            assert_eq!(other_than(own, text), None, "{code}: {text}");
            for asked in LANGUAGES {
                let is_near = RELATIVES.contains(&(asked.code, code));
                if asked.code == code || is_near {
                    continue;
                }
                assert!(
                    other_than(asked, text).is_some(),
                    "{code} passes as {}: {text}",
                    asked.code
                );
            }
        }
    }

    #[test]
    fn english_is_named_as_what_it_is_not() {
        let english = language_by_code("en").unwrap();
        for (code, text) in TEXTS.iter().skip(1) {
            let language = language_by_code(code).unwrap();
            match other_than(english, text) {
                Some(Other::Language(found)) => assert_eq!(found.code, *code, "{text}"),
                Some(Other::Script(script)) => assert_eq!(script, language.script, "{text}"),
                None => panic!("{code} passes as English"),
            }
        }
    }

    #[test]
    fn every_language_has_a_text_here() {
        let mut codes: Vec<&str> = LANGUAGES.iter().map(|language| language.code).collect();
        codes.retain(|code| !TEXTS.iter().any(|(known, _)| known == code));
        // Scripts of their own that need no words.
        assert_eq!(codes, ["th", "ko"]);
        let thai = language_by_code("th").unwrap();
        assert_eq!(other_than(thai, "ฉันจะไม่บอกเพื่อน"), None);
        assert_eq!(
            other_than(thai, "나는 친구에게 말하지 않는다"),
            Some(Other::Script(Script::Hangul))
        );
    }

    #[test]
    fn short_texts_names_and_quotations_pass() {
        let english = language_by_code("en").unwrap();
        for text in [
            "",
            "42",
            "Nein!",
            "La Traviata",
            "I read „Die Leiden des jungen Werthers“ and liked it.",
            "She said que será, será and went on with her day.",
            "I sign as 王.",
        ] {
            assert_eq!(other_than(english, text), None, "{text}");
        }
    }
}
