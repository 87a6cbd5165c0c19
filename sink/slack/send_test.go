package slack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"talkrelay/sink"
	"talkrelay/sink/slack"
)

func TestSendDelivers(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.sink(nil)
	m := message(t, s, inquiry())
	receipt, err := s.Send(t.Context(), m)
	if err != nil || receipt == "" {
		t.Fatalf("Send = %q, %v", receipt, err)
	}
	post := f.seen("chat.postMessage")[0]
	if got := post.header.Get("Authorization"); got != "Bearer "+token {
		t.Errorf("Authorization is %q", got)
	}
	if strings.Contains(string(m.Body), token) || post.form.Has("token") {
		t.Error("the token is in the form")
	}
	want := map[string]string{
		"channel": chanA, "parse": "none", "link_names": "false", "unfurl_links": "false", "unfurl_media": "false",
		"metadata": `{"event_type":"talkrelay_delivery","event_payload":{"id":"` + shipment + `"}}`,
	}
	for key, value := range want {
		if got := post.form.Get(key); got != value {
			t.Errorf("%s = %q, want %q", key, got, value)
		}
	}
	if got := post.form.Encode(); got != string(m.Body) {
		t.Errorf("sent is not what was frozen:\n%s\n%s", got, m.Body)
	}
}

// Slack's own message is echoed in the answer. What cannot be decoded in it does not matter.
func TestSendIgnoresTheEcho(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.says("chat.postMessage", 200, `{"ok":true,"channel":"`+chanA+`","ts":"1.000001","message":{"blocks":[{"type":"header","text":[]}],"bot_id":7}}`)
	s := f.sink(nil)
	if receipt, err := s.Send(t.Context(), message(t, s, inquiry())); err != nil || receipt != "1.000001" {
		t.Fatalf("Send = %q, %v; want 1.000001", receipt, err)
	}
}

func TestSendUnclearAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status   int
		body     string
		answered bool
	}{
		"empty object":           {200, `{}`, true},
		"ok false without error": {200, `{"ok":false}`, true},
		"ok without ts":          {200, `{"ok":true,"channel":"` + chanA + `"}`, true},
		"ok for another channel": {200, `{"ok":true,"ts":"1.1","channel":"` + chanB + `"}`, true},
		"ok with odd ts":         {200, `{"ok":true,"ts":1.1,"channel":"` + chanA + `"}`, true},
		"html":                   {200, `<html>proxy</html>`, true},
		"cut JSON":               {200, `{"ok":true,"channel":"C00`, true},
		"null":                   {200, `null`, true},
		"no body":                {200, ``, true},
		"accepted":               {202, `{"ok":true,"ts":"1.1","channel":"` + chanA + `"}`, true},
		"redirect":               {302, ``, true},
		"server error":           {500, `{"ok":false,"error":"fatal_error"}`, true},
		"bad gateway":            {502, `<html>`, true},
		"gateway timeout":        {504, `<html>`, false},
		"request timeout":        {408, `<html>`, false},
		"conflict":               {409, ``, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.says("chat.postMessage", tt.status, tt.body)
			s := f.sink(nil)
			receipt, err := s.Send(t.Context(), message(t, s, inquiry()))
			if receipt != "" {
				t.Errorf("receipt %q for an unclear answer", receipt)
			}
			if e := mustVerdict(t, err, sink.InDoubt); e.Answered != tt.answered {
				t.Errorf("Answered = %v, want %v (%v)", e.Answered, tt.answered, err)
			}
			if n := len(f.seen("chat.postMessage")); n != 1 {
				t.Errorf("%d posts, want 1", n)
			}
		})
	}
}

func TestSendBrokenConnections(t *testing.T) {
	t.Parallel()
	tests := map[string]http.HandlerFunc{
		"closed before the answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"closed inside the answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, `{"ok":true,"ts":"1.1","channel":"`+chanA+`"`)
			panic(http.ErrAbortHandler)
		},
		"no answer in time": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.on("chat.postMessage", handler)
			s := f.sink(nil)
			_, err := s.Send(t.Context(), message(t, s, inquiry()))
			if e := mustVerdict(t, err, sink.InDoubt); e.Answered {
				t.Errorf("Answered without a whole answer: %v", err)
			}
			if n := len(f.seen("chat.postMessage")); n != 1 {
				t.Errorf("%d posts, want 1", n)
			}
		})
	}
}

func TestSendWithoutConnection(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	tests := map[string]func(*slack.Config){
		"refused": func(c *slack.Config) { c.Base = dialing(errors.New("connect: connection refused")) },
		"no name": func(c *slack.Config) { c.Base = dialing(&net.DNSError{Err: "no such host", Name: "slack.com"}) },
		"tls":     func(c *slack.Config) { c.APIURL = strings.Replace(f.srv.URL, "http:", "https:", 1) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := f.sink(change)
			_, err := s.Send(t.Context(), message(t, s, inquiry()))
			mustVerdict(t, err, sink.Retry)
		})
	}
}

