// Package slack delivers events to one Slack channel as messages of a bot, effectively once.
//
// Slack has no way to recognise a repeated chat.postMessage. So every message carries the shipment's id in its
// metadata, and after an unclear outcome the channel's history is searched for that id before anything is sent again
// (Resolve, Recheck). What a refusal means is one table, in codes.go.
//
// slack-go supplies the block types and the calls where nothing is at stake (auth.test, conversations.info and .list).
// chat.postMessage, chat.delete and conversations.history are posted and read here: slack-go v0.35 reports success for
// {"ok":true} without a ts, fails on a message that was delivered when it cannot decode its echo, fails a whole page
// of history over one odd message of another app, and puts the token into the form. The bytes that Prepare returned
// are the form that is sent; the token travels in the Authorization header and is never part of them.
package slack
