package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/poller"
	"talkrelay/sandbox"
	"talkrelay/state"
)

// envelopeSchemas are the schemas in Channel Talk's document of what an envelope holds, by the name it has there.
var envelopeSchemas = map[string]string{
	"userChat": "legacy.v7.userChat.LegacyV7UserChat", "message": "Message", "user": "open.OpenApiUserDto",
	"manager": "Manager", "bot": "bot.Bot", "group": "Group",
}

// channelTalkDoc is Channel Talk's own document, where it is.
func channelTalkDoc(t *testing.T) jsonDoc {
	t.Helper()
	found, _ := filepath.Glob("../../../shared/openapi/*.json")
	if len(found) == 0 {
		t.Skip("Channel Talk's OpenAPI document is not here")
	}
	return readDoc(t, found[len(found)-1])
}

func channelTalkSchemas(t *testing.T) jsonDoc {
	t.Helper()
	return channelTalkDoc(t)["components"].(jsonDoc)["schemas"].(jsonDoc)
}

// TestEnvelopeContract lets one event of each kind happen and holds its envelope against Channel Talk's document: the keys
// of a webhook's body, and in its objects no field and no type that the document does not have.
func TestEnvelopeContract(t *testing.T) {
	t.Parallel()
	schemas := channelTalkSchemas(t)
	events := eventsOfADay(t)
	checked := map[talkrelay.Kind]bool{}
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
		{"member.upserted.contact", "upsert", "user", ""},
		{"member.upserted.subscription", "upsert", "user", ""},
		{"userChat.waiting", "update", "userChat", "message user"},
	} {
		checked[talkrelay.Kind(w.kind)] = true
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
		problems := checkObject(schemas, envelopeSchemas[w.typ], body["entity"])
		for name, object := range refers {
			problems = append(problems, checkObject(schemas, envelopeSchemas[name], object)...)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", w.kind, p)
		}
	}
	for _, k := range talkrelay.Kinds() {
		if !checked[k] && !k.DeletionEvent() {
			t.Errorf("%s is not checked", k)
		}
	}
}

// TestDeletedEnvelopeContract lets customers be deleted. Of one who is gone the envelope has our own copy, with those of the
// document's fields that we keep.
func TestDeletedEnvelopeContract(t *testing.T) {
	t.Parallel()
	schemas := channelTalkSchemas(t)
	events := eventsOfADay(t)
	for _, kind := range []talkrelay.Kind{talkrelay.LeadDeleted, talkrelay.MemberDeleted} {
		var body jsonDoc
		if err := json.Unmarshal(events[kind], &body); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		refers, _ := body["refers"].(jsonDoc)
		user, _ := body["entity"].(jsonDoc)
		if body["event"] != "delete" || body["type"] != "user" || len(refers) != 0 || len(body) != 4 || user["id"] == nil || user["name"] == nil {
			t.Errorf("%s: %s", kind, events[kind])
		}
		for _, p := range checkTypes(schemas, schemas[envelopeSchemas["user"]].(jsonDoc), "user", user) {
			t.Errorf("%s: %s", kind, p)
		}
	}
}

// requiredFields are those that a receiver of webhooks cannot do without, beside what the document calls required.
var requiredFields = map[string][]string{
	"legacy.v7.userChat.LegacyV7UserChat": {"id", "channelId", "state", "userId", "createdAt", "updatedAt", "version"},
	"open.OpenApiUserDto":                 {"id", "channelId", "type", "createdAt", "updatedAt"},
	"Manager":                             {"id", "channelId"},
	"bot.Bot":                             {"id", "channelId", "name"},
}

// checkObject returns what an object has that a schema has not, or of another type, and what it lacks: at any depth, as far
// as the document goes.
func checkObject(schemas jsonDoc, name string, object any) (problems []string) {
	fields, ok := object.(jsonDoc)
	if !ok || fields["id"] == nil {
		return []string{name + ": no object with an id"}
	}
	for _, key := range requiredFields[name] {
		if _, ok := fields[key]; !ok {
			problems = append(problems, name+"."+key+" is missing")
		}
	}
	return append(problems, checkTypes(schemas, schemas[name].(jsonDoc), name, object)...)
}

// jsonTypes are the document's words for what decoded JSON is made of.
var jsonTypes = map[string]string{
	"string": "string", "float64": "number", "bool": "boolean", "map[string]interface {}": "object", "[]interface {}": "array",
}