func dialing(err error) http.RoundTripper {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, err }}
}

func TestSendFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	other := newFake(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		f := newFake(t)
		f.on("chat.postMessage", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.srv.URL+"/chat.postMessage", status)
		})
		s := f.sink(nil)
		_, err := s.Send(t.Context(), message(t, s, inquiry()))
		mustVerdict(t, err, sink.InDoubt)
	}
	if n := len(other.seen("chat.postMessage")); n != 0 {
		t.Errorf("%d requests reached the other host", n)
	}
}

// Nor do the calls besides the post: slack-go's carry the token in the form.
func TestNoCallFollowsARedirect(t *testing.T) {
	t.Parallel()
	other := newFake(t)
	for _, method := range []string{"auth.test", "conversations.info", "conversations.list", "conversations.history", "chat.delete"} {
		f := newFake(t)
		f.put(copyOf("5.000001", botID, shipment), copyOf("5.000002", botID, shipment))
		f.on(method, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.srv.URL+"/"+method, http.StatusPermanentRedirect)
		})
		s := f.sink(func(c *slack.Config) { c.Channel = "cs" })
		s.Check(t.Context())
		_, _, _ = s.Resolve(t.Context(), message(t, s, inquiry()))
		if len(f.seen(method)) == 0 {
			t.Errorf("%s was not called", method)
		}
		if n := len(other.seen(method)); n != 0 {
			t.Errorf("%s: %d requests reached the other host", method, n)
		}
	}
}

// codes is section "error taxonomy" of the research into Slack's errors, written down a second time on purpose.
var codes = map[sink.Verdict]string{
	sink.Retry:   "ratelimited rate_limited message_limit_exceeded team_added_to_org org_login_required external_channel_migrating update_failed",
	sink.InDoubt: "fatal_error internal_error service_unavailable request_timeout duplicate_message_not_found duplicate_channel_not_found",
	sink.PauseDestination: "channel_not_found not_in_channel is_archived is_inactive restricted_action restricted_action_read_only_channel " +
		"restricted_action_thread_only_channel messages_tab_disabled ekm_access_denied team_not_found channel_is_limited_access " +
		"posting_to_channel_denied slack_connect_file_link_sharing_blocked slack_connect_anything_new_blocked method_not_supported_for_channel_type " +
		"cannot_reply_to_message restricted_action_thread_locked restricted_action_non_threadable_channel no_permission " +
		"invalid_arg_name invalid_arguments invalid_array_arg invalid_charset invalid_form_data invalid_post_type missing_post_type " +
		"unknown_method method_deprecated deprecated_endpoint invalid_ts_latest invalid_ts_oldest a_code_of_tomorrow slack_connect_odd",
	sink.Rework: "msg_too_long msg_blocks_too_long no_text invalid_blocks invalid_blocks_format invalid_attachments attachment_payload_limit_exceeded " +
		"too_many_attachments too_many_contact_cards metadata_too_large invalid_metadata_format invalid_metadata_schema markdown_text_conflict block_mismatch",
	sink.PauseCredential: "not_authed invalid_auth account_inactive token_revoked token_expired missing_scope not_allowed_token_type access_denied " +
		"accesslimited app_access_restricted two_factor_setup_required enterprise_is_restricted is_bot as_user_not_supported " +
		"send_on_behalf_not_allowed metadata_must_be_sent_from_app",
}

func TestSendErrorCodes(t *testing.T) {
	t.Parallel()
	var tested []string
	for verdict, list := range codes {
		for _, code := range strings.Fields(list) {
			tested = append(tested, code)
			t.Run(code, func(t *testing.T) {
				t.Parallel()
				f := newFake(t)
				f.refuses("chat.postMessage", code)
				s := f.sink(nil)
				_, err := s.Send(t.Context(), message(t, s, inquiry()))
				e := mustVerdict(t, err, verdict)
				if !strings.Contains(e.Reason, code) {
					t.Errorf("the reason does not name the code: %v", err)
				}
				if e.Answered != (verdict == sink.InDoubt) {
					t.Errorf("Answered = %v for %v", e.Answered, verdict)
				}
				if e.Form != "" && e.Form != slack.FormPlain {
					t.Errorf("Form = %q", e.Form)
				}
				if paused := verdict == sink.PauseDestination || verdict == sink.PauseCredential; paused && !helpful(e.Reason) {
					t.Errorf("the reason says not what to do: %v", err)
				}
			})
		}
	}
	for _, code := range slack.Codes() {
		if !slices.Contains(tested, code) {
			t.Errorf("%s is in the table and not in the test", code)
		}
	}
}

