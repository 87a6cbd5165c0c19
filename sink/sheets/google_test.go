package sheets_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	spreadsheet = "1AbCdEfGhIjKlMnOp"
	robot       = "robot@shop.iam.gserviceaccount.com"
)

// google is the token endpoint and as much of the Sheets API as the sink uses, with one spreadsheet. Every request is
// checked against Google's own description of the API.
type google struct {
	*httptest.Server
	t testing.TB

	mu       sync.Mutex
	tabs     []*tab
	metadata map[int64][2]string // key and value by id
	faults   []fault             // of the next writes
	answers  map[string]fault    // of other requests, by a part of their path
	writes   [][]byte            // bodies of batchUpdate
	paths    []string            // of all requests
	extra    map[string]any      // merged into the first tab's description
	timeZone string
}

type tab struct {
	id            int64
	title         string
	rows, columns int
	frozen        int
	cells         [][]stored
}

// stored is one cell as it stands in the sheet.
type stored struct {
	Text   *string
	Number *float64
	Format string
}

func (s stored) String() string {
	switch {
	case s.Number != nil:
		return strings.TrimSpace("#" + strconv.FormatFloat(*s.Number, 'f', 6, 64) + " " + s.Format)
	case s.Text != nil:
		return *s.Text
	}
	return ""
}

// fault says how one request goes wrong.
type fault struct {
	apply  bool // do it all the same
	reset  bool // break the connection instead of an answer
	status int
	body   string
	header map[string]string
	began  chan struct{} // closed when the request has come
	hold   chan struct{} // do it only after this is closed
}

func newGoogle(t testing.TB, titles ...string) *google {
	t.Helper()
	g := &google{t: t, metadata: make(map[int64][2]string), answers: make(map[string]fault), timeZone: "America/New_York"}
	for i, title := range titles {
		g.tabs = append(g.tabs, &tab{id: int64(i) * 7, title: title, rows: 1000, columns: 26})
	}
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Server.Close)
	return g
}

var testKey = sync.OnceValue(func() string {
	key, _ := rsa.GenerateKey(rand.Reader, 1024) // signs fast, and guards nothing
	der, _ := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
})

func keyFile(tokenURI string, change map[string]string) []byte {
	m := map[string]string{"type": "service_account", "client_email": robot, "private_key": testKey(), "private_key_id": "k1", "token_uri": tokenURI}
	for k, v := range change {
		m[k] = v
	}
	b, _ := json.Marshal(m)
	return b
}

const accessToken = "ya29.SECRETTOKEN"

