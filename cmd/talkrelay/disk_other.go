//go:build !linux && !darwin

package main

import "errors"

// diskFree is not known here.
func diskFree(string) (mib int, err error) { return 0, errors.ErrUnsupported }
