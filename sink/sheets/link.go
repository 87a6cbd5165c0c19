package sheets

import (
	"fmt"
	"net/url"

	"talkrelay/sink"
)

var _ sink.Linker = (*Sink)(nil)

// Link returns the address of the tab. A row has none that outlives sorting.
func (s *Sink) Link(sink.Receipt) string {
	address := "https://docs.google.com/spreadsheets/d/" + url.PathEscape(s.config.Spreadsheet) + "/edit"
	if id := loadMemory(s.config).SheetID; id != nil { // not s.memory, which is the worker's
		address += fmt.Sprintf("#gid=%d", *id)
	}
	return address
}
