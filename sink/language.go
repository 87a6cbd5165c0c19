package sink

// Language is one that default messages, headers and words of templates exist in. The zero value speaks Korean.
type Language string

// The languages.
const (
	Korean   Language = "ko"
	English  Language = "en"
	Japanese Language = "ja"
)

// Languages lists them in the order of the documentation.
func Languages() []Language { return []Language{Korean, English, Japanese} }

// ParseLanguage returns the language with the code s ("ko", "en", "ja").
func ParseLanguage(s string) (Language, bool) {
	switch l := Language(s); l {
	case Korean, English, Japanese:
		return l, true
	}
	return "", false
}

// Words returns the words of l; Korean ones if l is no language. They are shared: read only.
func (l Language) Words() *Words {
	switch l {
	case English:
		return &english
	case Japanese:
		return &japanese
	}
	return &korean
}
