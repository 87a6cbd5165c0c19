package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the man pages of all commands to DIR",
		Long: `Write the man pages of all commands to DIR, one file each. The packages have them; without one, put them where man looks.
SOURCE_DATE_EPOCH sets their date.`,
		Example: `  talkrelay man /usr/local/share/man/man1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			date, err := pageDate(os.Getenv("SOURCE_DATE_EPOCH"))
			if err != nil {
				return exitError{exitUsage, err}
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Date: &date, Source: "talkrelay " + version, Manual: "talkrelay"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return failed(fmt.Errorf("write man pages: %w", err))
			}
			return nil
		},
	}
}

// pageDate is what epoch says, seconds since 1970, or today.
func pageDate(epoch string) (time.Time, error) {
	if epoch == "" {
		return time.Now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%q is no number of seconds", epoch)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
