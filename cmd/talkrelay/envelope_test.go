package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
	"talkrelay/sandbox"
	"talkrelay/sink"
	"talkrelay/state"
)

// envelopeSchemas are the schemas in Channel Talk's document of what an envelope holds, by the name it has there.
var envelopeSchemas = map[string]string{
	"userChat": "legacy.v7.userChat.LegacyV7UserChat", "message": "Message", "user": "open.OpenApiUserDto",
	"manager": "Manager", "bot": "bot.Bot", "group": "Group",
}

// TestEnvelopeContract lets one event of each kind happen and holds its envelope against Channel Talk's document: the keys
// of a webhook's body, and in its objects no field and no type that the document does not have.
func TestEnvelopeContract(t *testing.T) {
	t.Parallel()
	found, _ := filepath.Glob("../../../shared/openapi/*.json")
	if len(found) == 0 {
		t.Skip("Channel Talk's OpenAPI document is not here")
	}
	schemas := readDoc(t, found[len(found)-1])["components"].(jsonDoc)["schemas"].(jsonDoc)
	events := eventsOfADay(t)
	for _, w := range []struct{ kind, event, typ, refers string }{
		{"userChat.opened", "push", "userChat", "message user"},
		{"message.created.userChat", "push", "message", "manager userChat"},
		{"message.created.teamChat", "push", "message", "group manager"},
		{"userChat.assigned", "update", "userChat", "message user"},
		{"userChat.tagged", "update", "userChat", "message user"},
		{"userChat.replied", "update", "userChat", "message user"},
		{"userChat.snoozed", "update", "userChat", "message user"},
		{"userChat.closed", "update", "userChat", "message user"},
		{"lead.upserted.contact", "upsert", "user", ""},
		{"lead.upserted.subscription", "upsert", "user", ""},
	} {
		var body jsonDoc
		if err := json.Unmarshal(events[talkrelay.Kind(w.kind)], &body); err != nil {
			t.Errorf("%s: %v", w.kind, err)
			continue
		}
		refers, _ := body["refers"].(jsonDoc)
		names := strings.Join(slices.Sorted(maps.Keys(refers)), " ")
		if body["event"] != w.event || body["type"] != w.typ || names != w.refers || len(body) != 4 {
			t.Errorf("%s: event %v, type %v, refers %q, %d keys", w.kind, body["event"], body["type"], names, len(body))
		}
		problems := checkTypes(schemas, envelopeSchemas[w.typ], body["entity"])
		for name, object := range refers {
			problems = append(problems, checkTypes(schemas, envelopeSchemas[name], object)...)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", w.kind, p)
		}
	}
}

// TestDeletedEnvelopeContract holds our own copy of a customer against the document: of one who is gone, the envelope has that.
func TestDeletedEnvelopeContract(t *testing.T) {
	t.Parallel()
	found, _ := filepath.Glob("../../../shared/openapi/*.json")
	if len(found) == 0 {
		t.Skip("Channel Talk's OpenAPI document is not here")
	}
	schemas := readDoc(t, found[len(found)-1])["components"].(jsonDoc)["schemas"].(jsonDoc)
	data, err := json.Marshal(sink.SampleEvents()[0].User)
	if err != nil {
		t.Fatal(err)
	}
	var user jsonDoc
	if err := json.Unmarshal(data, &user); err != nil {
		t.Fatal(err)
	}
	for _, p := range checkTypes(schemas, envelopeSchemas["user"], user) {
		t.Error(p)
	}
}

// checkTypes returns which fields of an object are not in a schema, or of another type.
func checkTypes(schemas jsonDoc, name string, object any) (problems []string) {
	properties := schemas[name].(jsonDoc)["properties"].(jsonDoc)
	fields, ok := object.(jsonDoc)
	if !ok || fields["id"] == nil {
		return []string{name + ": no object with an id"}
	}
	for key, value := range fields {
		property, ok := properties[key].(jsonDoc)
		if !ok {
			problems = append(problems, name+"."+key+" is not in the document")
			continue
		}
		is := map[string]string{"string": "string", "float64": "number", "bool": "boolean", "map[string]interface {}": "object", "[]interface {}": "array"}[fmt.Sprintf("%T", value)]
		want, _ := property["type"].(string)
		if want == "integer" {
			want = "number"
		}
		if want != "" && is != want {
			problems = append(problems, fmt.Sprintf("%s.%s is a %s, not a %s", name, key, is, want))
		}
	}
	return problems
}

// poller returns a poller of the rig's channel, which makes events of all kinds, with a state file of its own.
func (r *rig) poller(match func([]talkrelay.Event) []talkrelay.Delivery) *poller.Poller {
	r.t.Helper()
	db, err := state.Open(state.Config{Path: filepath.Join(r.t.TempDir(), "state.db")})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = db.Close() })
	p, err := poller.New(poller.Config{
		Name: "main", Store: db, Epoch: db.Epoch(), MessageLookupsPerMinute: 60, Match: match,
		API: channeltalk.New(channeltalk.Config{
			BaseURL: r.world.ChannelTalk.URL(), AccessKey: r.channel.AccessKey, AccessSecret: r.channel.AccessSecret,
			RequestsPerSecond: 1000, ListRequestsPerSecond: 1000,
		}),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// eventsOfADay lets a chat live in the sandbox and returns the envelope of one event of each kind that comes of it.
func eventsOfADay(t *testing.T) map[talkrelay.Kind]json.RawMessage {
	t.Helper()
	r := newRig(t)
	envelopes := map[talkrelay.Kind]json.RawMessage{}
	p := r.poller(func(events []talkrelay.Event) []talkrelay.Delivery {
		for i := range events {
			envelopes[events[i].Kind] = events[i].Envelope
		}
		return nil
	})
	look := func() {
		t.Helper()
		if err := p.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	group := r.channel.AddGroup("배송")
	look()
	group.Sends(r.agent, 2)
	look()
	customer := r.channel.AddUser(sandbox.User{Name: "홍길동", Contact: sandbox.Contact{MobileNumber: "+821012345678", Email: "hong@example.com"}})
	chat := r.channel.OpenChat(customer, "배송이 아직 안 왔어요", sandbox.Opening{})
	for _, happens := range []func(){
		func() {}, func() { chat.Assign(r.agent) }, func() { chat.Tag("배송") }, func() { chat.ManagerSays(r.agent, "확인하겠습니다") },
		func() { chat.Snooze(time.Hour) }, func() { customer.SetUnsubscribed(true, false) }, chat.Close,
	} {
		happens()
		look()
	}
	return envelopes
}
