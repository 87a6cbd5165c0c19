package sheets

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// memory is what a sink keeps across restarts. Its JSON form is in the state file: fields are added, never renamed.
type memory struct {
	Spreadsheet string `json:"spreadsheet,omitempty"`
	Sheet       string `json:"sheet,omitempty"` // the title as configured
	SheetID     *int64 `json:"sheetId,omitempty"`
	Owner       string `json:"owner"`
}

const ownerBytes = 3

// loadMemory returns what is remembered for c. A memory that is lost or unreadable is begun anew. A tab remembered for
// another spreadsheet or title is forgotten.
func loadMemory(c Config) memory {
	var m memory
	if c.Memory != nil {
		if data, err := c.Memory.Load(); err == nil && data != nil {
			_ = json.Unmarshal(data, &m) // what cannot be read is as good as lost
		}
	}
	if m.Spreadsheet != c.Spreadsheet || m.Sheet != c.Sheet {
		m.Spreadsheet, m.Sheet, m.SheetID = c.Spreadsheet, c.Sheet, nil
	}
	if len(m.Owner) == 2*ownerBytes {
		return m
	}
	tag := make([]byte, ownerBytes)
	if c.Memory == nil {
		sum := sha256.Sum256([]byte(c.Name))
		copy(tag, sum[:])
	} else {
		_, _ = rand.Read(tag) // never fails
	}
	m.Owner = hex.EncodeToString(tag)
	return m
}

// remember saves the tab's id. If that fails it is looked up again after the next start, so it is only logged.
func (s *Sink) remember(sheetID int64) {
	if s.memory.SheetID != nil && *s.memory.SheetID == sheetID {
		return
	}
	s.memory.SheetID = &sheetID
	if s.config.Memory == nil {
		return
	}
	data, err := json.Marshal(s.memory)
	if err == nil {
		err = s.config.Memory.Save(data)
	}
	if err != nil {
		s.config.Logger.Warn("tab not remembered", "err", err)
	}
}
