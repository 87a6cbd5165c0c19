package sandbox_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"talkrelay/sandbox"
)

func TestTokenEndpoint(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	tests := map[string]struct {
		change func(c map[string]any)
		spoil  func(jwt string) string
		want   string // error, "" = a token
	}{
		"good":          {nil, nil, ""},
		"other account": {func(c map[string]any) { c["iss"] = "x@sandbox.iam.gserviceaccount.com" }, nil, "invalid_grant"},
		"other address": {func(c map[string]any) { c["aud"] = "https://oauth2.googleapis.com/token" }, nil, "invalid_grant"},
		"too long":      {func(c map[string]any) { c["exp"] = clock.now().Add(2 * time.Hour).Unix() }, nil, "invalid_grant"},
		"expired": {func(c map[string]any) {
			c["iat"], c["exp"] = clock.now().Add(-2*time.Hour).Unix(), clock.now().Add(-time.Hour).Unix()
		}, nil, "invalid_grant"},
		"from the future": {func(c map[string]any) {
			c["iat"], c["exp"] = clock.now().Add(time.Hour).Unix(), clock.now().Add(2*time.Hour).Unix()
		}, nil, "invalid_grant"},
		"no scope":        {func(c map[string]any) { delete(c, "scope") }, nil, "invalid_scope"},
		"other signature": {nil, func(jwt string) string { return jwt[:len(jwt)-8] + "AAAAAAAA" }, "invalid_grant"},
		"no JWT":          {nil, func(string) string { return "x" }, "invalid_grant"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWith(t, sandbox.Options{Now: clock.now})
			jwt := assertion(t, w.Google.ServiceAccountJSON(), clock.now(), tt.change)
			if tt.spoil != nil {
				jwt = tt.spoil(jwt)
			}
			r := exchange(t, w.Google, jwt)
			if tt.want == "" {
				if r.status != 200 || r.path("access_token") == nil || r.path("expires_in") != 3599.0 || r.path("token_type") != "Bearer" {
					t.Errorf("got %d %s", r.status, r.body)
				}
				wantClean(t, w)
				return
			}
			if r.status != 400 || r.path("error") != tt.want || r.path("error_description") == "" {
				t.Errorf("got %d %s", r.status, r.body)
			}
		})
	}
}

func TestTokenEndpointRefusesOtherGrants(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	r := do(t, "POST", w.Google.URL()+"/token", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "grant_type=password")
	if r.status != 400 || r.path("error") != "unsupported_grant_type" {
		t.Errorf("got %d %s", r.status, r.body)
	}
	wantViolation(t, w, "grant_type")
	if r := do(t, "GET", w.Google.URL()+"/token", nil, ""); r.status != 400 {
		t.Errorf("GET: %d", r.status)
	}
}

func TestAllOfDriveIsAViolation(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	jwt := assertion(t, w.Google.ServiceAccountJSON(), time.Now(), func(c map[string]any) { c["scope"] = "https://www.googleapis.com/auth/drive" })
	exchange(t, w.Google, jwt)
	wantViolation(t, w, "all of Drive")
}

func TestDisabledAccount(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	sheet := w.Google.AddSpreadsheet("s")
	c := signIn(t, w.Google, w.Google.Account(), time.Now())
	w.Google.Account().SetDisabled(true)
	if r := c.get(sheet.ID); r.status != 401 || r.path("error.status") != "UNAUTHENTICATED" {
		t.Errorf("old token: %d %s", r.status, r.body)
	}
	if r := exchange(t, w.Google, assertion(t, w.Google.ServiceAccountJSON(), time.Now(), nil)); r.path("error") != "invalid_grant" {
		t.Errorf("new token: %d %s", r.status, r.body)
	}
}

