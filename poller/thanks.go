package poller

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"talkrelay/channeltalk"
)

// needsNoAnswer reports that m is positively known to wait for nothing: emoji and stickers alone, or thanks alone.
// Whatever is not understood needs an answer, and so does anything with a question mark or an attachment.
func needsNoAnswer(m *channeltalk.Message) bool {
	text := strings.TrimSpace(norm.NFC.String(m.Text))
	if text == "" || m.Files > 0 || strings.ContainsAny(text, "?？❓❔⁉‼") {
		return false
	}
	if stickers[strings.ToLower(text)] || !strings.ContainsFunc(shortcode.ReplaceAllString(text, ""), notEmoji) {
		return true
	}
	return utf8.RuneCountInString(text) <= maxThanks && thanks[bare(text)]
}

// shortcode is how Channel Talk writes an emoji in plain text.
var shortcode = regexp.MustCompile(`:[a-z0-9_+-]+:`)

// notEmoji reports that r is not a part of an emoji. Digits and signs are none by themselves.
func notEmoji(r rune) bool {
	switch {
	case r == 0x200d, r >= 0xfe00 && r <= 0xfe0f, r == 0x20e3: // what joins them
		return false
	case r > 0x7f && (unicode.Is(unicode.So, r) || unicode.Is(unicode.Sk, r)), unicode.IsSpace(r):
		return false
	}
	return true
}

// stickers are what messengers send in the place of one.
var stickers = set("(이모티콘)", "[이모티콘]", "(스티커)", "[스티커]", "(emoticon)", "(sticker)", "[sticker]", "(スタンプ)", "[スタンプ]")

const maxThanks = 20 // runes

// bare returns text in lower case with nothing but letters and digits, and without the laughter at its end.
func bare(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, shortcode.ReplaceAllString(text, ""))
	if short := strings.TrimRight(text, "ㅎㅋㅠㅜ"); short != "" {
		return short
	}
	return text
}

// thanks are all that is taken for thanks, as bare returns it.
var thanks = set(
	"감사", "감사해요", "감사합니다", "감사합니당", "감사드려요", "감사드립니다", "감사감사", "고마워요", "고맙습니다", "땡큐", "ㄱㅅ", "ㄱㅅㄱㅅ", "ㄳ",
	"네감사해요", "네감사합니다", "네네감사합니다", "넵감사합니다", "넵넵감사합니다", "넹감사합니다", "예감사합니다", "아감사합니다", "아네감사합니다",
	"네고맙습니다", "넵고맙습니다", "네알겠습니다감사합니다", "넵알겠습니다감사합니다", "알겠습니다감사합니다", "확인했습니다감사합니다",
	"정말감사합니다", "너무감사합니다", "답변감사합니다", "빠른답변감사합니다", "친절한답변감사합니다", "감사합니다수고하세요",
	"thanks", "thankyou", "thankyouverymuch", "thankyousomuch", "thanksalot", "thankssomuch", "manythanks", "thx", "ty",
	"okthanks", "okthankyou", "okaythanks", "okaythankyou", "greatthanks", "gotitthanks", "yesthanks", "yesthankyou",
	"ありがとう", "ありがとうございます", "ありがとうございました", "どうもありがとう", "どうもありがとうございます", "有難うございます", "有り難うございます",
	"はいありがとうございます", "ご連絡ありがとうございます", "ご返信ありがとうございます", "ご対応ありがとうございます", "了解ですありがとうございます",
	"わかりましたありがとうございます", "承知しましたありがとうございます",
)

func set(words ...string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[w] = true
	}
	return m
}
