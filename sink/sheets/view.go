package sheets

import (
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// view returns what the columns see of e.
func (s *Sink) view(e talkrelay.Event) sink.View {
	usual := s.config.Location
	if e.TimeZone != "" {
		usual = s.zone(e.TimeZone)
	}
	v := sink.NewViewIn(e, s.config.Language, usual)
	if s.config.Mask {
		mask(&v)
	}
	return v
}

// zone returns the time zone with this name, the configured one if there is none. The last one is remembered, because
// reading one takes longer than writing a row, and the events of a channel are all in the same.
func (s *Sink) zone(name string) *time.Location {
	if s.lastZone == nil || s.lastZone.String() != name {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return s.config.Location
		}
		s.lastZone = zone
	}
	return s.lastZone
}

// mask hides phone numbers and e-mail addresses from every column, own templates included: Channel Talk keeps them in the
// profile as well. Text that a customer wrote stays as it is.
func mask(v *sink.View) {
	v.User.Contact, v.Old = masked(v.User.Contact), masked(v.Old)
	for i, c := range v.Changes {
		v.Changes[i] = c.Masked()
	}
	for key, value := range v.User.Profile { // the view's own, and what v.User.User names too
		v.User.Profile[key] = talkrelay.MaskText(value)
	}
}

func masked(c talkrelay.Contact) talkrelay.Contact {
	return talkrelay.Contact{
		Email:          talkrelay.MaskEmail(c.Email),
		MobileNumber:   talkrelay.MaskPhone(c.MobileNumber),
		LandlineNumber: talkrelay.MaskPhone(c.LandlineNumber),
	}
}