func TestSheetsRefuses(t *testing.T) {
	t.Parallel()
	type prepare func(w *sandbox.World, s *sandbox.Spreadsheet, c *sheetsClient)
	tests := map[string]struct {
		prepare prepare
		status  int
		code    string
		reason  string // of the ErrorInfo; "" = none
	}{
		"no token": {func(_ *sandbox.World, _ *sandbox.Spreadsheet, c *sheetsClient) { c.header.Del("Authorization") }, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_INVALID"},
		"wrong token": {func(_ *sandbox.World, _ *sandbox.Spreadsheet, c *sheetsClient) {
			c.header.Set("Authorization", "Bearer x")
		}, 401, "UNAUTHENTICATED", "ACCESS_TOKEN_INVALID"},
		"other scope": {func(w *sandbox.World, _ *sandbox.Spreadsheet, c *sheetsClient) {
			jwt := assertion(c.t, w.Google.ServiceAccountJSON(), time.Now(), func(claims map[string]any) { claims["scope"] = "email" })
			c.header.Set("Authorization", "Bearer "+exchange(c.t, w.Google, jwt).path("access_token").(string))
		}, 403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"},
		"not shared": {func(w *sandbox.World, s *sandbox.Spreadsheet, _ *sheetsClient) {
			s.SetShared(w.Google.Account(), false)
		}, 403, "PERMISSION_DENIED", ""},
		"disabled": {func(w *sandbox.World, _ *sandbox.Spreadsheet, _ *sheetsClient) { w.Google.SetDisabled(true) }, 403, "PERMISSION_DENIED", "SERVICE_DISABLED"},
		"deleted":  {func(_ *sandbox.World, s *sandbox.Spreadsheet, _ *sheetsClient) { s.Delete() }, 404, "NOT_FOUND", ""},
		"xlsx":     {func(_ *sandbox.World, s *sandbox.Spreadsheet, _ *sheetsClient) { s.SetOffice(true) }, 400, "FAILED_PRECONDITION", ""},
		"no reads left": {func(w *sandbox.World, _ *sandbox.Spreadsheet, _ *sheetsClient) {
			w.Google.Set(sandbox.GoogleSettings{ReadsPerMinute: 1})
		}, 429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWith(t, sandbox.Options{Now: newFixed()})
			sheet := w.Google.AddSpreadsheet("s")
			c := signIn(t, w.Google, w.Google.Account(), time.Now())
			if name == "no reads left" {
				c.get(sheet.ID)
			}
			tt.prepare(w, sheet, c)
			r := c.get(sheet.ID)
			if r.status != tt.status || r.path("error.code") != float64(tt.status) || r.path("error.status") != tt.code || r.path("error.message") == "" {
				t.Errorf("got %d %s", r.status, r.body)
			}
			if reason, _ := r.path("error.details.0.reason").(string); reason != tt.reason {
				t.Errorf("reason %q in %s", reason, r.body)
			}
		})
	}
}

// newFixed is a clock that stands still, so that a minute does not end during a test.
func newFixed() func() time.Time {
	now := time.Now()
	return func() time.Time { return now }
}

func TestSelfSignedTokens(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	sheet := w.Google.AddSpreadsheet("s")
	jwt := assertion(t, w.Google.ServiceAccountJSON(), time.Now(), nil)
	if r := do(t, "GET", w.Google.Endpoint()+"v4/spreadsheets/"+sheet.ID, http.Header{"Authorization": {"Bearer " + jwt}}, ""); r.status != 200 {
		t.Errorf("got %d %s", r.status, r.body)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	clock := &watch{t: time.Date(2026, 11, 22, 5, 0, 30, 0, time.UTC)}
	w := startWith(t, sandbox.Options{Now: clock.now})
	sheet := w.Google.AddSpreadsheet("s")
	second := w.Google.AddServiceAccount("second")
	c := signIn(t, w.Google, w.Google.Account(), clock.now())
	add := `{"appendCells":{"sheetId":0,"fields":"*","rows":[{"values":[{"userEnteredValue":{"stringValue":"a"}}]}]}}`
	for i := range 60 {
		if r := c.batch(sheet, add); r.status != 200 {
			t.Fatalf("write %d: %d %s", i, r.status, r.body)
		}
	}
	r := c.batch(sheet, add)
	if r.status != 429 || r.path("error.details.0.metadata.quota_limit") != "WriteRequestsPerMinutePerUser" || r.header.Get("Retry-After") != "" {
		t.Errorf("write 61: %d %s", r.status, r.body)
	}
	if r := c.get(sheet.ID); r.status != 200 {
		t.Errorf("reads have a quota of their own: %d", r.status)
	}
	if r := signIn(t, w.Google, second, clock.now()).batch(sheet, add); r.status != 200 {
		t.Errorf("so has the other account: %d", r.status)
	}
	clock.add(29 * time.Second)
	if r := c.batch(sheet, add); r.status != 429 {
		t.Errorf("in the same minute: %d", r.status)
	}
	clock.add(time.Second)
	if r := c.batch(sheet, add); r.status != 200 {
		t.Errorf("in the next minute: %d", r.status)
	}
	if n := w.Google.Account().MaxWritesPerMinute(); n != 63 {
		t.Errorf("MaxWritesPerMinute = %d", n)
	}
	if n := len(sheet.Rows("시트1")); n != 62 {
		t.Errorf("%d rows", n)
	}
	w.Google.Set(sandbox.GoogleSettings{WritesPerMinute: -1})
	for range 70 {
		if r := c.batch(sheet, add); r.status != 200 {
			t.Fatalf("without limit: %d", r.status)
		}
	}
	wantClean(t, w)
}

func TestUnknownPathsAndParameters(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	sheet := w.Google.AddSpreadsheet("s")
	c := signIn(t, w.Google, w.Google.Account(), time.Now())
	for path, status := range map[string]int{
		sheet.ID + "?range=A1":                                        400,
		sheet.ID + "/values/A1:append":                                400,
		sheet.ID + "/sheets/0:copyTo":                                 501,
		"../drive/v3/files":                                           404,
		sheet.ID + "?fields=spreadsheetId&alt=json&prettyPrint=false": 200,
	} {
		if r := c.get(path); r.status != status {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := c.post(sheet.ID+"/values/A1:append?majorDimension=ROWS", `{"values":[["a"]]}`); r.status != 501 {
		t.Errorf("append: %d %s", r.status, r.body)
	}
	wantViolation(t, w, "unknown parameter range")
	wantViolation(t, w, "method is not simulated")
}

func TestKeyFilesDiffer(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	a, b := w.Google.Account(), w.Google.AddServiceAccount("b")
	if a.Email == b.Email || a.KeyID == b.KeyID || slices.Equal(a.JSON(), b.JSON()) {
		t.Error("two accounts have one identity")
	}
}
