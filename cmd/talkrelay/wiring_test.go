package main

import (
	"talkrelay/dispatch"
	"talkrelay/poller"
	"talkrelay/sink"
	"talkrelay/sink/discord"
	"talkrelay/sink/email"
	"talkrelay/sink/jsonl"
	"talkrelay/sink/sheets"
	"talkrelay/sink/slack"
	"talkrelay/sink/sql"
	"talkrelay/sink/webhook"
	"talkrelay/state"
)

// What newApp connects: interfaces stand where they are used, and the packages that fill them know nothing of each other.
var (
	_ poller.Store      = (*state.DB)(nil)
	_ dispatch.Outbox   = (*state.Queue)(nil)
	_ dispatch.Receipts = (*state.Queue)(nil)
	_ sink.Memory       = (*state.Memory)(nil)
	_ sink.Sink         = (*slack.Sink)(nil)
	_ sink.Rechecker    = (*slack.Sink)(nil) // a worker finds this out at run time, and without it removes no late copies
	_ sink.Sink         = (*sheets.Sink)(nil)
	_ sink.Sink         = (*webhook.Sink)(nil)
	_ sink.Sink         = (*jsonl.Sink)(nil)
	_ sink.Sink         = (*discord.Sink)(nil)
	_ sink.Sink         = (*email.Sink)(nil)
	_ sink.Sink         = (*sql.Sink)(nil)
)