// helpful reports whether a reason tells what to do.
func helpful(reason string) bool {
	for _, hint := range []string{`sink.slack "cs-alerts"`, "install", "please report"} {
		if strings.Contains(reason, hint) {
			return true
		}
	}
	return false
}

// A code is a word of Slack's. Anything else does not get into logs.
func TestSendStrangeCode(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.says("chat.postMessage", 200, `{"ok":false,"error":"hong@example.com said\nhello"}`)
	s := f.sink(nil)
	_, err := s.Send(t.Context(), message(t, s, inquiry()))
	mustVerdict(t, err, sink.PauseDestination)
	if strings.Contains(err.Error(), "hong") {
		t.Errorf("the answer is in the error: %v", err)
	}
}

func TestSendOtherStatuses(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]sink.Verdict{
		400: sink.PauseDestination, 401: sink.PauseDestination, 403: sink.PauseDestination, 404: sink.PauseDestination,
		407: sink.PauseDestination, 413: sink.PauseDestination, 429: sink.Retry, 500: sink.InDoubt, 503: sink.InDoubt,
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			f.says("chat.postMessage", status, "<html>")
			s := f.sink(nil)
			_, err := s.Send(t.Context(), message(t, s, inquiry()))
			mustVerdict(t, err, want)
		})
	}
}

// A 4xx with Slack's own words in it is judged by them.
func TestSendCodeWithStatus(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.says("chat.postMessage", 401, `{"ok":false,"error":"invalid_auth"}`)
	s := f.sink(nil)
	_, err := s.Send(t.Context(), message(t, s, inquiry()))
	mustVerdict(t, err, sink.PauseCredential)
}

// The plain form is tried once. What Slack refuses even then is bad, and so is an own text.
func TestSendDegradesOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.refuses("chat.postMessage", "invalid_blocks")
	s := f.sink(nil)
	_, err := s.Send(t.Context(), message(t, s, inquiry()))
	form := mustVerdict(t, err, sink.Rework).Form
	body, _, err := s.Prepare(shipment, []sink.Item{{Event: inquiry()}}, form)
	if err != nil || strings.Contains(string(body), "blocks=") {
		t.Fatalf("Prepare(%q) = %q, %v; want no blocks", form, body, err)
	}
	_, err = s.Send(t.Context(), sink.Message{ID: shipment, Body: body, Attempt: 2})
	mustVerdict(t, err, sink.Bad)

	own := f.sink(func(c *slack.Config) { c.Text = "{{.User.Name}}" })
	_, err = own.Send(t.Context(), message(t, own, inquiry()))
	mustVerdict(t, err, sink.Bad)
}

// no_permission is about the channel as long as Slack accepts the token.
func TestSendNoPermission(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.refuses("chat.postMessage", "no_permission")
	f.refuses("auth.test", "token_revoked")
	s := f.sink(nil)
	_, err := s.Send(t.Context(), message(t, s, inquiry()))
	mustVerdict(t, err, sink.PauseCredential)
}

// Whoever changes the channel wants what waits in the new one.
func TestSendAfterTheChannelChanged(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	m := message(t, f.sink(nil), inquiry())
	moved := f.sink(func(c *slack.Config) { c.Channel = chanB })
	_, err := moved.Send(t.Context(), m)
	mustVerdict(t, err, sink.Rework)
	if n := len(f.seen("chat.postMessage")); n != 0 {
		t.Fatalf("%d posts, want none", n)
	}
	if _, err := moved.Send(t.Context(), message(t, moved, inquiry())); err != nil {
		t.Fatal(err)
	}
	if got := f.seen("chat.postMessage")[0].form.Get("channel"); got != chanB {
		t.Errorf("posted to %s, want %s", got, chanB)
	}
}

func TestSendUnreadableBody(t *testing.T) {
	t.Parallel()
	s := newFake(t).sink(nil)
	for _, body := range []string{"", "%zz", `{"text":"x"}`} {
		_, err := s.Send(t.Context(), sink.Message{ID: shipment, Body: []byte(body), Attempt: 1})
		mustVerdict(t, err, sink.Rework)
	}
}

func TestSendCancelled(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.on("chat.postMessage", func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	s := f.sink(func(c *slack.Config) { c.Timeout = time.Minute })
	_, err := s.Send(ctx, message(t, s, inquiry()))
	mustVerdict(t, err, sink.InDoubt)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not wrap context.Canceled", err)
	}

	_, err = s.Send(ctx, message(t, s, inquiry())) // cancelled before
	mustVerdict(t, err, sink.Retry)
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	for _, answer := range []string{token, `{"ok":false,"error":"` + token + `"}`, `{"ok":true,"ts":"","channel":"` + token + `"}`} {
		f.says("chat.postMessage", 200, answer)
		s := f.sink(nil)
		_, err := s.Send(t.Context(), message(t, s, inquiry()))
		if err == nil || strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("answer %q: error %v", answer, err)
		}
	}
}
