package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"talkrelay"
	"talkrelay/channeltalk"
	"talkrelay/sink"
	"talkrelay/sink/sheets"
	"talkrelay/sink/slack"
)

// askChannel asks for the key of Channel Talk until it works.
func (d *dialogue) askChannel(ctx context.Context) error {
	d.say(d.w.ChannelHow)
	for {
		key, err := d.ask(ctx, &d.accessKey)
		if err != nil {
			return err
		}
		secret, err := d.ask(ctx, &d.accessSecret)
		if err != nil {
			return err
		}
		cfg := channeltalk.Config{BaseURL: d.baseURL, AccessKey: key, AccessSecret: secret, Transport: d.base}
		if len(cfg.Validate()) > 0 {
			if err := d.refuse("%s", d.w.KeyShape); err != nil {
				return err
			}
			continue
		}
		found, err := tryChannel(ctx, cfg)
		switch {
		case err == nil:
			d.answers.accessKey, d.answers.accessSecret, d.answers.channelName = key, secret, sink.OneLine(found.Name)
			d.good(d.w.ChannelOK, sink.OneLine(found.Name), found.ID)
			return nil
		case errors.Is(err, channeltalk.Credentials):
			err = d.refuse("%s", d.w.ChannelRefused)
		default:
			d.accessKey.given, d.accessSecret.given = key, secret
			_, err = d.again(ctx, d.w.Unreachable, "Channel Talk", err)
		}
		if err != nil {
			return err
		}
	}
}

// tryChannel reads what every poll needs: the channel and a list of chats.
func tryChannel(ctx context.Context, cfg channeltalk.Config) (*channeltalk.Channel, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	client := channeltalk.New(cfg)
	found, err := client.Channel(ctx)
	if err == nil {
		_, err = client.UserChats(ctx, channeltalk.Query{Limit: 1})
	}
	return found, err
}

// askSlack asks for the token until it works, then for the channel.
func (d *dialogue) askSlack(ctx context.Context) error {
	d.say(d.w.SlackHow)
	for {
		token, err := d.ask(ctx, &d.slackToken)
		if err != nil {
			return err
		}
		if token == "" {
			d.good("%s", d.w.NoSlack)
			return nil
		}
		cfg := slack.Config{Token: token, APIURL: d.apiURL, Base: d.base}
		if slices.ContainsFunc(cfg.Validate(), func(p talkrelay.Problem) bool { return p.Key == "token" }) {
			if err := d.refuse("%s", d.w.TokenShape); err != nil {
				return err
			}
			continue
		}
		workspace := slack.NewWorkspace(cfg)
		bot, err := tryBot(ctx, workspace)
		switch {
		case err == nil && len(bot.Lacks) > 0:
			err = d.refuse(d.w.Scopes, strings.Join(bot.Lacks, ", "))
		case err == nil:
			d.good(d.w.BotOK, bot.Name, bot.Workspace)
			d.answers.slackToken = token
			return d.askRoom(ctx, workspace, bot)
		case refusedBySlack(err):
			err = d.refuse(d.w.TokenRefused, sink.VerdictOf(err).Reason)
		default:
			d.slackToken.given = token
			_, err = d.again(ctx, d.w.Unreachable, "Slack", reasonOf(err))
		}
		if err != nil {
			return err
		}
	}
}

func tryBot(ctx context.Context, w *slack.Workspace) (slack.Bot, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return w.Bot(ctx)
}

func refusedBySlack(err error) bool { return sink.VerdictOf(err).Verdict == sink.PauseCredential }

// reasonOf is why a request failed, without what was tried.
func reasonOf(err error) string {
	e := sink.VerdictOf(err)
	if e.Err != nil {
		return e.Reason + ": " + e.Err.Error()
	}
	return e.Reason
}

// askRoom asks for a channel that the bot is in.
func (d *dialogue) askRoom(ctx context.Context, workspace *slack.Workspace, bot slack.Bot) error {
	wanted := strings.TrimPrefix(d.slackChannel, "#")
	for {
		rooms, err := tryRooms(ctx, workspace)
		switch {
		case err != nil:
			_, err = d.again(ctx, d.w.Unreachable, "Slack", reasonOf(err))
		case len(rooms) == 0:
			_, err = d.again(ctx, "%s", d.w.NoRooms)
		default:
			var room slack.Room
			if room, err = d.chooseRoom(ctx, rooms, wanted); err == nil && room.Member {
				d.answers.room = room
				d.good("#%s (%s)", room.Name, room.ID)
				return nil
			}
			switch {
			case err != nil:
			case room.ID == "":
				err = d.refuse(d.w.NoRoom, room.Name)
			default:
				_, err = d.again(ctx, d.w.Invite, room.Name, bot.Name)
				wanted = room.ID
				if err == nil {
					continue
				}
			}
		}
		if err != nil {
			return err
		}
		wanted = ""
	}
}

func tryRooms(ctx context.Context, w *slack.Workspace) ([]slack.Room, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return w.Rooms(ctx)
}

// shownRooms bounds the list of channels that is printed. Any other can be named.
const shownRooms = 20

