package slack

import (
	"reflect"
	"strings"
	"time"

	"talkrelay"
	"talkrelay/sink"
)

// view returns what a message may show of e: in the sink's language, in the event's time zone, masked if the sink
// masks.
func (s *Sink) view(e talkrelay.Event) sink.View {
	v := sink.NewViewIn(e, s.cfg.Language, s.cfg.Location)
	v = mapTexts(v, talkrelay.CleanText) // ids and media come from outside as well
	v.DeskURL = e.DeskURL                // linkURL decides on it as it is
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

// What mrkdwn gives a meaning to, and what stands for it while a template runs. Unicode reserves these three for use
// inside a program, each is one character like what it stands for, and so functions that cut or count work as they
// would on the text itself.
var (
	guards  = strings.NewReplacer("&", "\ufdd0", "<", "\ufdd1", ">", "\ufdd2", "\ufdd0", "", "\ufdd1", "", "\ufdd2", "")
	escapes = strings.NewReplacer("\ufdd0", "&amp;", "\ufdd1", "&lt;", "\ufdd2", "&gt;")
)

// execute runs an own template. What it writes of v can neither mention nor link; what the operator wrote can.
func execute(t *sink.Template, v sink.View) (string, error) {
	guarded := mapTexts(v, guards.Replace)
	guarded.DeskURL = linkURL(v.DeskURL) // escaped and fit for <{{.DeskURL}}|label>, or nothing
	text, err := t.Execute(guarded)
	if err != nil {
		return "", err
	}
	return escapes.Replace(sink.Clean(text)), nil
}

// mapTexts returns v with f applied to every text in it. It goes by the types and not by the fields' names: a field
// that is added later is treated too. What it returns shares nothing with v that it would have to change.
func mapTexts(v sink.View, f func(string) string) sink.View {
	out := reflect.New(reflect.TypeFor[sink.View]()).Elem()
	mapInto(out, reflect.ValueOf(v), f)
	return out.Interface().(sink.View)
}

func mapInto(to, from reflect.Value, f func(string) string) {
	switch from.Kind() {
	case reflect.String:
		to.SetString(f(from.String()))
	case reflect.Struct:
		if from.Type() == reflect.TypeFor[time.Time]() {
			to.Set(from)
			return
		}
		for i := range from.NumField() {
			mapInto(to.Field(i), from.Field(i), f)
		}
	case reflect.Slice:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			mapInto(to.Index(i), from.Index(i), f)
		}
	case reflect.Map:
		if from.IsNil() {
			return
		}
		to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
		for key, value := range from.Seq2() {
			k, v := reflect.New(key.Type()).Elem(), reflect.New(value.Type()).Elem()
			mapInto(k, key, f)
			mapInto(v, value, f)
			to.SetMapIndex(k, v)
		}
	default:
		to.Set(from)
	}
}
