//go:build linux || darwin

package main

import "syscall"

// diskFree returns how many MiB a user who is not root can still write below dir.
func diskFree(dir string) (mib int, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int(s.Bavail * uint64(s.Bsize) >> 20), nil
}
