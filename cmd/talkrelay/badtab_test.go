package main

import (
	"strings"
	"testing"

	"talkrelay/sandbox"
)

// TestTabRenamed renames the tab under a running daemon. That is no trouble: the tab is known by its numeric id.
func TestTabRenamed(t *testing.T) {
	t.Parallel()
	const renamed = "문의 (2026)"
	r := newRig(t, hurried...)
	f := fault{
		restart: true,
		breakIt: func(r *rig) { r.sheet.RenameTab(demoInquiries, renamed) },
		healthy: func(r *rig) bool { return len(r.rows(renamed)) == 4 && slackArrived(r) },
		mend:    func(r *rig) { r.sheet.RenameTab(renamed, demoInquiries) },
	}
	f.test(t, r)
	if log := r.written(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("a renamed tab is trouble:\n%s", log)
	}
}

// TestTabDeleted deletes the tab with everything in it. Rows wait until somebody brings it back; none goes elsewhere.
func TestTabDeleted(t *testing.T) {
	t.Parallel()
	var had [][]string
	f := fault{
		breakIt: func(r *rig) {
			had = r.sheet.Texts(demoInquiries)
			r.sheet.DeleteTab(demoInquiries)
		},
		log:     []string{"level=WARN", "sink=inquiries", "the tab was deleted", "bring it back", "or change sheet"},
		healthy: slackArrived,
		mend: func(r *rig) {
			r.sheet.AddTab(demoInquiries)
			for i, row := range had {
				r.sheet.SetRow(demoInquiries, i, row...)
			}
		},
	}
	f.test(t, newRig(t, hurried...))
}

// hostile is what customers write to harm, to confuse, or because they paste a whole document.
var hostile = []string{
	`<!channel> 긴급 <!here> <!everyone> <@U012345> <#C012345>`,
	`<https://evil.example/login|은행 로그인> https://evil.example`,
	`=IMPORTXML("https://evil.example","//a")`,
	`+1+cmd|' /C calc'!A0`,
	`@SUM(1+1)*cmd`,
	"\t=HYPERLINK(\"https://evil.example\")",
	"```{{.User.MobileNumber}}``` *굵게* _기울여_ ~지움~ `코드`",
	"\x00\x01\x1b[31m\u202e뒤집힌\u2066 글\u2028줄",
	"level=ERROR msg=\"state file failing\"\nlevel=INFO msg=stopped",
	strings.Repeat("가", 50_000),
	strings.Repeat("👩‍👩‍👧‍👦", 2_000),
	strings.Repeat("<!channel>", 5_000),
}

// TestHostileTexts lets customers write, and be called, whatever they like. All of it arrives as plain text.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	r := newRig(t, hurried...)
	r.world.Slack.Set(sandbox.SlackSettings{Unlimited: true})
	p := r.start()
	r.awaitBaseline(p)
	for _, text := range hostile {
		r.customer("고객", text)
		r.customer(text, "이름이 이상한 고객입니다")
	}
	p.awaitDelivered("cs-alerts", 2*len(hostile))
	r.awaitAll(p)
	for i, row := range r.sheet.Rows(demoInquiries) {
		for j, cell := range row {
			if cell.Kind == sandbox.FormulaCell {
				t.Errorf("row %d, column %d is a formula: %.80s", i, j, cell.Text)
			}
		}
	}
	for _, text := range hostile {
		if strings.Contains(p.log(), text) {
			t.Errorf("the log repeats what a customer wrote: %.80q", text)
		}
	}
	if n := strings.Count(p.log(), "level=WARN") + strings.Count(p.log(), "level=ERROR"); n > 0 {
		t.Errorf("a text is trouble:\n%s", p.log())
	}
	p.stop()
	r.assertDiscreet(p.log())
}