func (g *google) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.paths = append(g.paths, r.Method+" "+r.URL.Path)
	for part, f := range g.answers {
		if strings.Contains(r.URL.Path, part) {
			g.fail(w, f)
			return
		}
	}
	if r.URL.Path == "/token" {
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600,"token_type":"Bearer"}`, accessToken)
		return
	}
	if got := r.Header.Get("Authorization"); got != "Bearer "+accessToken {
		g.t.Errorf("%s %s: Authorization %q", r.Method, r.URL.Path, got)
	}
	checkRequest(g.t, r, body)
	status, answer := g.answer(w, r, body)
	if status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}
}

var (
	pathBase = "/v4/spreadsheets/" + spreadsheet
	idPath   = regexp.MustCompile(`/developerMetadata/(\d+)$`)
)

// answer returns status 0 when it has answered itself.
func (g *google) answer(w http.ResponseWriter, r *http.Request, body []byte) (int, string) {
	rest, ok := strings.CutPrefix(r.URL.Path, pathBase)
	switch {
	case !ok:
		return refusal(404, "NOT_FOUND", "Requested entity was not found.")
	case rest == "" && r.Method == http.MethodGet:
		return 200, encode(g.describe())
	case rest == "/values:batchGetByDataFilter":
		return g.headerRow(body)
	case rest == ":batchUpdate":
		return g.write(w, body)
	case rest == "/developerMetadata:search":
		return 200, encode(map[string]any{"matchedDeveloperMetadata": g.found()})
	case idPath.MatchString(rest):
		id, _ := strconv.ParseInt(idPath.FindStringSubmatch(rest)[1], 10, 64)
		if m, ok := g.metadata[id]; ok {
			return 200, encode(map[string]any{"metadataId": id, "metadataKey": m[0], "metadataValue": m[1]})
		}
		return refusal(404, "NOT_FOUND", "Requested entity was not found.")
	}
	g.t.Errorf("unexpected request %s %s", r.Method, r.URL.Path)
	return refusal(404, "NOT_FOUND", "no such method")
}

// write answers one batchUpdate, as far as the faults let it.
func (g *google) write(w http.ResponseWriter, body []byte) (int, string) {
	g.writes = append(g.writes, body)
	if len(g.faults) == 0 {
		return g.batchUpdate(body)
	}
	f := g.faults[0]
	g.faults = g.faults[1:]
	if f.began != nil {
		close(f.began)
	}
	if f.hold != nil {
		g.mu.Unlock()
		<-f.hold
		g.mu.Lock()
	}
	if f.apply {
		if status, answer := g.batchUpdate(body); f.status == 0 && !f.reset {
			return status, answer
		}
	}
	g.fail(w, f)
	return 0, ""
}

func (g *google) fail(w http.ResponseWriter, f fault) {
	if f.reset {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			g.t.Error(err)
			return
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // at worst the client sees an ordinary end
		}
		_ = conn.Close()
		return
	}
	for k, v := range f.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, f.body)
}

func (g *google) describe() map[string]any {
	var sheets []map[string]any
	for i, tab := range g.tabs {
		s := map[string]any{"properties": map[string]any{"sheetId": tab.id, "title": tab.title, "sheetType": "GRID",
			"gridProperties": map[string]any{"rowCount": tab.rows, "columnCount": tab.columns, "frozenRowCount": tab.frozen}}}
		if i == 0 {
			for k, v := range g.extra {
				s[k] = v
			}
		}
		sheets = append(sheets, s)
	}
	return map[string]any{"spreadsheetId": spreadsheet, "properties": map[string]any{"title": "Shop", "timeZone": g.timeZone}, "sheets": sheets}
}

func (g *google) headerRow(body []byte) (int, string) {
	var req struct {
		DataFilters []struct {
			GridRange struct{ SheetID, StartRowIndex, EndRowIndex *int64 }
		}
	}
	_ = json.Unmarshal(body, &req)
	r := req.DataFilters[0].GridRange
	if r.SheetID == nil || r.StartRowIndex == nil || *r.EndRowIndex != *r.StartRowIndex+1 {
		g.t.Errorf("header row asked for with %s", body)
	}
	tab := g.tab(*r.SheetID)
	if tab == nil {
		return refusal(400, "INVALID_ARGUMENT", fmt.Sprintf("No grid with id: %d", *r.SheetID))
	}
	var texts []any
	if at := int(*r.StartRowIndex); at < len(tab.cells) {
		for _, c := range tab.cells[at] {
			texts = append(texts, c.String())
		}
	}
	value := map[string]any{"majorDimension": "ROWS"}
	if texts != nil {
		value["values"] = [][]any{texts}
	}
	return 200, encode(map[string]any{"spreadsheetId": spreadsheet, "valueRanges": []any{map[string]any{"valueRange": value}}})
}

func (g *google) found() []any {
	var all []any
	for id, m := range g.metadata {
		if m[0] == "talkrelay" {
			all = append(all, map[string]any{"developerMetadata": map[string]any{"metadataId": id, "metadataKey": m[0], "metadataValue": m[1]}})
		}
	}
	return all
}

func (g *google) tab(id int64) *tab {
	for _, tab := range g.tabs {
		if tab.id == id {
			return tab
		}
	}
	return nil
}

// rows returns the tab's cells as text, a line each.
func (g *google) rows(title string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var lines []string
	for _, tab := range g.tabs {
		if tab.title != title {
			continue
		}
		for _, row := range tab.cells {
			var texts []string
			for _, c := range row {
				texts = append(texts, strings.ReplaceAll(c.String(), "\n", "⏎"))
			}
			lines = append(lines, strings.Join(texts, " | "))
		}
	}
	return lines
}

// sent returns the bodies of all writes, seen the paths of all requests.
func (g *google) sent() [][]byte { g.mu.Lock(); defer g.mu.Unlock(); return slices.Clone(g.writes) }
func (g *google) seen() []string { g.mu.Lock(); defer g.mu.Unlock(); return slices.Clone(g.paths) }

func (g *google) script(faults ...fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = faults
}

func (g *google) set(part string, f fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answers[part] = f
}

func (g *google) clear() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.answers)
}

func refusal(code int, status, message string) (int, string) {
	return code, encode(map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}})
}

func refused(code int, status, message string) fault {
	_, body := refusal(code, status, message)
	return fault{status: code, body: body}
}

func encode(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
