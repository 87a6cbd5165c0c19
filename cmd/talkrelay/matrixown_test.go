package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"talkrelay/sandbox"
)

// ownFaults are those that only one service knows, or that mean something else at each.
var ownFaults = []matrixFault{
	{name: "ok:true without ts", once: sandbox.Fault{Body: `{"ok":true,"channel":"C0"}`}, want: only(slackColumn, lookedFor)},
	{name: "ok:false without error", once: sandbox.Fault{Body: `{"ok":false}`}, want: only(slackColumn, lookedFor)},
	{name: "ok:false, a code of tomorrow", lasting: sandbox.Fault{Skip: true, Status: 200, Body: `{"ok":false,"error":"code_of_tomorrow"}`}, want: only(slackColumn, placePaused)},
	{name: "ok:false, restricted_action_thread_locked", lasting: sandbox.Fault{Skip: true, Status: 200, Body: `{"ok":false,"error":"restricted_action_thread_locked"}`}, want: only(slackColumn, placePaused)},
	{name: "ok:false, channel_not_found", lasting: sandbox.Fault{Skip: true, Status: 200, Body: `{"ok":false,"error":"channel_not_found"}`}, want: only(slackColumn, placePaused)},
	{name: "ok:false, token_revoked", begin: func(r *matrixRig) { r.world.Slack.SetTokenError("token_revoked") },
		mend: func(r *matrixRig) { r.world.Slack.SetTokenError("") }, want: only(slackColumn, keyPaused)},
	{name: "ok:false, fatal_error", lasting: sandbox.Fault{Skip: true, Status: 200, Body: `{"ok":false,"error":"fatal_error"}`}, want: only(slackColumn, sentAgain)},
	{name: "ok:false, invalid_blocks", once: sandbox.Fault{Skip: true, Status: 200, Body: `{"ok":false,"error":"invalid_blocks"}`}, want: only(slackColumn, "rework → delivered")},
	{
		name: "200 and ok:false, ratelimited", want: [4]wanted{slackColumn: {says: again, quiet: 2 * time.Second}},
		once: sandbox.Fault{Skip: true, Status: 200, Header: http.Header{"Retry-After": {"2"}}, Body: `{"ok":false,"error":"ratelimited"}`},
	},
	{
		name: "200 and retry_after in the body alone", want: [4]wanted{slackColumn: {says: again, quiet: 2 * time.Second}},
		once: sandbox.Fault{Skip: true, Status: 200, Body: `{"ok":false,"error":"rate_limited","retry_after":2}`},
	},
	{
		name: "history that lags by one look-up", want: only(slackColumn, "in doubt → not found → found → delivered"),
		begin: func(r *matrixRig) {
			lost := sandbox.Only(r.c.site.path, sandbox.Script(&sandbox.Fault{Reset: true}))
			lags := sandbox.Only("conversations.history", sandbox.Script(&sandbox.Fault{Skip: true, Body: `{"ok":true,"messages":[],"has_more":false}`}))
			r.service().SetFault(func(service string, q sandbox.Request) *sandbox.Fault {
				return cmp.Or(lost(service, q), lags(service, q))
			})
		},
	},
	{
		name: "a channel it may write to and not read", sign: cannotSee, want: only(slackColumn, "in doubt → look-up: destination paused → found → delivered"),
		begin: func(r *matrixRig) {
			r.world.Slack.SetScopes(append(sandbox.DefaultScopes(), "chat:write.public")...)
			r.slack.SetMember(false)
			r.service().SetFault(sandbox.Only(r.c.site.path, sandbox.Script(&sandbox.Fault{Reset: true})))
		},
		mend: func(r *matrixRig) { r.slack.SetMember(true) },
	},
	refusal("400, the spreadsheet is full", "This action would increase the number of cells in the workbook above the limit of 10000000 cells."),
	refusal("400, the tab is protected", "You are trying to edit a protected cell or object. Please contact the spreadsheet owner."),
	{
		name: "our id at somebody else's", want: each("", sentAgain, "rework → delivered", ""),
		begin: func(r *matrixRig) { r.service().SetFault(sandbox.Only(r.c.site.path, r.stealID())) },
	},
	{
		name: "pages that repeat their last row", chats: 60, want: only(channelColumn, read),
		begin: func(r *matrixRig) { r.channel.SetQuirks(sandbox.Quirks{Unlimited: true, BoundaryTwice: true}) },
	},
	{
		name: "a last page that names itself as the next", chats: 60, want: only(channelColumn, read),
		begin: func(r *matrixRig) { r.channel.SetQuirks(sandbox.Quirks{Unlimited: true, NextRepeated: true}) },
	},
	{
		name: "an empty page at the end", chats: 50, want: only(channelColumn, read),
		begin: func(r *matrixRig) { r.channel.SetQuirks(sandbox.Quirks{Unlimited: true, EmptyLastPage: true}) },
	},
	{
		name: "lists in no order", chats: 60, want: only(channelColumn, read),
		begin: func(r *matrixRig) {
			r.channel.SetQuirks(sandbox.Quirks{Unlimited: true, Order: sandbox.Shuffled, BoundaryTwice: true})
		},
	},
	{
		name: "lists oldest first", chats: 60, want: only(channelColumn, read),
		begin: func(r *matrixRig) { r.channel.SetQuirks(sandbox.Quirks{Unlimited: true, Order: sandbox.OldestFirst}) },
	},
	{
		name: "an empty list for a while", want: only(channelColumn, read),
		begin: func(r *matrixRig) {
			r.service().SetFault(sandbox.Only(r.c.site.path, sandbox.Always(sandbox.Fault{Skip: true, Status: 200, Body: "{}"})))
			time.AfterFunc(2500*time.Millisecond, func() { r.service().SetFault(nil) })
		},
	},
	{
		name: "pages of 500 rows that take 20 s", chats: 540, want: only(channelColumn, read),
		begin: func(r *matrixRig) { r.service().SetFault(slowPages(20 * time.Second)) },
	},
}

