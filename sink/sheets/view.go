package sheets

import (
	"talkrelay"
	"talkrelay/sink"
)

// viewOf returns what the columns of a sink with config c see of e.
func viewOf(c *Config, e talkrelay.Event) sink.View {
	if e.TimeZone == "" {
		e.TimeZone = c.Location.String()
	}
	v := sink.NewView(e, c.Language)
	if c.Mask {
		mask(&v)
	}
	return v
}

// mask hides phone numbers and e-mail addresses from every column, own templates included. Text that a customer wrote
// stays as it is.
func mask(v *sink.View) {
	v.User.Contact, v.Old = masked(v.User.Contact), masked(v.Old)
	for i, c := range v.Changes {
		hide := talkrelay.MaskPhone
		if c.Name == "email" {
			hide = talkrelay.MaskEmail
		}
		v.Changes[i].Old, v.Changes[i].New = hide(c.Old), hide(c.New)
	}
}

func masked(c talkrelay.Contact) talkrelay.Contact {
	return talkrelay.Contact{
		Email:          talkrelay.MaskEmail(c.Email),
		MobileNumber:   talkrelay.MaskPhone(c.MobileNumber),
		LandlineNumber: talkrelay.MaskPhone(c.LandlineNumber),
	}
}
