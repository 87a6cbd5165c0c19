package main

import "testing"

const positionSample = `# comment
language = "ko"

[state]
path = "x.db" # here

[[channel]]
name = "main"
poll = "@every 5s"

[channel.teams]
"12.3" = "CS"

[[channel]]
name = "shop"

[[sink.slack]]
name = "a"
text = """
name = "not a key"
[[channel]]
"""
lookups_answered = ["2s", "8s"]

[[sink.sheets]]
name = "b"
columns = [
  { header = "상담ID [x]", value = "{{.Chat.ID}}" }, # one
  # between
  { header = "고객명",
    value = "{{.User.Name}}" },
]
after = 1

[[route]]
on = [
  "userChat.opened", "lead.upserted.contact",
  "x",
]
`

func TestPositions(t *testing.T) {
	t.Parallel()
	found := findPositions(positionSample)
	for path, want := range map[string]int{
		"language":                          2,
		"state":                             4,
		"state.path":                        5,
		"channel[0]":                        7,
		"channel[0].name":                   8,
		"channel[0].poll":                   9,
		"channel[0].teams":                  11,
		"channel[0].teams.12.3":             12,
		"channel[1].name":                   15,
		"channel[1].poll":                   14, // left out: the table it belongs to
		"channel":                           7,
		"sink.slack[0].text":                19,
		"sink.slack[0].lookups_answered[1]": 23,
		"sink.sheets[0].name":               26,
		"sink.sheets[0].columns[0].value":   28,
		"sink.sheets[0].columns[1]":         30,
		"sink.sheets[0].columns[1].value":   30,
		"sink.sheets[0].after":              33,
		"route[0].on[0]":                    37,
		"route[0].on[1]":                    37,
		"route[0].on[2]":                    38,
		"nowhere":                           0,
	} {
		if got := found.line(path); got != want {
			t.Errorf("line(%q) = %d, want %d", path, got, want)
		}
	}
}