// checkTypes holds a value against a schema. at says where it stands.
func checkTypes(schemas, schema jsonDoc, at string, value any) (problems []string) {
	if ref, ok := schema["$ref"].(string); ok {
		schema, _ = schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(jsonDoc)
	}
	is, want := jsonTypes[fmt.Sprintf("%T", value)], fmt.Sprint(cmp.Or(schema["type"], any("")))
	if want == "integer" {
		if n, ok := value.(float64); ok && n != math.Trunc(n) {
			return []string{at + " is no whole number"}
		}
		want = "number"
	}
	if want != "" && is != want {
		return []string{fmt.Sprintf("%s is a %s, not a %s", at, is, want)}
	}
	if allowed, ok := schema["enum"].([]any); ok && !slices.Contains(allowed, value) {
		problems = append(problems, fmt.Sprintf("%s is %v, not one of %v", at, value, allowed))
	}
	switch v := value.(type) {
	case jsonDoc:
		problems = append(problems, checkFields(schemas, schema, at, v)...)
	case []any:
		items, _ := schema["items"].(jsonDoc)
		for i, item := range v {
			problems = append(problems, checkTypes(schemas, items, fmt.Sprintf("%s[%d]", at, i), item)...)
		}
	}
	return problems
}

// checkFields holds the fields of an object against a schema. The document calls the values of free fields objects, whatever
// they are: of those nothing is asked.
func checkFields(schemas, schema jsonDoc, at string, fields jsonDoc) (problems []string) {
	required, _ := schema["required"].([]any)
	for _, key := range required {
		if _, ok := fields[key.(string)]; !ok {
			problems = append(problems, fmt.Sprintf("%s.%s is missing", at, key))
		}
	}
	properties, _ := schema["properties"].(jsonDoc)
	for key, value := range fields {
		property, ok := properties[key].(jsonDoc)
		switch {
		case ok:
			problems = append(problems, checkTypes(schemas, property, at+"."+key, value)...)
		case properties != nil && schema["additionalProperties"] == nil:
			problems = append(problems, at+"."+key+" is not in the document")
		}
	}
	return problems
}

// TestContractCheckNotices makes sure that the checks above notice what is wrong.
func TestContractCheckNotices(t *testing.T) {
	t.Parallel()
	var schemas jsonDoc
	if err := json.Unmarshal([]byte(`{"Message": {"required": ["id", "chatId"], "properties": {
		"id": {"type": "string"}, "chatId": {"type": "string"}, "at": {"type": "integer"}, "state": {"type": "string", "enum": ["sent"]},
		"log": {"$ref": "#/components/schemas/Log"}, "files": {"type": "array", "items": {"$ref": "#/components/schemas/Log"}}}},
		"Log": {"required": ["action"], "properties": {"action": {"type": "string"}}}}`), &schemas); err != nil {
		t.Fatal(err)
	}
	for object, want := range map[string]string{
		`{"id": "1", "chatId": "2", "at": 3, "state": "sent", "log": {"action": "a"}, "files": [{"action": "b"}]}`: "",
		`{"chatId": "2"}`:                         "Message: no object with an id",
		`{"id": "1"}`:                             "Message.chatId is missing",
		`{"id": "1", "chatId": 2}`:                "Message.chatId is a number, not a string",
		`{"id": "1", "chatId": null}`:             "Message.chatId is a , not a string",
		`{"id": "1", "chatId": "2", "at": 0.5}`:   "Message.at is no whole number",
		`{"id": "1", "chatId": "2", "state": ""}`: "Message.state is , not one of [sent]",
		`{"id": "1", "chatId": "2", "new": true}`: "Message.new is not in the document",
		`{"id": "1", "chatId": "2", "log": {}}`:   "Message.log.action is missing",
		`{"id": "1", "chatId": "2", "files": [{"action": "b"}, {"action": false}]}`: "Message.files[1].action is a boolean, not a string",
	} {
		var v any
		if err := json.Unmarshal([]byte(object), &v); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(checkObject(schemas, "Message", v), ", "); got != want {
			t.Errorf("%s: %q, want %q", object, got, want)
		}
	}
}

// poller returns a poller of the rig's channel, which makes events of all kinds, with a state file of its own.
func (r *rig) poller(match func([]talkrelay.Event) []talkrelay.Delivery) *poller.Poller {
	r.t.Helper()
	p, _ := r.pollerWith(func(c *poller.Config) { c.Match = match })
	return p
}

// pollerWith is poller with other settings. It returns the state file as well.
func (r *rig) pollerWith(change func(*poller.Config)) (*poller.Poller, *state.DB) {
	r.t.Helper()
	db, err := state.Open(state.Config{Path: filepath.Join(r.t.TempDir(), "state.db")})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = db.Close() })
	c := poller.Config{
		Name: "main", Store: db, Epoch: db.Epoch(), MessageLookupsPerMinute: 60,
		API: channeltalk.New(channeltalk.Config{
			BaseURL: r.world.ChannelTalk.URL(), AccessKey: r.channel.AccessKey, AccessSecret: r.channel.AccessSecret,
			RequestsPerSecond: 1000, ListRequestsPerSecond: 1000,
		}),
	}
	change(&c)
	p, err := poller.New(c)
	if err != nil {
		r.t.Fatal(err)
	}
	return p, db
}