func only(column int, says string) (want [4]wanted) {
	want[column].says = says
	return want
}

// refusal is what Google says of a batch that it will not take.
func refusal(name, message string) matrixFault {
	body := fmt.Sprintf(`{"error":{"code":400,"status":"INVALID_ARGUMENT","message":%q}}`, message)
	return matrixFault{name: name, lasting: sandbox.Fault{Skip: true, Status: http.StatusBadRequest, Body: body}, want: only(sheetsColumn, placePaused)}
}

// zombie holds the first request until the second has been applied.
func (r *matrixRig) zombie() sandbox.FaultFunc {
	n, hold, before := 0, make(chan struct{}), len(r.asked())
	var mu sync.Mutex
	return func(string, sandbox.Request) *sandbox.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch n++; n {
		case 1:
			return &sandbox.Fault{Hold: hold}
		case 2:
			go func() {
				defer close(hold)
				for r.asked()[before+1].Status == 0 {
					time.Sleep(time.Millisecond)
				}
			}()
		}
		return nil
	}
}

// slowPages makes the first large page take a while.
func slowPages(d time.Duration) sandbox.FaultFunc {
	var once sync.Once
	return func(_ string, q sandbox.Request) (f *sandbox.Fault) {
		if q.Query.Get("limit") == "500" {
			once.Do(func() { f = &sandbox.Fault{After: d} })
		}
		return f
	}
}

// stealID makes somebody else use the id of the next message or batch, before it is sent: a message of another bot, or
// metadata of another tool. The message is lost.
func (r *matrixRig) stealID() sandbox.FaultFunc {
	var once sync.Once
	return func(_ string, q sandbox.Request) (f *sandbox.Fault) {
		once.Do(func() {
			if r.c.site.column == sheetsColumn {
				r.sheet.AddMetadata(batchID(q.Body), "theirs", "x")
				return
			}
			kind, id := messageID(q.Body)
			r.slack.PostAs("B0SOMEBODY", "우연입니다", kind, id)
			f = &sandbox.Fault{Skip: true, Reset: true}
		})
		return f
	}
}

// messageID reads the metadata of a call of chat.postMessage.
func messageID(body []byte) (kind, id string) {
	form, _ := url.ParseQuery(string(body)) // the service complains if it is none
	var m struct {
		EventType string            `json:"event_type"`
		Payload   map[string]string `json:"event_payload"`
	}
	_ = json.Unmarshal([]byte(form.Get("metadata")), &m)
	return m.EventType, m.Payload["id"]
}

// batchID reads the id that a batch is about to take.
func batchID(body []byte) int32 {
	var b struct {
		Requests []struct {
			Create struct {
				Metadata struct {
					ID int32 `json:"metadataId"`
				} `json:"developerMetadata"`
			} `json:"createDeveloperMetadata"`
		} `json:"requests"`
	}
	_ = json.Unmarshal(body, &b)
	for _, q := range b.Requests {
		if id := q.Create.Metadata.ID; id != 0 {
			return id
		}
	}
	return 0
}
