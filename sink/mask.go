package sink

import (
	"strings"

	"talkrelay"
)

// MaskView masks the customer's contact fields, and whatever looks like one in texts the customer wrote.
func MaskView(v *View) {
	maskContact(&v.User.Contact)
	maskContact(&v.Old)
	for i, c := range v.Changes {
		mask := talkrelay.MaskPhone
		if c.Name == "email" {
			mask = talkrelay.MaskEmail
		}
		v.Changes[i].Old, v.Changes[i].New = mask(c.Old), mask(c.New)
	}
	for _, profile := range []map[string]string{v.User.Profile, v.User.User.Profile} {
		for key, value := range profile {
			profile[key] = talkrelay.MaskText(value)
		}
	}
	v.Chat.Page = strings.ReplaceAll(v.Chat.Page, "%40", "@") // the @ of an address in a URL
	for _, text := range []*string{
		&v.Message.Text, &v.User.Name, &v.User.MemberID, &v.Chat.Name, &v.Chat.Title, &v.Chat.Description, &v.Chat.Page,
	} {
		*text = talkrelay.MaskText(*text)
	}
}

func maskContact(c *talkrelay.Contact) {
	c.MobileNumber = talkrelay.MaskPhone(c.MobileNumber)
	c.LandlineNumber = talkrelay.MaskPhone(c.LandlineNumber)
	c.Email = talkrelay.MaskEmail(c.Email)
}
