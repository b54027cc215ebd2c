//! The languages and their function words.
//!
//! Invariant: no word of another Latin list is a frequent English word, so that English texts count for no other
//! language. The lists are our own choice of frequent words.

use super::{Language, Script};

const fn latin(code: &'static str, name: &'static str, words: &'static [&'static str]) -> Language {
    Language {
        code,
        name,
        script: Script::Latin,
        words,
    }
}

const fn cyrillic(
    code: &'static str,
    name: &'static str,
    words: &'static [&'static str],
) -> Language {
    Language {
        code,
        name,
        script: Script::Cyrillic,
        words,
    }
}

const fn alone(code: &'static str, name: &'static str, script: Script) -> Language {
    Language {
        code,
        name,
        script,
        words: &[],
    }
}

/// Every language that can be asked for, in the order of help.
pub static LANGUAGES: &[Language] = &[
    latin(
        "en",
        "English",
        &[
            "the", "of", "and", "to", "that", "is", "it", "for", "you", "with", "be", "this",
            "have", "from", "or", "by", "not", "but", "what", "they", "my", "would", "your",
            "their", "which", "because", "about", "should", "could", "than", "these", "those",
            "being", "don", "are", "was", "we", "want", "i", "other", "others", "people", "like",
            "think", "as", "do", "if", "at", "on", "can", "will", "am", "more", "all",
        ],
    ),
    latin(
        "de",
        "German",
        &[
            "der", "und", "ich", "nicht", "ist", "das", "zu", "den", "mit", "von", "ein", "eine",
            "einen", "sich", "auf", "für", "sie", "dem", "dass", "auch", "wie", "bei", "oder",
            "wenn", "weil", "aber", "würde", "mich", "meine", "meinen", "mir", "wir", "kann",
            "haben", "wird", "werden", "sind", "keine", "kein", "immer", "sehr", "mehr",
        ],
    ),
    latin(
        "fr",
        "French",
        &[
            "le", "les", "et", "des", "que", "je", "est", "pas", "une", "dans", "qui", "pour",
            "ne", "ce", "sur", "avec", "mais", "nous", "vous", "ils", "elle", "être", "cela",
            "parce", "mes", "moi", "aux", "du", "ou", "très", "suis", "cette", "sont", "leur",
            "comme", "veux", "au", "ai", "à", "un",
        ],
    ),
    latin(
        "es",
        "Spanish",
        &[
            "el", "los", "las", "que", "y", "es", "por", "con", "una", "para", "como", "pero",
            "más", "yo", "mis", "lo", "del", "porque", "muy", "sin", "sobre", "también", "cuando",
            "hay", "está", "ser", "les", "al", "mí", "esto", "eso", "nunca", "siempre", "otros",
            "tengo", "creo",
        ],
    ),
    latin(
        "it",
        "Italian",
        &[
            "il", "che", "di", "non", "è", "per", "gli", "sono", "della", "del", "nel", "alla",
            "ai", "anche", "perché", "ma", "più", "mi", "mio", "miei", "lo", "quello", "questo",
            "quando", "sempre", "essere", "ho", "dei", "una", "uno", "delle", "loro", "mia",
            "molto", "io",
        ],
    ),
    latin(
        "pt",
        "Portuguese",
        &[
            "que", "não", "uma", "os", "eu", "é", "com", "para", "por", "mais", "mas", "meu",
            "minha", "meus", "isso", "porque", "eles", "muito", "também", "são", "ser", "aos",
            "ao", "da", "em", "quando", "nunca", "sempre", "você", "ou", "pelo", "pela", "mim",
            "nos", "seu", "sua", "um", "o", "dos", "das",
        ],
    ),
    latin(
        "nl",
        "Dutch",
        &[
            "het", "een", "van", "ik", "niet", "dat", "zijn", "voor", "met", "ze", "ook", "maar",
            "wat", "naar", "mijn", "omdat", "zou", "wij", "dit", "deze", "bij", "uit", "heb",
            "hebben", "wordt", "worden", "mij", "geen", "altijd", "tegen", "kan", "hun", "anderen",
            "er", "te", "als", "zich",
        ],
    ),
    latin(
        "sv",
        "Swedish",
        &[
            "och", "att", "jag", "inte", "det", "som", "är", "på", "för", "av", "till", "med",
            "har", "mig", "mina", "ett", "från", "skulle", "eller", "när", "vill", "vara", "min",
            "om", "hur", "också", "alltid", "bara", "mycket", "de", "vad", "vi", "andra",
        ],
    ),
    latin(
        "da",
        "Danish",
        &[
            "og", "jeg", "ikke", "det", "som", "er", "på", "af", "til", "med", "har", "mig",
            "mine", "et", "fra", "ville", "eller", "når", "vil", "være", "min", "fordi", "hvad",
            "også", "altid", "kun", "meget", "de", "vi", "andre", "hvis", "noget",
        ],
    ),
    latin(
        "nb",
        "Norwegian",
        &[
            "og", "å", "jeg", "ikke", "det", "som", "er", "på", "av", "til", "med", "har", "meg",
            "mine", "et", "fra", "ville", "eller", "når", "vil", "være", "min", "fordi", "hva",
            "også", "alltid", "bare", "mye", "de", "vi", "andre", "hvis", "noe",
        ],
    ),
    latin(
        "fi",
        "Finnish",
        &[
            "ja", "en", "ei", "se", "että", "minä", "minun", "minua", "olen", "ole", "koska",
            "mitä", "mutta", "kun", "niin", "hän", "ovat", "myös", "aina", "vain", "tai", "kuin",
            "sitä", "minulta", "voi", "jos", "oli",
        ],
    ),
    latin(
        "pl",
        "Polish",
        &[
            "nie",
            "się",
            "jest",
            "że",
            "na",
            "co",
            "jak",
            "ale",
            "bo",
            "przez",
            "dla",
            "mnie",
            "moje",
            "moich",
            "moim",
            "ponieważ",
            "są",
            "być",
            "tego",
            "też",
            "zawsze",
            "kiedy",
            "ja",
            "lub",
            "oraz",
            "ich",
            "ode",
            "czy",
            "ze",
            "od",
            "po",
        ],
    ),
    latin(
        "cs",
        "Czech",
        &[
            "že", "je", "se", "na", "není", "jsem", "ale", "protože", "co", "jak", "pro", "mě",
            "bych", "jsou", "které", "když", "nebo", "být", "také", "vždy", "jejich", "si", "ode",
            "mi", "tak", "svým", "jako", "má",
        ],
    ),
    latin(
        "ro",
        "Romanian",
        &[
            "și", "să", "nu", "este", "că", "pe", "de", "la", "mei", "mea", "meu", "pentru",
            "ceea", "sunt", "din", "cu", "dar", "sau", "eu", "asta", "mine", "vor", "care", "fost",
            "foarte", "ei", "fi", "prin", "ce", "aș", "le",
        ],
    ),
    latin(
        "hu",
        "Hungarian",
        &[
            "az", "és", "nem", "hogy", "egy", "ez", "ezt", "azt", "mert", "de", "van", "amit",
            "vagy", "csak", "én", "meg", "mint", "akkor", "minden", "nagyon", "lenne", "volt",
            "kell", "mindig", "tőlem",
        ],
    ),
    latin(
        "tr",
        "Turkish",
        &[
            "ve", "bir", "bu", "için", "çok", "ben", "değil", "ama", "çünkü", "gibi", "daha",
            "benim", "bana", "olarak", "olan", "ne", "ile", "kadar", "beni", "biri", "şey", "bunu",
            "hiç", "onlar", "ya", "da", "de", "benden",
        ],
    ),
    latin(
        "id",
        "Indonesian",
        &[
            "yang", "saya", "tidak", "dan", "itu", "dengan", "untuk", "ini", "dari", "akan",
            "karena", "kepada", "mereka", "adalah", "pada", "bukan", "orang", "dalam", "ingin",
            "bisa", "juga", "lebih", "kita", "ada", "di", "ke",
        ],
    ),
    latin(
        "vi",
        "Vietnamese",
        &[
            "tôi", "không", "và", "của", "là", "những", "cho", "với", "một", "được", "người",
            "này", "trong", "có", "các", "đó", "họ", "vì", "sẽ", "để", "nhưng", "phải", "muốn",
            "điều", "rằng",
        ],
    ),
    cyrillic(
        "ru",
        "Russian",
        &[
            "и",
            "не",
            "что",
            "на",
            "это",
            "я",
            "бы",
            "потому",
            "они",
            "от",
            "как",
            "но",
            "мне",
            "меня",
            "мои",
            "моим",
            "для",
            "был",
            "если",
            "или",
            "есть",
            "того",
            "этого",
            "всегда",
            "очень",
            "чтобы",
            "так",
            "все",
            "его",
        ],
    ),
    cyrillic(
        "uk",
        "Ukrainian",
        &[
            "і",
            "не",
            "що",
            "на",
            "це",
            "я",
            "б",
            "тому",
            "вони",
            "від",
            "як",
            "але",
            "мені",
            "мене",
            "мої",
            "моїм",
            "для",
            "був",
            "якщо",
            "або",
            "є",
            "цього",
            "завжди",
            "дуже",
            "щоб",
            "та",
            "й",
            "його",
            "те",
            "так",
        ],
    ),
    alone("el", "Greek", Script::Greek),
    alone("ar", "Arabic", Script::Arabic),
    alone("he", "Hebrew", Script::Hebrew),
    alone("hi", "Hindi", Script::Devanagari),
    alone("th", "Thai", Script::Thai),
    alone("ko", "Korean", Script::Hangul),
    alone("zh", "Chinese", Script::Han),
    alone("ja", "Japanese", Script::Kana),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_repeats_a_word_or_holds_an_english_one() {
        let (english, others) = LANGUAGES.split_first().unwrap();
        for language in others {
            for (place, word) in language.words.iter().enumerate() {
                let code = language.code;
                assert!(!english.words.contains(word), "{code} holds `{word}`");
                assert!(
                    !language.words.iter().take(place).any(|other| other == word),
                    "{code} repeats `{word}`"
                );
                assert_eq!(word.to_lowercase(), *word);
            }
        }
    }
}
