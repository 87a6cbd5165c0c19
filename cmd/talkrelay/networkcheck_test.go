package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"talkrelay/sink"
)

// TestCheckNetwork goes to the hosts of a config that can all be reached, then with one that is down.
func TestCheckNetwork(t *testing.T) {
	t.Parallel()
	r := newRig(t, inEnglish...)
	out := r.outputOf("check", "--network")
	for _, u := range []string{r.world.ChannelTalk.URL(), r.world.Slack.URL(), r.world.Google.URL()} {
		host := strings.TrimPrefix(u, "http://")
		_, port, _ := net.SplitHostPort(host)
		if !regexp.MustCompile(`(?m)^127\.0\.0\.1 +`+port+` +TCP, http +direct +(channel shop|sink cs-alerts|sink inquiries, sink changes)$`).MatchString(out) ||
			!lineWith(out, "✓ "+host+": connection: connected to ") || !lineWith(out, "✓ "+host+": answer: ") {
			t.Errorf("%s is not told of:\n%s", host, out)
		}
	}
	if !strings.HasSuffix(out, "Every host can be reached.\n") || !strings.Contains(out, "no port is listened on") {
		t.Error(out)
	}
	r.world.Slack.Down()
	code, out, errs := here(t, "check", "--network", "--config", r.config)
	if code != exitFailed || errs != "" || !lineWith(out, "✗ ", ": connection: ", "connection refused") || !strings.Contains(out, "let the firewall pass this machine to 127.0.0.1 port ") {
		t.Errorf("exit code %d:\n%s%s", code, out, errs)
	}
	code, out, _ = here(t, "check", "--network", "--json", "--config", r.config)
	var first remote
	if err := json.Unmarshal([]byte(strings.SplitN(out, "\n", 2)[0]), &first); code != exitFailed || err != nil || first.Host != "127.0.0.1" || len(first.For) == 0 {
		t.Errorf("exit code %d, %v, %+v:\n%s", code, err, first, out)
	}
	r.assertDiscreet(out)
}

// TestRemotes lists what a config needs: each host once, mail and databases without the proxy, no path of a secret address.
func TestRemotes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.withAlerts("[alert.webhook]\nurl = \"https://hooks.example.com/services/SECRET\"\n[alert.email]\nsmtp = \"mail.example.com:465\"\nfrom = \"a@example.com\"\nto = [\"b@example.com\"]\n" +
		"[alert.heartbeat]\nurl = \"https://hooks.example.com/ping/SECRET\"\n" +
		"[[sink.sql]]\nname = \"database\"\ndriver = \"postgres\"\ndsn = \"postgres://relay:SECRET@db.example.com:6432/crm?sslmode=verify-full\"\n")
	r.edit(`to   = ["cs-alerts", "inquiries"]`, `to   = ["cs-alerts", "inquiries", "database"]`)
	cfg, err := readConfig(r.config, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	proxy := &url.URL{Scheme: "http", Host: "proxy.example.com:3128", User: url.UserPassword("user", "SECRET")}
	var got []string
	for _, m := range cfg.remotes(http.ProxyURL(proxy)) {
		got = append(got, fmt.Sprintf("%s %s %q via %q", m.Scheme, strings.Replace(m.address(), "127.0.0.1:", "local:", 1), m.For, m.Via))
	}
	text := regexp.MustCompile(`local:\d+`).ReplaceAllString(strings.Join(got, "\n"), "local")
	want := `http proxy.example.com:3128 ["channel shop" "sink cs-alerts" "sink inquiries" "sink changes" "alert.webhook" "alert.heartbeat"] via ""
http local ["channel shop"] via "proxy.example.com:3128"
http local ["sink cs-alerts"] via "proxy.example.com:3128"
http local ["sink inquiries" "sink changes"] via "proxy.example.com:3128"
postgres db.example.com:6432 ["sink database"] via ""
https hooks.example.com:443 ["alert.webhook" "alert.heartbeat"] via "proxy.example.com:3128"
smtp mail.example.com:465 ["alert.email"] via ""`
	if text != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
}

// TestHops breaks one hop after the other.
func TestHops(t *testing.T) {
	t.Parallel()
	good := httptest.NewTLSServer(http.NotFoundHandler())
	defer good.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	defer refusing.Close()
	to := func(host, port, scheme string) remote {
		return remote{Host: host, Port: port, Scheme: scheme, For: []string{"x"}}
	}
	u, _ := url.Parse(good.URL)
	for _, test := range []struct {
		name  string
		to    remote
		proxy string
		hop   string
		says  string
	}{
		{"no such name", to("nowhere.invalid", "443", "https"), "", "name", "name servers"},
		{"another authority", to(u.Hostname(), u.Port(), "https"), "", "TLS", "network.ca_file"},
		{"proxy that asks who", remote{Host: "slack.invalid", Port: "443", Scheme: "https", Via: "proxy"}, refusing.URL, "proxy", "user:password@"},
		{"proxy that is down", remote{Host: "slack.invalid", Port: "443", Scheme: "https", Via: "127.0.0.1:1"}, "http://127.0.0.1:1", "connection", "reach the proxy 127.0.0.1:1"},
		{"mail server that is down", to("127.0.0.1", "1", "smtp"), "", "connection", "port 1 by TCP"},
	} {
		base, err := sink.BaseTransport(nil, test.proxy)
		if err != nil {
			t.Fatal(err)
		}
		found := goTo(t.Context(), base, test.to)
		last := found[len(found)-1]
		if last.OK || last.Name != test.hop || !strings.Contains(last.Fix, test.says) || last.Text == "" {
			t.Errorf("%s: %+v", test.name, found)
		}
	}
}

// TestEverySinkSaysWhereItGoes: what `check --network` leaves out, no firewall would let through.
func TestEverySinkSaysWhereItGoes(t *testing.T) {
	t.Parallel()
	plans := []sinkPlan{slackPlan{}, sheetsPlan{}, webhookPlan{}, discordPlan{}, jsonlPlan{}, emailPlan{}, sqlPlan{}}
	for _, p := range plans {
		if _, ok := p.(addressed); !ok {
			t.Errorf("%T does not say which hosts it goes to", p)
		}
	}
	if n := reflect.TypeFor[sinksFile]().NumField(); n != len(plans) {
		t.Errorf("%d types of sink: this test knows %d", n, len(plans))
	}
}
