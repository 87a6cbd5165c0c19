package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"talkrelay/state"
)

func newBackupCommand() *cobra.Command {
	var o backupOptions
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the state to FILE, while the daemon runs or without it",
		Long: `Copy the state to FILE. A running daemon makes the copy and goes on meanwhile; without one the state file is read
where the config says, or at --state. The copy is whole, holds nothing that has been erased, and gets its name only
when it is finished. There is customer data in it: keep it as you keep the state file, and not for longer.

To restore it:

  systemctl stop talkrelay.socket talkrelay.service
  cd /var/lib/talkrelay
  mv talkrelay.db talkrelay.db.bad
  install -m 600 FILE talkrelay.db
  chown --reference=. talkrelay.db
  systemctl start talkrelay.socket talkrelay.service

talkrelay then goes on from the moment of the copy. Nothing is lost: what happened since is found and delivered again.
Slack gets none of it twice, because each message is looked for first. Google Sheets cannot be asked for a row: the rows
since the copy stand there twice, and "Data > Data cleanup > Remove duplicates" on chat and time takes them out.`,
		Example: `  talkrelay backup --config talkrelay.toml monday.db
  talkrelay backup --force /backup/talkrelay.db                        over the last one, as from cron
  talkrelay backup --state /var/lib/talkrelay/talkrelay.db monday.db   where the config cannot be read`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), args[0], cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	addAskFlags(cmd, &o.daemon)
	cmd.Flags().StringVar(&o.state, "state", "", "state file to read if no daemon runs (default: that of the config)")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite FILE")
	return cmd
}

type backupOptions struct {
	daemon askOptions
	state  string
	force  bool
}

func (o backupOptions) run(ctx context.Context, name string, stdout, stderr io.Writer) error {
	if err := o.checkName(name); err != nil {
		return failed(err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*.tmp") // mode 0600
	if err != nil {
		return failed(fmt.Errorf("write the copy: %w; name a file in a directory that you may write to", err))
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()

	words := o.daemon.words()
	stop := sayProgress(ctx, tmp.Name(), stderr, words)
	made, err := o.fetch(ctx, name, tmp)
	if errors.Is(err, errNoDaemon) {
		made, err = o.read(ctx, name, tmp.Name(), err)
	}
	stop()
	if err != nil {
		return err
	}
	if err := o.finish(tmp.Name(), name); err != nil {
		return failed(fmt.Errorf("write the copy: %w", err))
	}
	fmt.Fprintf(stdout, words.Copied+"\n", name, mebibytes(made.Size), made.Waiting)
	return nil
}

// checkName refuses a FILE that cannot be written, before anything is done for it.
func (o backupOptions) checkName(name string) error {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(name)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("directory %s does not exist: make it first", filepath.Dir(name))
		}
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file: name one in it", name)
	case !o.force:
		return fmt.Errorf("%s exists already: name another file, or overwrite it with --force", name)
	}
	return nil
}

// fetch has the running daemon make a copy and writes it to tmp.
func (o backupOptions) fetch(ctx context.Context, name string, tmp *os.File) (made state.Backup, err error) {
	resp, err := o.daemon.call(ctx, http.MethodGet, "/backup", nil)
	if err != nil {
		return made, err
	}
	defer resp.Body.Close()
	if path := resp.Header.Get(headerState); state.Keeps(path, name) {
		return made, failed(keptName(path, name))
	}
	made.Waiting, _ = strconv.Atoi(resp.Header.Get(headerWaiting))
	if made.Size, err = io.Copy(tmp, resp.Body); err == nil {
		err = tmp.Sync()
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("the daemon ended before it was complete")
	}
	if err != nil {
		return made, failed(fmt.Errorf("write the copy: %w", err))
	}
	return made, nil
}

// read copies the state file itself, which no daemon has open. noDaemon is what was said to the question for one.
func (o backupOptions) read(ctx context.Context, name, tmp string, noDaemon error) (made state.Backup, err error) {
	path := o.state
	if path == "" {
		c, err := readConfig(o.daemon.config, os.Getenv)
		if err != nil {
			return made, failed(fmt.Errorf("%w\nand the config does not say where the state file is (name it with --state):\n%w", noDaemon, err))
		}
		path = c.plan.state.Path
	}
	if state.Keeps(path, name) {
		return made, failed(keptName(path, name))
	}
	made, err = state.BackUp(ctx, path, tmp)
	if errors.Is(err, state.ErrLocked) {
		err = fmt.Errorf("%w\n%w", err, noDaemon)
	}
	if err != nil {
		return made, failed(err)
	}
	return made, nil
}

func keptName(path, name string) error {
	return fmt.Errorf("%s belongs to the state file %s itself: name another file", name, path)
}

// finish gives the synced copy its name and syncs the directory.
func (o backupOptions) finish(tmp, name string) error {
	if err := o.rename(tmp, name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// rename takes the place of an existing file only with --force. A link is how that is sure; where the file system has
// none, checkName has to do.
func (o backupOptions) rename(tmp, name string) error {
	if !o.force {
		if err := os.Link(tmp, name); err == nil || errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return os.Rename(tmp, name)
}

// progressEvery is how often a long copy says that it is still at it.
const progressEvery = 2 * time.Second

// sayProgress tells the size of the file called name now and then, until stop is called.
func sayProgress(ctx context.Context, name string, w io.Writer, words *screenWords) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if info, err := os.Stat(name); err == nil {
				fmt.Fprintf(w, words.Copying+"\n", mebibytes(info.Size()))
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// What the daemon says of a backup besides its bytes.
const (
	headerState   = "Talkrelay-State"   // path of the state file
	headerWaiting = "Talkrelay-Waiting" // deliveries that are not settled
)

// sendBackup answers with a backup of the state.
func (d *daemon) sendBackup(w http.ResponseWriter, r *http.Request) {
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Time{}) // it is by reading that a caller who has gone is noticed
	_ = deadline.SetWriteDeadline(time.Time{})
	s, err := d.db.Snapshot(r.Context())
	if err != nil {
		answerError(w, err)
		return
	}
	defer s.Close()
	cfg, _, _ := d.inForce()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(s.Size, 10))
	w.Header().Set(headerState, cfg.plan.state.Path)
	w.Header().Set(headerWaiting, strconv.Itoa(s.Waiting))
	for err == nil { // a caller who reads nothing for that long is given up
		_ = deadline.SetWriteDeadline(time.Now().Add(time.Minute))
		_, err = io.CopyN(w, s, 1<<20)
	}
}