// chooseRoom returns the channel that wanted names or that is chosen; one without ID if none is called so.
func (d *dialogue) chooseRoom(ctx context.Context, rooms []slack.Room, wanted string) (slack.Room, error) {
	if wanted == "" && d.yes {
		return slack.Room{}, errors.New(strings.Replace(d.w.Missing, "%s", "--slack-channel", 1))
	}
	if wanted == "" {
		var names []string
		for _, r := range rooms[:min(len(rooms), shownRooms)] {
			name := "#" + r.Name
			if !r.Member {
				name += " (" + d.w.Absent + ")"
			}
			names = append(names, name)
		}
		i, typed, err := d.choose(ctx, d.w.SlackRoom, names, 0, true)
		if err != nil || typed == "" {
			return rooms[max(i, 0)], err
		}
		wanted = strings.TrimPrefix(typed, "#")
	}
	for _, r := range rooms {
		if r.ID == wanted || strings.EqualFold(r.Name, wanted) {
			return r, nil
		}
	}
	return slack.Room{Name: wanted}, nil
}

// askSheets asks for the key file until Google takes it, then for the spreadsheet and its tabs.
func (d *dialogue) askSheets(ctx context.Context) error {
	d.say(d.w.SheetsHow)
	q := &question{prompt: d.w.GoogleKey, given: d.googleKeyFile, flag: "--google-key-file", optional: true}
	for {
		path, err := d.ask(ctx, q)
		if err != nil {
			return err
		}
		if path == "" {
			d.good("%s", d.w.NoSheets)
			return nil
		}
		key, err := os.ReadFile(expandHome(path, d.getenv))
		if err != nil {
			if err := d.refuse(d.w.FileUnreadable, err); err != nil {
				return err
			}
			continue
		}
		account, err := sheets.NewAccount(sheets.Config{Credentials: key, Endpoint: d.endpoint, Base: d.base})
		if err != nil {
			if err := d.refuse("%s", d.w.NotKey); err != nil {
				return err
			}
			continue
		}
		if trouble := account.Authorise(ctx); trouble != nil {
			if q.given, err = d.googleTrouble(ctx, account, path, trouble); err != nil {
				return err
			}
			continue
		}
		d.good(d.w.KeyOK, account.Email())
		d.answers.googleKey = key
		return d.askBook(ctx, account)
	}
}

// expandHome replaces a leading ~, which no shell has seen.
func expandHome(path string, getenv func(string) string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(getenv("HOME"), rest)
	}
	return path
}

// googleTrouble says what is wrong with answer, and waits for what can be mended elsewhere. It returns the answer to try
// next; "" = it has to be asked for anew.
func (d *dialogue) googleTrouble(ctx context.Context, account *sheets.Account, answer string, trouble error) (next string, err error) {
	switch sheets.TroubleOf(trouble) {
	case sheets.KeyRefused:
		return "", d.refuse("%s", d.w.GoogleRefused)
	case sheets.NoSuchBook:
		return "", d.refuse("%s", d.w.NoBook)
	case sheets.OfficeFile:
		return "", d.refuse("%s", d.w.OfficeFile)
	case sheets.APIOff:
		next, err = d.again(ctx, "%s", d.w.APIOff)
	case sheets.NotShared:
		next, err = d.again(ctx, d.w.NotShared, account.Email())
	default:
		next, err = d.again(ctx, d.w.Unreachable, "Google", reasonOf(trouble))
	}
	if next == "" {
		next = answer
	}
	return next, err
}

// askBook asks for a spreadsheet that the account can open, then for the tabs.
func (d *dialogue) askBook(ctx context.Context, account *sheets.Account) error {
	q := &question{prompt: d.w.Spreadsheet, given: d.spreadsheet, flag: "--spreadsheet"}
	for {
		text, err := d.ask(ctx, q)
		if err != nil {
			return err
		}
		id, ok := sheets.SpreadsheetID(text)
		if !ok {
			if err := d.refuse("%s", d.w.NotBook); err != nil {
				return err
			}
			continue
		}
		book, trouble := account.Book(ctx, id)
		if trouble != nil {
			if q.given, err = d.googleTrouble(ctx, account, text, trouble); err != nil {
				return err
			}
			continue
		}
		d.good(d.w.BookOK, book.Title)
		d.answers.book = book
		return d.askTabs(ctx, book)
	}
}

func (d *dialogue) askTabs(ctx context.Context, book sheets.Book) (err error) {
	words := d.answers.language.Words()
	if d.answers.inquiriesTab, err = d.askTab(ctx, book, d.w.InquiriesTab, d.inquiriesTab, words.InquiriesTab); err != nil {
		return err
	}
	d.answers.changesTab, err = d.askTab(ctx, book, d.w.ChangesTab, d.changesTab, words.ChangesTab)
	return err
}

// askTab returns the title of a tab: the one given, or one of those there are, or a new one.
func (d *dialogue) askTab(ctx context.Context, book sheets.Book, prompt, given, usual string) (string, error) {
	for {
		title := given
		if given == "" && d.yes {
			title = usual
		}
		if title == "" {
			list := slices.Clone(book.Tabs)
			at := slices.Index(list, usual)
			if at < 0 {
				list, at = append(list, usual+" ("+d.w.NewTab+")"), len(list)
			}
			i, typed, err := d.choose(ctx, prompt, list, at, true)
			switch {
			case err != nil:
				return "", err
			case typed != "":
				title = typed
			case i < len(book.Tabs):
				title = book.Tabs[i]
			default:
				title = usual
			}
		}
		if title = sink.OneLine(title); title != "" && sink.LenUTF16(title) <= 100 {
			return title, nil
		}
		if err := d.refuse("%s", d.w.NoTitle); err != nil {
			return "", err
		}
		given = ""
	}
}
