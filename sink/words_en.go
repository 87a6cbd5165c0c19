package sink

var english = Words{
	NewInquiry:     "New inquiry",
	Reopened:       "Reopened inquiry",
	ContactAdded:   "Contact details added",
	ContactChanged: "Contact details changed",

	Customer:   "Customer",
	Team:       "Team",
	Assignee:   "Assignee",
	Unassigned: "unassigned",
	Tags:       "Tags",
	Page:       "Source page",
	Phone:      "Phone",
	Mobile:     "Mobile phone",
	Landline:   "Landline",
	Email:      "E-mail",
	Message:    "Message",
	Answer:     "Answer in Channel Talk",
	Received:   "Received",
	Changed:    "Changed",

	None:   "none",
	NoName: "Unnamed customer",
	NoText: "(no text)",

	InquiriesTab: "Inquiries",
	ChangesTab:   "Changes",
	Inquiries: InquiryHeaders{
		ChatID: "Chat ID", ReceivedAt: "Received at", Status: "Status", Customer: "Customer",
		Phone: "Phone", Email: "E-mail", FirstMessage: "First message", Tags: "Tags",
		Team: "Team", Assignee: "Assignee", Service: "Service", Page: "Source page",
		FirstReply: "First reply (min)", ClosedAt: "Closed at", Link: "Link", SyncedAt: "Last synced",
	},
	Changes: ChangeHeaders{
		ChangedAt: "Changed at", ChatID: "Chat ID", Customer: "Customer", Field: "Field", Old: "Old", New: "New",
	},

	files:    "attachments: %d",
	waiting:  "waiting %s",
	soon:     "waiting less than a minute",
	days:     "%d d",
	hours:    "%d h",
	minutes:  "%d min",
	gap:      " ",
	weekdays: [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
	when:     "WD 1/2 15:04 MST",

	states: [...]string{"not started", "open", "queued", "snoozed", "closed", "missed"},
	media:  [...]string{"chat", "phone", "e-mail", "messenger"},
}
