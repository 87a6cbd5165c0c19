package slack

import (
	"strings"

	"talkrelay/sink"
)

// phrases are what only this destination says, and how its sentences go in one language.
type phrases struct {
	alf            string // heading while Channel Talk's AI answers
	labelFirst     bool   // "Received 14:03" instead of "14:03 접수"
	bareUnassigned bool   // "unassigned" needs no label before it
	flood          string // heading of a digest; %d is how many

	// Of what quiet hours have held back.
	held                   string // heading; %d is how many chats
	toAnswer, done, others string
	replied                string
	more                   string // what does not fit; %d is how many

	// How a followed chat is now.
	closed, snoozed, assigned string
	answered                  string // %s is how long that took
	since                     string // waiting since %s
}

// phrasesOf returns the phrases of lang, Korean ones if it is no language, as sink.Language does.
func phrasesOf(lang sink.Language) phrases {
	switch lang {
	case sink.English:
		return phrases{
			alf: "ALF is answering", flood: "%d events at once", labelFirst: true, bareUnassigned: true,
			held: "While it was quiet: %d", toAnswer: "To answer", done: "Done", others: "Other", replied: "Answered", more: "and %d more",
			closed: "Closed", snoozed: "Snoozed", assigned: "Assigned", answered: "Answered after %s", since: "waiting since %s",
		}
	case sink.Japanese:
		return phrases{
			alf: "ALF対応中", flood: "%d件まとめて",
			held: "おやすみ時間中の%d件", toAnswer: "要対応", done: "対応済み", others: "その他", replied: "返信済み", more: "ほか%d件",
			closed: "終了", snoozed: "保留", assigned: "担当者決定", answered: "初回返信 %s", since: "%sから待ち",
		}
	}
	return phrases{
		alf: "ALF 응대 중", flood: "한꺼번에 %d건",
		held: "조용한 시간 동안 %d건", toAnswer: "응대 필요", done: "처리됨", others: "그 밖", replied: "답변함", more: "외 %d건",
		closed: "종료", snoozed: "보류", assigned: "배정", answered: "첫 답변 %s", since: "%s부터 대기",
	}
}

// at puts a time and the word for what happened then in the order of the language.
func (p phrases) at(word, when string) string {
	switch {
	case when == "":
		return ""
	case p.labelFirst:
		return word + " " + when
	}
	return when + " " + word
}

// assignee says who has the chat, in mrkdwn.
func (p phrases) assignee(w *sink.Words, name string) string {
	switch {
	case name != "":
		return w.Assignee + " " + bold(name)
	case p.bareUnassigned:
		return bold(w.Unassigned)
	}
	return w.Assignee + " " + bold(w.Unassigned)
}

// bold returns s in bold mrkdwn. A star in it would end the bold early.
func bold(s string) string {
	return "*" + escape(strings.ReplaceAll(s, "*", "∗"), maxHeader) + "*"
}
