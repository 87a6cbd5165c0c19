package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"talkrelay/sink"
	"talkrelay/sink/sheets"
	"talkrelay/sink/slack"
)

// dialogue is one run of `init`: what is asked, and what has been answered so far.
type dialogue struct {
	*initOptions
	typist
	files *initFiles
	base  *http.Transport
	w     *initWords

	accessKey, accessSecret, slackToken question

	answers setup
}

// setup is what the answers come to.
type setup struct {
	language sink.Language

	accessKey, accessSecret string
	channelName             string

	slackToken string // "" = no Slack
	room       slack.Room

	googleKey                []byte // nil = no Sheets
	book                     sheets.Book
	inquiriesTab, changesTab string

	inquiries, contacts bool
}

// question is one thing to ask for.
type question struct {
	prompt   string
	hidden   bool
	given    string // the answer, if it was given by flag or variable, or is to be tried once more
	flag     string // where it can be given
	optional bool   // no answer is one too
}

func (d *dialogue) setLanguage(lang sink.Language) {
	d.answers.language, d.w = lang, initWordsOf(lang)
	w := d.w
	d.accessKey.prompt, d.accessKey.flag = w.AccessKey, "--access-key-file, "+envAccessKey
	d.accessSecret.prompt, d.accessSecret.flag, d.accessSecret.hidden = w.AccessSecret, "--access-secret-file, "+envAccessSecret, true
	d.slackToken.prompt, d.slackToken.flag, d.slackToken.hidden = w.SlackToken, "--slack-token-file, "+envSlackToken, true
	d.slackToken.optional = true
}

// run goes through all steps. The error is io.EOF or the context's if somebody left.
func (d *dialogue) run(ctx context.Context) error {
	if err := d.askLanguage(ctx); err != nil {
		return err
	}
	if taken := d.files.taken(); taken != "" {
		return fmt.Errorf(d.w.Exists, taken)
	}
	if dir, err := d.files.writable(); err != nil {
		return fmt.Errorf(d.w.NotWritable, dir, err)
	}
	d.say(d.w.Intro)
	for _, step := range []func(context.Context) error{d.askChannel, d.askDestinations, d.askRoutes, d.confirm} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	written, err := d.files.write(ctx, d.answers, d.initOptions)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\n%s\n", d.w.Written)
	for _, f := range written {
		fmt.Fprintf(d.out, "  %s\n", f)
	}
	fmt.Fprintf(d.out, "%s\n  %s\n", d.w.Next, d.files.checkCommand())
	return nil
}

// askLanguage asks in all three, as nobody knows yet which one is understood.
func (d *dialogue) askLanguage(ctx context.Context) error {
	if d.yes || d.language != "" {
		return nil
	}
	names := []string{"한국어", "English", "日本語"}
	usual := slices.Index(sink.Languages(), d.answers.language)
	i, _, err := d.choose(ctx, "언어 / Language / 言語", names, usual, false)
	if err == nil {
		d.setLanguage(sink.Languages()[i])
	}
	return err
}

// ask returns the answer to q. With --yes a missing one is an error.
func (d *dialogue) ask(ctx context.Context, q *question) (string, error) {
	if q.given != "" {
		answer := q.given
		q.given = ""
		return answer, nil
	}
	if d.yes {
		if q.optional {
			return "", nil
		}
		return "", fmt.Errorf(d.w.Missing, q.flag)
	}
	for {
		fmt.Fprintf(d.out, "%s: ", q.prompt)
		answer, err := d.line(ctx, q.hidden)
		if err != nil || answer != "" || q.optional {
			return answer, err
		}
	}
}

// refuse says what is wrong with an answer. With --yes that is the end.
func (d *dialogue) refuse(format string, values ...any) error {
	text := fmt.Sprintf(format, values...)
	if d.yes {
		return errors.New(text)
	}
	fmt.Fprintf(d.out, "✗ %s\n", text)
	return nil
}

// again is refuse for what somebody mends elsewhere: the same answer is tried once more after Enter, or the one that is
// typed instead.
func (d *dialogue) again(ctx context.Context, format string, values ...any) (instead string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := d.refuse(format, values...); err != nil {
		return "", err
	}
	fmt.Fprintf(d.out, "%s: ", d.w.Again)
	return d.line(ctx, false)
}

