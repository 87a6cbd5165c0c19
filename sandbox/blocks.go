package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// blockCheck collects what Slack would say against blocks, with JSON pointers.
type blockCheck struct {
	errs  []string
	chars int             // of all text
	ids   map[string]bool // block_ids
}

// object is a decoded JSON object.
type object = map[string]any

// checkBlocks returns Slack's error code for blocks and its details, or "".
func checkBlocks(raw []byte) (code string, errs []string) {
	var blocks []object
	if json.Unmarshal(raw, &blocks) != nil {
		return "invalid_blocks_format", []string{"blocks are no JSON array of objects"}
	}
	c := &blockCheck{ids: make(map[string]bool)}
	if len(blocks) > 50 {
		c.fail("/blocks", "no more than 50 items allowed")
	}
	for i, b := range blocks {
		c.block(fmt.Sprintf("/blocks/%d", i), b)
	}
	switch {
	case len(c.errs) > 0:
		return "invalid_blocks", c.errs
	case c.chars > maxBlockText:
		return "msg_blocks_too_long", []string{fmt.Sprintf("%d characters in all blocks", c.chars)}
	}
	return "", nil
}

func (c *blockCheck) fail(at, format string, args ...any) {
	c.errs = append(c.errs, fmt.Sprintf("[ERROR] %s [json-pointer:%s]", fmt.Sprintf(format, args...), at))
}

// keys fails on what is not in known (space between) and on what is missing of those marked with "!".
func (c *blockCheck) keys(at string, o object, known string) {
	names := strings.Fields(known)
	for i, name := range names {
		bare, required := strings.CutSuffix(name, "!")
		names[i] = bare
		if _, ok := o[bare]; required && !ok {
			c.fail(at, "missing required field: %s", bare)
		}
	}
	for key := range o {
		if !slices.Contains(names, key) {
			c.fail(at, "invalid additional property: %s", key)
		}
	}
}

// text checks a string of 1 to limit characters, and counts it.
func (c *blockCheck) text(at string, v any, limit int) {
	s, ok := v.(string)
	c.chars += units(s)
	switch {
	case !ok:
		c.fail(at, "must be a string")
	case s == "":
		c.fail(at, "must be more than 0 characters")
	case units(s) > limit:
		c.fail(at, "must be less than %d characters", limit+1)
	}
}

func (c *blockCheck) optional(at string, o object, key string, limit int) {
	if v, ok := o[key]; ok {
		c.text(at+"/"+key, v, limit)
	}
}

// items returns the array at key, of 1 to limit objects.
func (c *blockCheck) items(at string, o object, key string, limit int) []object {
	list, ok := o[key].([]any)
	if !ok {
		c.fail(at+"/"+key, "must be an array")
		return nil
	}
	if len(list) == 0 {
		c.fail(at+"/"+key, "no fewer than 1 items allowed")
	}
	if len(list) > limit {
		c.fail(at+"/"+key, "no more than %d items allowed", limit)
	}
	var items []object
	for i, v := range list {
		item, ok := v.(object)
		if !ok {
			c.fail(fmt.Sprintf("%s/%s/%d", at, key, i), "must be an object")
		}
		items = append(items, item)
	}
	return items
}

// textObject checks {type, text, emoji | verbatim}. plainOnly forbids mrkdwn.
func (c *blockCheck) textObject(at string, v any, limit int, plainOnly bool) {
	o, ok := v.(object)
	if !ok {
		c.fail(at, "must be an object")
		return
	}
	switch kind := o["type"]; {
	case kind == "plain_text":
		c.keys(at, o, "type! text! emoji")
	case kind == "mrkdwn" && !plainOnly:
		c.keys(at, o, "type! text! verbatim")
	default:
		c.fail(at+"/type", "unsupported type: %v", kind)
	}
	c.text(at+"/text", o["text"], limit)
}

