package sandbox

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// AddMetadata keeps developer metadata under an id, as another tool might that knows nothing of us.
func (s *Spreadsheet) AddMetadata(id int32, key, value string) {
	s.edit(func(b *book) {
		b.metadata[id] = &developerMetadata{
			ID: id, Key: key, Value: value, Visibility: "DOCUMENT", Location: &location{Type: "SPREADSHEET", Spreadsheet: true},
		}
	})
}

func (b *batch) createMetadata(q *createMetadata) (any, *googleError) {
	m := q.Metadata
	if m == nil || m.Key == "" || m.Visibility == "" || m.Location == nil {
		b.warn("developerMetadata needs key, visibility and location")
		return nil, badRequest("Developer metadata must have a key, a visibility and a location.")
	}
	if err := b.place(m); err != nil {
		return nil, err
	}
	if m.ID < 0 {
		b.warn("metadataId %d", m.ID)
		return nil, badRequest("Developer metadata ID must be positive: %d", m.ID)
	}
	if b.book.metadata[m.ID] != nil {
		return nil, badRequest("Cannot add developer metadata with ID %d because developer metadata with that ID already exists", m.ID)
	}
	for m.ID == 0 || b.book.metadata[m.ID] != nil {
		b.book.nextTab += 104_729
		m.ID = b.book.nextTab
	}
	b.book.metadata[m.ID] = m
	if err := b.metadataRoom(m); err != nil {
		return nil, err
	}
	return object{"createDeveloperMetadata": object{"developerMetadata": m}}, nil
}

// place checks the location and names its type, which Google works out by itself.
func (b *batch) place(m *developerMetadata) *googleError {
	l := *m.Location
	set := 0
	if l.Spreadsheet {
		set++
		l.Type = "SPREADSHEET"
	}
	if l.SheetID != nil {
		set++
		l.Type = "SHEET"
	}
	if d := l.Dimension; d != nil {
		set++
		l.Type = map[string]string{"ROWS": "ROW", "COLUMNS": "COLUMN"}[d.Dimension]
		if l.Type == "" || d.End != d.Start+1 {
			b.warn("dimensionRange of metadata is not one row or column")
			return badRequest("Developer metadata can only be on a single row or column.")
		}
	}
	if set != 1 {
		b.warn("location of metadata names %d places", set)
		return badRequest("Developer metadata must have exactly one location.")
	}
	m.Location = &l
	if id, ok := m.sheet(); ok && b.book.numbered(id) == nil {
		return badRequest("No grid with id: %d", id)
	}
	return nil
}

// metadataRoom fails when there is too much metadata where m is.
func (b *batch) metadataRoom(m *developerMetadata) *googleError {
	id, onTab := m.sheet()
	total := 0
	for _, o := range b.book.metadata {
		if oid, ok := o.sheet(); ok == onTab && oid == id {
			total += o.size()
		}
	}
	if total > maxSheetMeta {
		return badRequest("This action would increase the developer metadata storage above the limit of %d characters.", maxSheetMeta)
	}
	return nil
}

func (b *batch) deleteMetadata(q *deleteMetadata) (any, *googleError) {
	if q.Filter == nil || q.Filter.Lookup == nil {
		b.warn("deleteDeveloperMetadata without developerMetadataLookup")
		return nil, badRequest("dataFilter.developerMetadataLookup is required.")
	}
	if *q.Filter.Lookup == (metadataLookup{}) {
		b.warn("an empty lookup would delete all metadata")
		return nil, badRequest("developerMetadataLookup must have at least one field set.")
	}
	deleted := b.book.match(q.Filter.Lookup)
	if len(deleted) == 0 {
		return nil, badRequest("No developer metadata matched the data filter.")
	}
	maps.DeleteFunc(b.book.metadata, func(_ int32, m *developerMetadata) bool { return slices.Contains(deleted, m) })
	return object{"deleteDeveloperMetadata": object{"deletedDeveloperMetadata": deleted}}, nil
}

// metadataOf returns the metadata of a tab, or of the spreadsheet itself, by rising id.
func (b *book) metadataOf(tab int32, onTab bool) []*developerMetadata {
	var found []*developerMetadata
	for _, id := range slices.Sorted(maps.Keys(b.metadata)) {
		m := b.metadata[id]
		if at, ok := m.sheet(); ok == onTab && at == tab {
			found = append(found, m)
		}
	}
	return found
}

// getMetadata answers developerMetadata.get.
func (s *Spreadsheet) getMetadata(number string) (any, *googleError) {
	id, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return nil, badRequest("Invalid value at 'metadata_id' (TYPE_INT32), %q", number)
	}
	m := s.book.metadata[int32(id)]
	if m == nil {
		return nil, &googleError{http.StatusNotFound, "NOT_FOUND", "Requested entity was not found.", nil}
	}
	return m, nil
}

// searchMetadata answers developerMetadata:search.
func (s *Spreadsheet) searchMetadata(r *Request) (any, *googleError) {
	var q struct {
		Filters []dataFilter `json:"dataFilters"`
	}
	if err := decode(r.Body, "SearchDeveloperMetadataRequest", &q); err != nil {
		s.g.violate(r, "%s", err.message)
		return nil, err
	}
	matched := []any{}
	for _, f := range q.Filters {
		if f.Lookup == nil {
			s.g.violate(r, "only developerMetadataLookup is simulated here")
			return nil, badRequest("dataFilters must have a developerMetadataLookup.")
		}
		for _, m := range s.book.match(f.Lookup) {
			matched = append(matched, object{"developerMetadata": m, "dataFilters": []dataFilter{f}})
		}
	}
	if len(matched) == 0 {
		return object{}, nil
	}
	return object{"matchedDeveloperMetadata": matched}, nil
}

// match returns the metadata that a lookup means, by rising id.
func (b *book) match(l *metadataLookup) []*developerMetadata {
	var found []*developerMetadata
	for _, id := range slices.Sorted(maps.Keys(b.metadata)) {
		m := b.metadata[id]
		if l.ID != 0 && l.ID != m.ID || l.Key != "" && l.Key != m.Key || l.Value != "" && l.Value != m.Value ||
			l.Visibility != "" && l.Visibility != m.Visibility || l.LocationType != "" && l.LocationType != m.Location.Type {
			continue
		}
		if at := l.Location; at != nil && at.SheetID != nil && !m.on(*at.SheetID) {
			continue
		}
		found = append(found, m)
	}
	return found
}
