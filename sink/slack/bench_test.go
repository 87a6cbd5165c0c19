package slack_test

import (
	"strings"
	"testing"

	"talkrelay/sink"
	"talkrelay/sink/slack"
)

func BenchmarkPrepare(b *testing.B) {
	s, err := slack.New(slack.Config{Name: "a", Token: token, Channel: chanA}, nil)
	if err != nil {
		b.Fatal(err)
	}
	long := inquiry()
	long.Message.Text = strings.Repeat("배송 & 환불 010-1234-5678 ", 2000) // 50k characters
	for name, item := range map[string]sink.Item{"sample": {Event: inquiry()}, "50k": {Event: long}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := s.Prepare(shipment, []sink.Item{item}, ""); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
