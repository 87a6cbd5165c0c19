package poller

// NeedsNoAnswer is needsNoAnswer, for its table.
var NeedsNoAnswer = needsNoAnswer