// eventsOfADay lets chats of two customers live in the sandbox, and two more customers be deleted. It returns the envelope of
// one event of each kind that comes of it.
func eventsOfADay(t *testing.T) map[talkrelay.Kind]json.RawMessage {
	t.Helper()
	r := newRig(t)
	r.channel.SetQuirks(sandbox.Quirks{Unlimited: true})
	envelopes := map[talkrelay.Kind]json.RawMessage{}
	p, db := r.pollerWith(func(c *poller.Config) {
		c.Waiting.Stages, c.ContactRequestsPerMinute = []time.Duration{time.Minute}, 600
		c.Match = func(events []talkrelay.Event) []talkrelay.Delivery {
			for i := range events {
				envelopes[events[i].Kind] = events[i].Envelope
			}
			return nil
		}
	})
	look := func() {
		t.Helper()
		if err := p.Once(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	group := r.channel.AddGroup("배송")
	leaving := []*sandbox.Customer{
		r.channel.AddUser(sandbox.User{Name: "떠날 고객"}), r.channel.AddUser(sandbox.User{Name: "떠날 회원", Member: true, MemberID: "m9"}),
	}
	for _, c := range leaving {
		r.channel.OpenChat(c, "문의", sandbox.Opening{})
	}
	look()
	group.Sends(r.agent, 2)
	look()
	contact := sandbox.Contact{MobileNumber: "+821012345678", Email: "hong@example.com"}
	customer := r.channel.AddUser(sandbox.User{Name: "홍길동", Contact: contact})
	member := r.channel.AddUser(sandbox.User{Name: "김회원", Member: true, MemberID: "m1", Contact: contact})
	chat := r.channel.OpenChat(customer, "배송이 아직 안 왔어요", sandbox.Opening{})
	r.channel.OpenChat(member, "환불해 주세요", sandbox.Opening{At: time.Now().Add(-58 * time.Second)}) // has almost waited too long
	for _, happens := range []func(){
		func() {}, func() { chat.Assign(r.agent) }, func() { chat.Tag("배송") }, func() { chat.ManagerSays(r.agent, "확인하겠습니다") },
		func() { chat.Snooze(time.Hour) }, func() { customer.SetUnsubscribed(true, false) }, func() { member.SetUnsubscribed(true, false) }, chat.Close,
	} {
		happens()
		look()
	}
	await(t, "a wait that is too long", func() bool { look(); return envelopes[talkrelay.UserChatWaiting] != nil }, func() string { return "" })
	for i, kind := range []talkrelay.Kind{talkrelay.LeadDeleted, talkrelay.MemberDeleted} {
		leaving[i].Delete()
		noticeDeleted(t, p, db, leaving[i].ID(), func() bool { return envelopes[kind] != nil })
	}
	return envelopes
}

// noticeDeleted lets a poller look for a customer until it tells that they are gone. The minutes that lie between its two
// looks are taken off what it has written down about the first.
func noticeDeleted(t *testing.T, p *poller.Poller, db *state.DB, id string, told func() bool) {
	t.Helper()
	ref := talkrelay.Ref{Type: talkrelay.EntityUser, ID: id}
	for range 500 {
		if err := p.PollOnce(t.Context(), poller.JobContacts); err != nil {
			t.Fatal(err)
		}
		if told() {
			return
		}
		data, err := db.Entity("main", ref)
		var snap jsonDoc
		if err != nil || json.Unmarshal(data, &snap) != nil {
			t.Fatalf("snapshot of %s: %v, %s", id, err, data)
		}
		if gone, ok := snap["g"].(float64); ok && time.Since(time.UnixMilli(int64(gone))) < time.Hour {
			snap["g"] = int64(gone) - 2*time.Hour.Milliseconds()
			putEntity(t, db, ref, snap)
		}
	}
	t.Fatalf("nobody says that %s is gone", id)
}

// putEntity replaces a snapshot in a state file.
func putEntity(t *testing.T, db *state.DB, ref talkrelay.Ref, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	cursor, err := db.Cursor("main", "chats")
	if err != nil {
		t.Fatal(err)
	}
	c := talkrelay.Commit{Epoch: db.Epoch(), Channel: "main", Stream: "chats", Read: cursor, Cursor: cursor, Entities: map[talkrelay.Ref][]byte{ref: data}}
	if err := db.Commit(c); err != nil {
		t.Fatal(err)
	}
}