// say prints what is for people. A script wants none of it.
func (d *dialogue) say(text string) {
	if !d.yes {
		fmt.Fprintf(d.out, "\n%s\n", text)
	}
}

func (d *dialogue) good(format string, values ...any) {
	fmt.Fprintf(d.out, "✓ "+format+"\n", values...)
}

// choose shows a list and returns the index of what was chosen, or with free what was typed instead of a number. Enter
// alone chooses the usual one.
func (d *dialogue) choose(ctx context.Context, prompt string, list []string, usual int, free bool) (int, string, error) {
	fmt.Fprintln(d.out, prompt)
	width := terminalWidth(d.out)
	for i, item := range list {
		line := fmt.Sprintf("  %d) %s", i+1, item)
		if width > 0 {
			line = truncateTo(line, width)
		}
		fmt.Fprintln(d.out, line)
	}
	for {
		if free {
			fmt.Fprintf(d.out, d.w.Number+": ", strconv.Itoa(usual+1))
		} else {
			fmt.Fprintf(d.out, "[%d]: ", usual+1)
		}
		answer, err := d.line(ctx, false)
		if err != nil {
			return 0, "", err
		}
		n, numberErr := strconv.Atoi(answer)
		switch {
		case answer == "":
			return usual, "", nil
		case numberErr == nil && n >= 1 && n <= len(list):
			return n - 1, "", nil
		case numberErr != nil && free:
			return -1, answer, nil
		}
		if err := d.refuse("%s", d.w.BadChoice); err != nil {
			return 0, "", err
		}
	}
}

// askDestinations asks for Slack and Sheets, until there is one of them.
func (d *dialogue) askDestinations(ctx context.Context) error {
	for {
		if err := d.askSlack(ctx); err != nil {
			return err
		}
		if err := d.askSheets(ctx); err != nil {
			return err
		}
		if d.answers.slackToken != "" || d.answers.googleKey != nil {
			return nil
		}
		if err := d.refuse("%s", d.w.Nowhere); err != nil {
			return err
		}
	}
}

// askRoutes offers the ready routes.
func (d *dialogue) askRoutes(ctx context.Context) error {
	a := &d.answers
	if len(d.routes) > 0 || d.yes {
		a.inquiries = len(d.routes) == 0 || slices.Contains(d.routes, routeInquiries)
		a.contacts = len(d.routes) == 0 || slices.Contains(d.routes, routeContacts)
		return nil
	}
	d.say(d.w.RoutesHow)
	inquiries, contacts := a.destinations()
	for i, r := range []struct {
		name string
		to   []string
	}{{d.w.Inquiry, inquiries}, {d.w.Contact, contacts}} {
		fmt.Fprintf(d.out, "  %d) "+d.w.To+"\n", i+1, r.name, strings.Join(r.to, ", "))
	}
	for {
		fmt.Fprintf(d.out, "%s [1,2]: ", d.w.Routes)
		answer, err := d.line(ctx, false)
		if err != nil {
			return err
		}
		switch strings.Join(strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || r == ' ' }), "") {
		case "", "12", "21":
			a.inquiries, a.contacts = true, true
			return nil
		case "1":
			a.inquiries = true
			return nil
		case "2":
			a.contacts = true
			return nil
		}
		if err := d.refuse("%s", d.w.BadChoice); err != nil {
			return err
		}
	}
}

// destinations says in words where the routes lead.
func (s setup) destinations() (inquiries, contacts []string) {
	if s.slackToken != "" {
		inquiries = append(inquiries, "Slack #"+s.room.Name)
	}
	if s.googleKey == nil {
		return inquiries, inquiries
	}
	return append(inquiries, "Sheets "+s.inquiriesTab), []string{"Sheets " + s.changesTab}
}

// confirm asks for Enter, or yes. Any other word is a no.
func (d *dialogue) confirm(ctx context.Context) error {
	if d.yes {
		return ctx.Err()
	}
	fmt.Fprintf(d.out, "\n%s: ", d.w.Write)
	answer, err := d.line(ctx, false)
	if err == nil && answer != "" && !slices.Contains([]string{"y", "yes", "네", "예", "はい"}, strings.ToLower(answer)) {
		return io.EOF
	}
	return err
}