func (c *blockCheck) block(at string, b object) {
	c.optional(at, b, "block_id", 255)
	if id, ok := b["block_id"].(string); ok {
		if c.ids[id] {
			c.fail(at+"/block_id", "block_id already exists")
		}
		c.ids[id] = true
	}
	switch b["type"] {
	case "header":
		c.keys(at, b, "type! text! block_id")
		c.textObject(at+"/text", b["text"], 150, true)
	case "section":
		c.section(at, b)
	case "context":
		c.keys(at, b, "type! elements! block_id")
		for i, e := range c.items(at, b, "elements", 10) {
			c.contextElement(fmt.Sprintf("%s/elements/%d", at, i), e)
		}
	case "divider":
		c.keys(at, b, "type! block_id")
	case "rich_text":
		c.keys(at, b, "type! elements! block_id")
		for i, e := range c.items(at, b, "elements", 100) {
			c.richElement(fmt.Sprintf("%s/elements/%d", at, i), e)
		}
	case "actions":
		c.keys(at, b, "type! elements! block_id")
		for i, e := range c.items(at, b, "elements", 25) {
			c.button(fmt.Sprintf("%s/elements/%d", at, i), e)
		}
	case "markdown":
		c.keys(at, b, "type! text! block_id")
		c.text(at+"/text", b["text"], 12_000)
	default:
		c.fail(at+"/type", "unsupported type: %v", b["type"])
	}
}

func (c *blockCheck) section(at string, b object) {
	c.keys(at, b, "type! text fields accessory expand block_id")
	_, hasText := b["text"]
	_, hasFields := b["fields"]
	if !hasText && !hasFields {
		c.fail(at, "missing required field: text")
	}
	if hasText {
		c.textObject(at+"/text", b["text"], 3_000, false)
	}
	if hasFields {
		for i, f := range c.items(at, b, "fields", 10) {
			c.textObject(fmt.Sprintf("%s/fields/%d", at, i), f, 2_000, false)
		}
	}
	if a, ok := b["accessory"].(object); ok {
		c.button(at+"/accessory", a)
	}
}

func (c *blockCheck) contextElement(at string, e object) {
	if e["type"] == "image" {
		c.keys(at, e, "type! image_url! alt_text!")
		c.text(at+"/alt_text", e["alt_text"], 2_000)
		return
	}
	c.textObject(at, e, 3_000, false)
}

func (c *blockCheck) button(at string, e object) {
	if e["type"] != "button" {
		c.fail(at+"/type", "unsupported type: %v", e["type"])
		return
	}
	c.keys(at, e, "type! text! action_id url value style accessibility_label confirm")
	c.textObject(at+"/text", e["text"], 75, true)
	c.optional(at, e, "url", 3_000)
	c.optional(at, e, "value", 2_000)
	c.optional(at, e, "action_id", 255)
}

func (c *blockCheck) richElement(at string, e object) {
	switch e["type"] {
	case "rich_text_section":
		c.keys(at, e, "type! elements!")
	case "rich_text_quote", "rich_text_preformatted":
		c.keys(at, e, "type! elements! border language")
	case "rich_text_list":
		c.keys(at, e, "type! elements! style! indent offset border")
		for i, item := range c.items(at, e, "elements", 100) {
			c.richElement(fmt.Sprintf("%s/elements/%d", at, i), item)
		}
		return
	default:
		c.fail(at+"/type", "unsupported type: %v", e["type"])
		return
	}
	for i, leaf := range c.items(at, e, "elements", 1_000) {
		c.richLeaf(fmt.Sprintf("%s/elements/%d", at, i), leaf)
	}
}

// richLeaves are the smallest parts of rich text, with their keys.
var richLeaves = map[string]string{
	"text":      "type! text! style",
	"link":      "type! url! text unsafe style",
	"emoji":     "type! name! unicode skin_tone style",
	"user":      "type! user_id! style",
	"usergroup": "type! usergroup_id! style",
	"channel":   "type! channel_id! style",
	"broadcast": "type! range! style",
	"date":      "type! timestamp! format! url fallback style",
	"color":     "type! value! style",
}

func (c *blockCheck) richLeaf(at string, e object) {
	kind, _ := e["type"].(string)
	known, ok := richLeaves[kind]
	if !ok {
		c.fail(at+"/type", "unsupported type: %v", e["type"])
		return
	}
	c.keys(at, e, known)
	switch kind {
	case "text":
		c.text(at+"/text", e["text"], maxBlockText)
	case "link":
		c.text(at+"/url", e["url"], 3_000)
		c.optional(at, e, "text", maxBlockText)
	}
}
