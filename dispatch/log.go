package dispatch

// Messages of this package's log lines. They never change with the data; what differs is in the attributes.
const (
	msgFilterFailed     = "filter failed, route matched"
	msgDelivered        = "delivered"
	msgRefreshed        = "rows brought up to date"
	msgPaused           = "delivery paused"
	msgResumed          = "delivery resumed"
	msgInDoubt          = "in doubt"
	msgFound            = "resolved as delivered"
	msgNotFound         = "resolved as not delivered, sending again"
	msgDead             = "dead letter"
	msgStateBroken      = "state file failing"
	msgStateRecovered   = "state file recovered"
	msgLateCopies       = "late copies removed"
	msgRecheckBroken    = "look for late copies failing"
	msgEditBroken       = "posts not kept up to date"
	msgEditRecovered    = "posts kept up to date again"
	msgUnfollowed       = "post can no longer be changed, left as it is"
	msgRecheckRecovered = "look for late copies recovered"
)
