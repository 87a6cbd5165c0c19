package slack

import (
	"maps"
	"reflect"
	"time"

	"github.com/slack-go/slack/slackutilsx"

	"talkrelay"
	"talkrelay/sink"
)

// view returns what a message may show of e: in the sink's language, in the event's time zone, masked if the sink
// masks.
func (s *Sink) view(e talkrelay.Event) sink.View {
	if _, err := time.LoadLocation(e.TimeZone); e.TimeZone == "" || err != nil {
		e.TimeZone = s.cfg.Location.String()
	}
	v := sink.NewView(e, s.cfg.Language)
	if s.cfg.masked() {
		maskView(&v)
	}
	return v
}

// maskView masks the customer's contact fields, and whatever looks like one in texts the customer wrote.
func maskView(v *sink.View) {
	maskContact(&v.User.Contact)
	maskContact(&v.Old)
	for i, c := range v.Changes {
		mask := talkrelay.MaskPhone
		if c.Name == "email" {
			mask = talkrelay.MaskEmail
		}
		v.Changes[i].Old, v.Changes[i].New = mask(c.Old), mask(c.New)
	}
	profile := maps.Clone(v.User.Profile)
	for key, value := range profile {
		profile[key] = talkrelay.MaskText(value)
	}
	v.User.Profile = profile
	v.User.User.Profile = profile
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

// escapeView returns v with every text in it escaped for mrkdwn, so that what an own template writes of it can neither
// mention nor link. It goes by the types and not by the fields' names: a field added later is escaped too.
func escapeView(v sink.View) sink.View {
	link := linkURL(v.DeskURL)
	out := reflect.New(reflect.TypeFor[sink.View]()).Elem()
	escapeInto(out, reflect.ValueOf(v))
	escaped := out.Interface().(sink.View)
	escaped.DeskURL = link // fit for <{{.DeskURL}}|label>, or nothing
	return escaped
}

// escapeInto copies from to the settable to. It shares nothing with from that it would have to change.
func escapeInto(to, from reflect.Value) {
	switch from.Kind() {
	case reflect.String:
		to.SetString(slackutilsx.EscapeMessage(from.String()))
	case reflect.Struct:
		if from.Type() == reflect.TypeFor[time.Time]() {
			to.Set(from)
			return
		}
		for i := range from.NumField() {
			escapeInto(to.Field(i), from.Field(i))
		}
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			escapeInto(to.Index(i), from.Index(i))
		}
	case reflect.Map:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
		for key, value := range from.Seq2() {
			k, v := reflect.New(key.Type()).Elem(), reflect.New(value.Type()).Elem()
			escapeInto(k, key)
			escapeInto(v, value)
			to.SetMapIndex(k, v)
		}
	default:
		to.Set(from)
	}
}
