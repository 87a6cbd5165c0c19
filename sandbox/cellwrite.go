package sandbox

import (
	"slices"
	"strings"
)

// mask reads a field mask: the names it has, each standing for what is below it too.
func (b *batch) mask(fields string) (func(path string) bool, *googleError) {
	if fields == "" {
		b.warn("fields is missing")
		return nil, badRequest("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
	}
	names := strings.Split(fields, ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
		if names[i] != "*" && !knownPath(names[i], "CellData") && !knownPath(names[i], "SheetProperties") {
			b.warn("unknown name %s in fields", name)
			return nil, badRequest("Invalid field: %s", name)
		}
	}
	return func(path string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return name == "*" || name == path || strings.HasPrefix(path, name+".")
		})
	}, nil
}

// knownPath reports whether a dotted path names a field of a message.
func knownPath(path, message string) bool {
	name, rest, deeper := strings.Cut(path, ".")
	kind, ok := schema[message][name]
	if !ok || !deeper {
		return ok
	}
	return knownPath(rest, kind)
}

// cell changes one cell, as far as the mask goes.
func (b *batch) cell(c *Cell, v cellData, mask func(string) bool) *googleError {
	if mask("userEnteredValue") {
		c.Kind, c.Text, c.Number = EmptyCell, "", 0
		if v.Value != nil {
			if err := b.value(c, v.Value); err != nil {
				return err
			}
		}
	}
	var f cellFormat
	if v.Format != nil {
		f = *v.Format
	}
	if mask("userEnteredFormat.numberFormat") {
		c.Format, c.Pattern = "", ""
		if f.Number != nil {
			c.Format, c.Pattern = f.Number.Type, f.Number.Pattern
			if c.Format == "" {
				b.warn("numberFormat without type")
				return badRequest("numberFormat.type is required.")
			}
		}
	}
	if mask("userEnteredFormat.textFormat") || mask("userEnteredFormat.textFormat.bold") {
		c.Bold = f.Text != nil && f.Text.Bold
	}
	return nil
}

func (b *batch) value(c *Cell, v *extendedValue) *googleError {
	set := 0
	if v.String != nil {
		set++
		c.Kind, c.Text = TextCell, *v.String
		if *v.String == "" {
			c.Kind = EmptyCell
		}
		if n := units(*v.String); n > maxCell {
			b.warn("a cell of %d characters", n)
			return badRequest("Your input contains more than the maximum of %d characters in a single cell.", maxCell)
		}
	}
	if v.Number != nil {
		set++
		c.Kind, c.Number = NumberCell, *v.Number
	}
	if v.Bool != nil {
		set++
		c.Kind = BoolCell
		if *v.Bool {
			c.Number = 1
		}
	}
	if v.Formula != nil {
		set++
		c.Kind, c.Text = FormulaCell, *v.Formula
		b.warn("formulaValue: a formula was written")
	}
	if set > 1 {
		b.warn("a cell with %d values", set)
		return badRequest("oneof field 'value' is already set. Cannot set another value.")
	}
	return nil
}
