package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talkrelay"
	"talkrelay/poller"
	"talkrelay/state"
)

func newForgetCommand() *cobra.Command {
	var o forgetOptions
	cmd := &cobra.Command{
		Use:   "forget USER_ID|PHONE|EMAIL",
		Short: "Erase a customer from the state, and list what Slack and Sheets still have",
		Long: `Erase a customer from the state file: events, what waits to be delivered, dead letters and remembered contact fields. The
file is rewritten at once, so that the data is really gone from it. What was delivered before is listed with links:
Slack messages and rows are yours to delete, and so are copies that 'talkrelay backup' made.

Delete the customer in Channel Talk first. As long as Channel Talk shows them, the next poll reads their contact fields again; events
that are known already are not delivered once more.

The customer is named by the id in Channel Talk, a phone number in any spelling, or an e-mail address. What would be erased is
shown first; --yes does not ask. For root and the service's user; it leaves a line in the log that does not say whom.

Exit codes: 0 erased, 1 nothing found, not wanted, or a part must wait, 2 no daemon answers.`,
		Example: `  sudo talkrelay forget 010-1234-5678
  sudo talkrelay forget --yes kim@example.com`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ask.Who = args[0]
			return o.run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	addAskFlags(cmd, &o.daemon)
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	return cmd
}

// forgetRequest is the body of POST /forget.
type forgetRequest struct {
	Who string `json:"who"`
	Dry bool   `json:"dry"`
}

// forgetAnswer says what was, or would be, erased.
type forgetAnswer struct {
	Customers int            `json:"customers"`
	Events    int            `json:"events"`
	Waiting   int            `json:"waiting"`
	Dead      int            `json:"dead"`
	Snapshots int            `json:"snapshots"`
	Delivered []deliveryView `json:"delivered,omitempty"`
	Busy      []string       `json:"busy,omitempty"`
}

type forgetOptions struct {
	daemon askOptions
	ask    forgetRequest
	yes    bool
}

func (o forgetOptions) run(ctx context.Context, in io.Reader, out io.Writer) error {
	if strings.TrimSpace(o.ask.Who) == "" {
		return exitError{exitUsage, errors.New("name a customer by id, phone number or e-mail address")}
	}
	words := o.daemon.words()
	if !o.yes {
		o.ask.Dry = true
		found, err := o.send(ctx)
		if err != nil {
			return err
		}
		found.print(out, words.Erasable, words)
		fmt.Fprint(out, "\n"+words.Sure)
		line, _ := bufio.NewReader(in).ReadString('\n')
		if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
			return failed(errors.New("nothing was erased; --yes does not ask"))
		}
		o.ask.Dry = false
	}
	done, err := o.send(ctx)
	if err != nil {
		return err
	}
	done.print(out, words.Erased, words)
	if len(done.Busy) > 0 {
		return failed(fmt.Errorf("a batch on its way to %s holds the customer, and it is not known yet whether it arrived: forget again when 'talkrelay queue list' "+
			"no longer shows it", strings.Join(done.Busy, ", ")))
	}
	return nil
}

func (o forgetOptions) send(ctx context.Context) (done forgetAnswer, err error) {
	if err := o.daemon.askInto(ctx, http.MethodPost, "/forget", o.ask, &done); err != nil {
		return done, err
	}
	if done.Customers+done.Events == 0 {
		return done, failed(errors.New("nothing is known of this customer: there is nothing to erase here"))
	}
	return done, nil
}

// print writes the counts in a format, and what is beyond reach.
func (a forgetAnswer) print(w io.Writer, format string, words *screenWords) {
	fmt.Fprintf(w, format+"\n", a.Events, a.Waiting, a.Dead, a.Snapshots)
	if len(a.Delivered) == 0 {
		return
	}
	fmt.Fprintln(w, words.Elsewhere)
	for _, d := range a.Delivered {
		where := d.Link
		if where == "" {
			where = d.Receipt
		}
		fmt.Fprintf(w, "  %s  %s  %s\n", local(d.At), d.Sink, where)
	}
}

// forget answers POST /forget.
func (d *daemon) forget(r *http.Request) (any, error) {
	var ask forgetRequest
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || strings.TrimSpace(ask.Who) == "" {
		return nil, controlError{http.StatusBadRequest, errors.Join(errors.New("say who"), err)}
	}
	cfg, a, _ := d.inForce()
	who := newIdentity(ask.Who)
	list, err := d.customers(cfg, who)
	if err != nil {
		return nil, err
	}
	match := func(e *talkrelay.Event) bool {
		return who.is(e.User.ID, e.User.Contact) || who.is(e.Chat.UserID, e.Old) ||
			slices.ContainsFunc(list, func(c state.Customer) bool { return c.ID == e.User.ID && c.Channel == e.Channel })
	}
	var erased state.Forgotten
	err = d.between(r.Context(), func() (err error) {
		if erased, err = d.db.Forget(r.Context(), match, list, time.Now(), ask.Dry); err != nil || ask.Dry {
			return err
		}
		_, err = d.db.Sweep(r.Context(), time.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	done := forgetAnswer{
		Customers: len(list), Events: erased.Events, Waiting: erased.Waiting, Dead: erased.Dead, Snapshots: erased.Snapshots, Busy: erased.Busy,
	}
	for _, t := range erased.Delivered {
		done.Delivered = append(done.Delivered, deliveryView{Sink: t.Sink, Stand: t.Stand, Receipt: t.Receipt, Link: a.link(t.Sink, t.Receipt), At: t.At})
	}
	return done, nil
}

// customers returns the customers in the snapshots that who names.
func (d *daemon) customers(cfg *config, who identity) (list []state.Customer, err error) {
	const page = 1000
	for _, c := range cfg.Channels {
		for after := ""; ; {
			some, err := d.db.Entities(c.Name, talkrelay.EntityUser, after, page)
			if err != nil {
				return nil, err
			}
			for _, s := range some {
				contact, _ := poller.ContactOf(s.Data)
				if who.is(s.ID, contact) {
					list = append(list, state.Customer{Channel: c.Name, ID: s.ID})
				}
				after = s.ID
			}
			if len(some) < page {
				break
			}
		}
	}
	return list, nil
}

// identity is what somebody typed to name a customer.
type identity struct {
	text   string
	digits string // of a phone number, "" if it is none
}

func newIdentity(text string) identity {
	id := identity{text: strings.TrimSpace(text)}
	if bare := strings.Trim(id.text, "+0123456789-.() "); bare == "" {
		id.digits = digitsOf(id.text)
	}
	return id
}

// is reports whether a customer with this id and contact is the one.
func (w identity) is(id string, c talkrelay.Contact) bool {
	switch {
	case id != "" && id == w.text, c.Email != "" && strings.EqualFold(strings.TrimSpace(c.Email), w.text):
		return true
	case len(w.digits) < 7: // too short to name one customer
		return false
	}
	for _, number := range []string{c.MobileNumber, c.LandlineNumber} {
		if number != "" && (digitsOf(number) == w.digits || digitsOf(talkrelay.FormatPhone(number)) == w.digits) {
			return true
		}
	}
	return false
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
