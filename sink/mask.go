package sink

import (
	"maps"
	"strings"

	"talkrelay"
)

// MaskView masks the customer's contact fields, and whatever looks like one in texts the customer wrote.
func MaskView(v *View) {
	for i, c := range v.Changes {
		v.Changes[i] = c.Masked()
	}
	for key, value := range v.User.Profile {
		v.User.Profile[key] = talkrelay.MaskText(value)
	}
	maskParts(&v.Chat.Chat, &v.User.User, &v.Old, &v.Message.Message)
}

// MaskEvent is e masked as MaskView does it, without Channel Talk's own objects. It leaves e alone.
func MaskEvent(e talkrelay.Event) talkrelay.Event {
	e.Envelope, e.User.Profile = nil, maps.Clone(e.User.Profile)
	maskParts(&e.Chat, &e.User, &e.Old, &e.Message)
	return e
}

func maskParts(chat *talkrelay.Chat, user *talkrelay.User, old *talkrelay.Contact, message *talkrelay.Message) {
	maskContact(&user.Contact)
	maskContact(old)
	for key, value := range user.Profile {
		user.Profile[key] = talkrelay.MaskText(value)
	}
	chat.Page = strings.ReplaceAll(chat.Page, "%40", "@") // the @ of an address in a URL
	for _, text := range []*string{
		&message.Text, &message.PersonName, &user.Name, &user.MemberID, &chat.Name, &chat.Title, &chat.Description, &chat.Page,
	} {
		*text = talkrelay.MaskText(*text)
	}
}

func maskContact(c *talkrelay.Contact) {
	c.MobileNumber = talkrelay.MaskPhone(c.MobileNumber)
	c.LandlineNumber = talkrelay.MaskPhone(c.LandlineNumber)
	c.Email = talkrelay.MaskEmail(c.Email)
}
