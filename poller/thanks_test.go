package poller_test

import (
	"testing"

	"golang.org/x/text/unicode/norm"

	"talkrelay/channeltalk"
	"talkrelay/poller"
)

func TestNeedsNoAnswer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"감사합니다": true, "감사합니다~!! ㅎㅎ": true, "네, 감사합니다 :)": true, "고맙습니다^^": true, "ㄱㅅㄱㅅ": true, " 넵 감사합니다. ": true,
		norm.NFD.String("감사합니다"): true, "감사합니다 🙏": true, "감사합니다 :bow:": true,
		"Thanks!": true, "THANK YOU SO MUCH": true, "thx": true, "Ok, thanks": true,
		"ありがとうございます。": true, "はい、ありがとうございます！": true,
		"👍": true, "👍🏽👍🏽": true, "❤️": true, "👨‍👩‍👧": true, ":smile: :+1:": true, "😂😂\n😂": true, "(이모티콘)": true, "[スタンプ]": true,

		"": false, "   ": false, "네": false, "ok": false, "1": false, "?": false, "!": false, "...": false, "ㅠㅠ": false, "감사합니다?": false, "❓": false, "👍?": false,
		"감사합니다 근데 환불은 언제": false, "thanks but no": false, "no thanks": false, "감사합니다만 안 됩니다": false, "감사합니다감사합니다감사합니다감사합니다": false,
		"https://example.com": false, "12:30:45": false, "확인 부탁드립니다": false, "ありがとう、でも届きません": false, "①": false,
	} {
		if got := poller.NeedsNoAnswer(&channeltalk.Message{Text: text}); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if poller.NeedsNoAnswer(&channeltalk.Message{Text: "감사합니다", Files: 1}) {
		t.Error("a picture with thanks needs no answer")
	}
}
