package main

import "talkrelay/sink"

// initWords are what `init` says in one language. Those with a verb are formats.
type initWords struct {
	Intro      string // before the first question
	ChannelHow string
	SlackHow   string
	SheetsHow  string
	RoutesHow  string

	// Prompts.
	AccessKey, AccessSecret, SlackToken, SlackRoom, GoogleKey, Spreadsheet, InquiriesTab, ChangesTab, Routes string
	Number                                                                                                   string // how to choose, with the default: %s
	Again                                                                                                    string // Enter = try again
	Write                                                                                                    string // Enter = write the files

	// What was found.
	ChannelOK string // name, id
	BotOK     string // bot, workspace
	KeyOK     string // e-mail address to share with
	BookOK    string // title
	NoSlack   string
	NoSheets  string
	Absent    string // beside a channel that the bot is not in
	NewTab    string // beside a tab that is not there yet

	// What is wrong, and what to do.
	KeyShape       string
	ChannelRefused string
	Unreachable    string // service, reason
	TokenShape     string
	TokenRefused   string // Slack's code
	Scopes         string // those that lack
	NoRooms        string
	Invite         string // channel, bot
	NoRoom         string // what was given
	FileUnreadable string // reason
	NotKey         string
	GoogleRefused  string
	APIOff         string
	NotShared      string // e-mail address
	NotBook        string
	NoBook         string
	OfficeFile     string
	NoTitle        string // a tab needs a title of 1 to 100 characters
	BadChoice      string
	Nowhere        string // neither Slack nor Sheets
	Missing        string // flag or variable
	Exists         string // file
	NotWritable    string // directory, reason

	// The routes.
	Inquiry, Contact string // names
	To               string // route, where to

	// The end.
	Written, Next, Left string

	// Comments of the config.
	CHead, CAll, CState, CChannel, CPoll, CSlack, CMask, CMention, CDigest, CSheets, CColumns, CRoute, CWhere, CUpdated, CAlert string
}

// initWordsOf returns the words of lang.
func initWordsOf(lang sink.Language) *initWords {
	return inLanguage(lang, &initKorean, &initEnglish, &initJapanese)
}
