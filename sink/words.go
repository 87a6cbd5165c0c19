package sink

import (
	"fmt"
	"strings"
	"time"

	"talkrelay"
)

// Words are the words of one language that destinations and templates need. No field is empty in any language.
type Words struct {
	// What happened; the heading of a message.
	NewInquiry     string // a customer began a chat
	Reopened       string // a closed chat was opened again
	ContactAdded   string // contact fields of a customer seen for the first time
	ContactChanged string // contact fields differ
	Subscribed     string // what a customer wants to be sent changed
	Deleted        string // a customer is deleted or merged into another
	Assigned       string // another manager or team has the chat, or nobody
	Tagged         string // the chat has other tags
	Replied        string // a manager answered
	Snoozed        string
	Closed         string
	NoAnswer       string // the customer waits for an answer
	NewMessage     string // somebody wrote in a chat
	TeamMessage    string // somebody wrote in a team chat
	Note           string // a manager wrote something that the customer does not see
	LogEntry       string // Channel Talk recorded what was done to a chat

	// Labels of what a message shows.
	Customer   string
	Team       string
	Assignee   string // the label before a manager's name
	Unassigned string // instead of a name, where nobody is assigned
	Tags       string
	Page       string // where the customer came from
	Phone      string
	Mobile     string
	Landline   string
	Email      string
	Message    string
	Answer     string // the link to the chat
	Received   string // beside the time a chat was opened
	Changed    string // beside the time contact fields changed
	FirstReply string // the label before how long the customer waited for it
	Until      string // the label before the end of a snooze
	Author     string // the label before who wrote a message

	// Stand-ins.
	// What customers may be sent, and whether they want it.
	EmailConsent   string
	TextingConsent string
	AppPushConsent string
	Wanted         string
	Unwanted       string

	None   string // a contact field that has, or had, no value
	NoName string // a customer without a name
	NoText string // a chat without a known message

	// Default tabs of a spreadsheet, and the headers of their columns.
	InquiriesTab string
	ChangesTab   string
	Inquiries    InquiryHeaders
	Changes      ChangeHeaders
	Events       EventHeaders

	files    string    // "%d attachments"
	waiting  string    // "waiting %s"
	noAnswer string    // "no answer for %s"
	soon     string    // waiting less than a minute
	days     string    // "%d d"
	hours    string    // "%d h"
	minutes  string    // "%d min"
	gap      string    // between two of these
	weekdays [7]string // from Sunday
	when     string    // layout of When; WD stands for the weekday

	states [6]string // in the order of stateNames
	media  [4]string // in the order of mediumNames
}

// InquiryHeaders are the headers of the tab with one row an inquiry, in the order of the columns.
type InquiryHeaders struct {
	ChatID, ReceivedAt, Status, Customer, Phone, Email, FirstMessage, Tags string
	Team, Assignee, Service, Page, FirstReply, ClosedAt, Link, SyncedAt    string
}

// ChangeHeaders are the headers of the tab with one row a changed contact field, in the order of the columns.
type ChangeHeaders struct {
	ChangedAt, ChatID, Customer, Field, Old, New string
}

// EventHeaders are the headers that only the tab with one row an event has; it shares the others with InquiryHeaders.
type EventHeaders struct {
	HappenedAt, Event, Detail string
}

