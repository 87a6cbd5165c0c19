package sheets

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// metadataKey is the key of every piece of developer metadata that we keep in a spreadsheet.
const metadataKey = "talkrelay"

// metadataID returns the id to file the batch with this shipment id under: positive and 31 bits wide, which is all that
// Google allows. It is shared with everything else that keeps metadata in the spreadsheet; turn gives another one when
// an id turns out to be taken.
func metadataID(shipment string, turn int) int64 {
	sum := sha256.Sum256([]byte(shipment + "/" + strconv.Itoa(turn)))
	return max(1, int64(binary.BigEndian.Uint32(sum[:])&0x7fffffff))
}

// mark is the value kept under a batch's metadata id. It tells whether a batch arrived, and all that is needed to erase
// it in time without keeping anything ourselves.
type mark struct {
	shipment string
	at       time.Time // when the batch was prepared, by our clock
	owner    string    // the sink that wrote it
	clean    bool      // the owner's batch before it was confirmed at the first attempt: no second copy of that one exists
}

func (m mark) String() string {
	clean := "0"
	if m.clean {
		clean = "1"
	}
	return fmt.Sprintf("%s:%d:%s:%s", m.shipment, m.at.UnixMilli(), m.owner, clean)
}

func parseMark(s string) (mark, bool) {
	f := strings.Split(s, ":")
	if len(f) != 4 {
		return mark{}, false
	}
	ms, err := strconv.ParseInt(f[1], 10, 64)
	return mark{shipment: f[0], at: time.UnixMilli(ms), owner: f[2], clean: f[3] == "1"}, err == nil
}
