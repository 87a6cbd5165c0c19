package sheets

import (
	"context"
	"errors"

	"talkrelay/sink"
)

// Book is a spreadsheet as a set-up sees it.
type Book struct {
	ID    string
	Title string
	Tabs  []string // titles of those that can hold rows
}

// Trouble is why a spreadsheet cannot be used, as far as somebody can mend it.
type Trouble string

// The troubles of a set-up.
const (
	KeyRefused   Trouble = "key refused"    // the key was deleted, the account disabled, or the clock is wrong
	APIOff       Trouble = "api off"        // the Sheets API is not enabled in the key's project
	NotShared    Trouble = "not shared"     // the account may not open the spreadsheet
	NoSuchBook   Trouble = "no spreadsheet" // Google knows none of this id
	OfficeFile   Trouble = "office file"    // an Excel file that Google only shows
	OtherTrouble Trouble = "other"          // the network, or what the error itself says
	NoTrouble    Trouble = ""
)

// SpreadsheetID takes the id out of text, which is one or the URL of a spreadsheet. ok is false if it is neither.
func SpreadsheetID(text string) (id string, ok bool) {
	id = spreadsheetID(text)
	return id, spreadsheetForm.MatchString(id)
}

// Authorise gets a token from Google, if the account has none that lasts: the proof that its key is good.
func (a *Account) Authorise(ctx context.Context) error {
	_, err := a.tokens.get(ctx)
	return err
}

// Book reads what tabs a spreadsheet has. spreadsheet is its id.
func (a *Account) Book(ctx context.Context, spreadsheet string) (Book, error) {
	found, err := a.spreadsheet(ctx, spreadsheet)
	if err != nil {
		return Book{}, err
	}
	b := Book{ID: spreadsheet}
	if found.Properties != nil {
		b.Title = sink.OneLine(found.Properties.Title)
	}
	for _, s := range found.Sheets {
		if p := s.Properties; p != nil && (p.SheetType == "" || p.SheetType == "GRID") {
			b.Tabs = append(b.Tabs, p.Title)
		}
	}
	return b, nil
}

// TroubleOf tells what is behind an error of Authorise or Book.
func TroubleOf(err error) Trouble {
	var r refusal
	var e *sink.Error
	switch {
	case err == nil:
		return NoTrouble
	case errors.As(err, &r) && troubles[r.reason] != "":
		return troubles[r.reason]
	case errors.As(err, &e) && e.Verdict == sink.PauseCredential:
		return KeyRefused
	}
	return OtherTrouble
}

var troubles = map[reason]Trouble{apiOff: APIOff, notShared: NotShared, notFound: NoSuchBook, officeFile: OfficeFile, badToken: KeyRefused}
