// Package sheets delivers events to Google Sheets: one event, one row, once; or one chat, one row, kept as the chat is.
//
// # How a row arrives exactly once
//
// A batch of rows is one spreadsheets.batchUpdate: [appendCells, createDeveloperMetadata, deleteDeveloperMetadata…].
// Google applies it whole or not at all, and refuses it whole if the metadata id we chose is in use. So a batch whose
// outcome is unclear is sent again, byte for byte: had it arrived, the repeat is refused, and the value kept under the
// id shows that it is ours. That also holds for a request that Google applies long after we gave it up.
//
// With Mode Upsert an event changes the row of its chat, or adds it. The places of rows are looked up just before each
// attempt, by the key and never by a counted index, so people may move, sort and add rows and columns; only cells of our own
// columns are written, and those marked once only with a new row. What cannot be excluded, that rows move between the look
// and the write, is noticed and mended (upsert.go).
//
// Ids are erased again once no request that carries them can still be on its way (gc.go).
//
// # What is sent
//
//	POST v4/spreadsheets/{id}:batchUpdate                      rows; a missing tab; missing headers; erasing old ids
//	GET  v4/spreadsheets/{id}?fields=…                         tabs, at start and when one is not where it was
//	POST v4/spreadsheets/{id}/values:batchGetByDataFilter      header row, at most once a minute, and only to send rows; with
//	                                                           Upsert the key column, before and after each write
//	GET  v4/spreadsheets/{id}/developerMetadata/{metadataId}   after a refusal: did the batch arrive before?
//	POST v4/spreadsheets/{id}/developerMetadata:search         old ids, once in a hundred batches
//
// Limits and behaviour: developers.google.com/workspace/sheets/api/limits and …/api/guides/metadata.
//
// # What stands in the cells
//
// Whatever a customer wrote is a stringValue in a cell with format TEXT: never a formula, never read as a number.
// Times are real dates that show the wall clock of the event's time zone (the channel's), whatever the time zone of the
// spreadsheet: a sheet has no time zone in its cells, and people compare it with what Channel Talk shows them.
package sheets