// Event is what happened, as a heading says it. A kind it does not know is returned as it is.
func (w *Words) Event(v *View) string {
	switch v.Kind {
	case talkrelay.UserChatOpened:
		if v.Chat.Reopened {
			return w.Reopened
		}
		return w.NewInquiry
	case talkrelay.LeadContact, talkrelay.MemberContact:
		if v.Change == talkrelay.Created {
			return w.ContactAdded
		}
		return w.ContactChanged
	case talkrelay.LeadSubscription, talkrelay.MemberSubscription:
		return w.Subscribed
	case talkrelay.LeadDeleted, talkrelay.MemberDeleted:
		return w.Deleted
	case talkrelay.UserChatAssigned:
		return w.Assigned
	case talkrelay.UserChatTagged:
		return w.Tagged
	case talkrelay.UserChatReplied:
		return w.Replied
	case talkrelay.UserChatSnoozed:
		return w.Snoozed
	case talkrelay.UserChatClosed:
		return w.Closed
	case talkrelay.UserChatWaiting:
		if waited := w.Duration(time.Duration(v.Waited)); waited != "" {
			return fmt.Sprintf(w.noAnswer, waited)
		}
		return w.NoAnswer
	case talkrelay.UserChatMessage:
		return w.written(v.Message.Message)
	case talkrelay.TeamChatMessage:
		return w.TeamMessage
	}
	return string(v.Kind)
}

// written is what a message is.
func (w *Words) written(m talkrelay.Message) string {
	switch {
	case m.Log != "":
		return w.LogEntry
	case m.Private:
		return w.Note
	}
	return w.NewMessage
}

// TagChanges shows which tags a chat has got and lost: "+환불 −배송".
func TagChanges(v *View) string {
	var parts []string
	for _, tag := range v.Before.Added {
		parts = append(parts, "+"+tag)
	}
	for _, tag := range v.Before.Removed {
		parts = append(parts, "−"+tag)
	}
	return strings.Join(parts, " ")
}

// Values the Open API documents for userChat.state and userChat.mediumType. It may add more.
var (
	stateNames  = [...]string{"initial", "opened", "queued", "snoozed", "closed", "missed"}
	mediumNames = [...]string{"native", "phone", "email", "app"}
)

// State is the word for a chat's state. A state it does not know is returned as it is.
func (w *Words) State(name string) string { return lookUp(name, stateNames[:], w.states[:]) }

// Medium is the word for a chat's mediumType. One it does not know is returned as it is.
func (w *Words) Medium(name string) string { return lookUp(name, mediumNames[:], w.media[:]) }

func lookUp(name string, names, words []string) string {
	for i, n := range names {
		if n == name {
			return words[i]
		}
	}
	return name
}

// Field is the word for a field of a customer by its name in the Open API: a contact field or a subscription. Another name
// is returned as it is.
func (w *Words) Field(name string) string {
	switch name {
	case "mobileNumber":
		return w.Mobile
	case "landlineNumber":
		return w.Landline
	case "email":
		return w.Email
	case "unsubscribeEmail":
		return w.EmailConsent
	case "unsubscribeTexting":
		return w.TextingConsent
	case "unsubscribeAppPush":
		return w.AppPushConsent
	}
	return name
}

// Consent is the word for whether a customer wants to be sent something, by the flag that says not.
func (w *Words) Consent(unsubscribed bool) string {
	if unsubscribed {
		return w.Unwanted
	}
	return w.Wanted
}

// Files says how many files are attached; "" for none.
func (w *Words) Files(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(w.files, n)
}

// Waiting says how long a customer has been waiting, in the two largest units; "" for a time not positive.
func (w *Words) Waiting(d time.Duration) string {
	switch {
	case d <= 0:
		return ""
	case d < time.Minute:
		return w.soon
	}
	return fmt.Sprintf(w.waiting, w.Duration(d))
}

// Duration is d in days and hours, hours and minutes, or minutes, rounded down; "" if that is nothing.
func (w *Words) Duration(d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour)%24, int(d/time.Minute)%60
	var parts []string
	add := func(format string, n int) {
		if n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	add(w.days, days)
	add(w.hours, hours)
	if days == 0 {
		add(w.minutes, minutes)
	}
	return strings.Join(parts, w.gap)
}

// When is the short form of t that a message shows, as in "11/22(일) 14:03", in t's own time zone; "" for the zero time.
func (w *Words) When(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strings.Replace(t.Format(w.when), "WD", w.weekdays[t.Weekday()], 1)
}
