package sheets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// frozen is a shipment's body: a line of JSON with what Send and Resolve need to know, then the request as it is sent.
type frozen struct {
	MetadataID int64  `json:"metadataId"`
	Value      string `json:"value"` // of the metadata
	Rows       int    `json:"rows"`
	Replies    int    `json:"replies"` // how many the answer must have
	Form       string `json:"form,omitempty"`
	Keyed      bool   `json:"keyed,omitempty"` // the request is a keyedBatch, which has no places yet

	request []byte
}

func (f frozen) bytes() ([]byte, error) {
	head, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("write batch: %w", err)
	}
	out := make([]byte, 0, len(head)+1+len(f.request))
	return append(append(append(out, head...), '\n'), f.request...), nil
}

func thaw(body []byte) (frozen, error) {
	var f frozen
	head, request, ok := bytes.Cut(body, []byte{'\n'})
	if !ok || json.Unmarshal(head, &f) != nil || f.MetadataID <= 0 || f.Value == "" || len(request) == 0 {
		return f, errors.New("the stored batch cannot be read")
	}
	f.request = request
	return f, nil
}

// form is the sink's note on how a batch is made: "id:1,rows:500,keep:1". The zero form is as usual.
type form struct {
	turn int  // of the metadata id
	rows int  // at most; 0 = as configured
	keep bool // erase no old ids
}

func parseForm(s string) form {
	var f form
	for part := range strings.SplitSeq(s, ",") {
		key, value, _ := strings.Cut(part, ":")
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			continue
		}
		switch key {
		case "id":
			f.turn = n
		case "rows":
			f.rows = n
		case "keep":
			f.keep = true
		}
	}
	return f
}

func (f form) String() string {
	var parts []string
	if f.turn > 0 {
		parts = append(parts, "id:"+strconv.Itoa(f.turn))
	}
	if f.rows > 0 {
		parts = append(parts, "rows:"+strconv.Itoa(f.rows))
	}
	if f.keep {
		parts = append(parts, "keep:1")
	}
	return strings.Join(parts, ",")
}
