package slack

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"talkrelay/sink"
)

var _ sink.Inventory = (*Sink)(nil)

// Holdings reads the channel's history for the messages of our bot that carry the id of a shipment. See sink.Inventory.
func (s *Sink) Holdings(ctx context.Context, since time.Time, each func(sink.Holding)) error {
	channel, err := s.channel(ctx)
	if err != nil {
		return err
	}
	call, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	us, o := s.ws.identity(call)
	cancel()
	if o.class != applied {
		return s.lookUpError(opAuth, channel, o)
	}
	skew, _ := s.ws.clockSkew()
	query := url.Values{
		"channel": {channel}, "inclusive": {"true"}, "include_all_metadata": {"true"}, "limit": {strconv.Itoa(historyLimit)},
		"oldest": {formatTS(since.Add(skew - clockSet))}, "latest": {formatTS(time.Now().Add(skew + clockSet))},
	}
	seen := map[string]bool{} // a page that is read again after a broken cursor shows the same messages
	return s.pages(ctx, "conversations.history", channel, query, func(page []json.RawMessage) {
		for _, raw := range page {
			if id, ts := shipmentOf(raw, us.id); id != "" && !seen[ts] {
				seen[ts] = true
				each(sink.Holding{ID: id, Receipt: sink.Receipt(ts)})
			}
		}
	})
}
