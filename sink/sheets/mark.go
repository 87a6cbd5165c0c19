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

	// single is the at of the owner's batch before, if that was confirmed at its first attempt: no second copy of that
	// batch exists anywhere. Zero if it was not, or is not known.
	single time.Time
}

// String is as short as it can be while people can still find a batch by its id. The last number is how many
// milliseconds before at single is.
func (m mark) String() string {
	var back int64
	if !m.single.IsZero() {
		back = m.at.UnixMilli() - m.single.UnixMilli()
	}
	return fmt.Sprintf("%s:%d:%s:%d", m.shipment, m.at.UnixMilli(), m.owner, back)
}

func parseMark(s string) (mark, bool) {
	f := strings.Split(s, ":")
	if len(f) != 4 {
		return mark{}, false
	}
	at, err := strconv.ParseInt(f[1], 10, 64)
	back, err2 := strconv.ParseInt(f[3], 10, 64)
	m := mark{shipment: f[0], at: time.UnixMilli(at), owner: f[2]}
	if back > 0 {
		m.single = time.UnixMilli(at - back)
	}
	return m, err == nil && err2 == nil
}
