package sink_test

import (
	"testing"
	"time"

	"talkrelay/sink"
)

func BenchmarkNewView(b *testing.B) {
	e := sink.SampleEvents()[1]
	zone, err := time.LoadLocation(e.TimeZone)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("usual zone", func(b *testing.B) {
		for b.Loop() {
			sink.NewViewIn(e, sink.Korean, zone)
		}
	})
	b.Run("other zone", func(b *testing.B) {
		for b.Loop() {
			sink.NewView(e, sink.Korean)
		}
	})
}

func BenchmarkTemplateExecute(b *testing.B) {
	tmpl, err := sink.ParseTemplate("{{.User.Name}} {{phone .User.MobileNumber}} {{date .At}}")
	if err != nil {
		b.Fatal(err)
	}
	v := sink.SampleView(sink.Korean)
	for b.Loop() {
		if _, err := tmpl.Execute(v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseTemplate(b *testing.B) {
	for b.Loop() {
		if _, err := sink.ParseTemplate("{{.User.Name}} {{phone .User.MobileNumber}} {{date .At}}"); err != nil {
			b.Fatal(err)
		}
	}
}
