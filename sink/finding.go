package sink

// Finding is one line of `talkrelay check`: one thing that was looked at before anything is sent.
type Finding struct {
	Name string // what was looked at: "token", "channel", "clock"
	OK   bool   // false = it will not work, or not as promised
	Text string // what was found, free of secrets and customer data
	Fix  string // what to do about it; empty where there is nothing to do
}
