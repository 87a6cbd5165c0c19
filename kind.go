package talkrelay

import "slices"

// Kind names what happened. The names are Channel Talk's own webhook scopes, where it has one.
type Kind string

// The kinds of event a route can ask for.
const (
	UserChatOpened Kind = "userChat.opened"         // a new inquiry, or a closed one that was opened again
	LeadContact    Kind = "lead.upserted.contact"   // contact fields of an unregistered customer, new or changed
	MemberContact  Kind = "member.upserted.contact" // contact fields of a registered customer, new or changed

	LeadSubscription   Kind = "lead.upserted.subscription" // what a customer does not want to be sent, changed
	MemberSubscription Kind = "member.upserted.subscription"
	LeadDeleted        Kind = "lead.deleted" // deleted, or merged into another customer: the API does not tell which
	MemberDeleted      Kind = "member.deleted"

	UserChatMessage Kind = "message.created.userChat" // somebody wrote in a customer's chat
	TeamChatMessage Kind = "message.created.teamChat" // somebody of the team wrote in a group of theirs

	// What becomes of a chat once it is open. No webhook tells of these.
	UserChatAssigned Kind = "userChat.assigned" // another manager or team has it, or nobody has any more
	UserChatTagged   Kind = "userChat.tagged"   // other tags
	UserChatReplied  Kind = "userChat.replied"  // a manager answered: first since the opening, or what the customer waited for
	UserChatSnoozed  Kind = "userChat.snoozed"
	UserChatClosed   Kind = "userChat.closed"

	UserChatWaiting Kind = "userChat.waiting" // the customer has waited too long for an answer
)

// UserChatMoved is a chat that stands otherwise than before while none of Kinds tells of it: a snooze has ended, or the
// customer asks again. No route can ask for it; it is for the sinks that follow their chats.
const UserChatMoved Kind = "userChat.moved"

var kinds = [...]Kind{
	UserChatOpened, LeadContact, MemberContact, LeadSubscription, MemberSubscription, LeadDeleted, MemberDeleted,
	UserChatMessage, TeamChatMessage, UserChatAssigned, UserChatTagged, UserChatReplied, UserChatSnoozed, UserChatClosed,
	UserChatWaiting,
}

// Kinds lists every kind of event in the order of the documentation, which is also the order in which events of one
// moment are told.
func Kinds() []Kind { return slices.Clone(kinds[:]) }

// Rank is the place of k in Kinds, len(Kinds()) if it is none of them.
func (k Kind) Rank() int {
	if i := slices.Index(kinds[:], k); i >= 0 {
		return i
	}
	return len(kinds)
}

// ContactEvent reports whether k is about contact fields.
func (k Kind) ContactEvent() bool { return k == LeadContact || k == MemberContact }

// UserEvent reports whether k is about a customer, and about a chat only by the way.
func (k Kind) UserEvent() bool {
	switch k {
	case LeadContact, MemberContact, LeadSubscription, MemberSubscription, LeadDeleted, MemberDeleted:
		return true
	}
	return false
}

// ChatEvent reports whether k is about a chat with a customer.
func (k Kind) ChatEvent() bool { return !k.UserEvent() && k != TeamChatMessage }

// SubscriptionEvent reports whether k is about what a customer does not want to be sent.
func (k Kind) SubscriptionEvent() bool { return k == LeadSubscription || k == MemberSubscription }

// DeletionEvent reports whether k is about a customer who is gone.
func (k Kind) DeletionEvent() bool { return k == LeadDeleted || k == MemberDeleted }

// MessageEvent reports whether k is about something that was written.
func (k Kind) MessageEvent() bool { return k == UserChatMessage || k == TeamChatMessage }

// LifeEvent reports whether k is about what became of a chat after its opening.
func (k Kind) LifeEvent() bool {
	switch k {
	case UserChatAssigned, UserChatTagged, UserChatReplied, UserChatSnoozed, UserChatClosed:
		return true
	}
	return false
}
