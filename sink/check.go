package sink

import (
	"fmt"
)

// TemplateError says what is wrong with a template and where. It shows nothing of an event.
type TemplateError struct {
	Line, Col int    // from 1; Col counts characters
	Reason    string // what is wrong, with the nearest thing that is right
}

func (e *TemplateError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Reason) }

func checkTemplate(text string) error { return nil }

func syntaxError(text string, err error) error { return &TemplateError{1, 1, err.Error()} }

func executionError(text string, err error) error { return &TemplateError{1, 1, err.Error()} }
