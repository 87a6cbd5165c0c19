package sandbox

// The messages of the Sheets API, as far as the sandbox reads them. Pointers tell what was left out.

type batchRequest struct {
	Requests []subrequest `json:"requests"`
}

// subrequest is one part of a batch: exactly one field is set.
type subrequest struct {
	AddSheet              *addSheet         `json:"addSheet"`
	AppendCells           *appendCells      `json:"appendCells"`
	UpdateCells           *updateCells      `json:"updateCells"`
	RepeatCell            *repeatCell       `json:"repeatCell"`
	UpdateSheetProperties *updateProperties `json:"updateSheetProperties"`
	CreateMetadata        *createMetadata   `json:"createDeveloperMetadata"`
	DeleteMetadata        *deleteMetadata   `json:"deleteDeveloperMetadata"`
}

type addSheet struct {
	Properties sheetProperties `json:"properties"`
}

type appendCells struct {
	SheetID int32     `json:"sheetId"`
	TableID string    `json:"tableId"`
	Rows    []rowData `json:"rows"`
	Fields  string    `json:"fields"`
}

type updateCells struct {
	Rows   []rowData       `json:"rows"`
	Fields string          `json:"fields"`
	Start  *gridCoordinate `json:"start"`
	Range  *gridRange      `json:"range"`
}

type repeatCell struct {
	Range  *gridRange `json:"range"`
	Cell   cellData   `json:"cell"`
	Fields string     `json:"fields"`
}

type updateProperties struct {
	Properties sheetProperties `json:"properties"`
	Fields     string          `json:"fields"`
}

type createMetadata struct {
	Metadata *developerMetadata `json:"developerMetadata"`
}

type deleteMetadata struct {
	Filter *dataFilter `json:"dataFilter"`
}

type sheetProperties struct {
	SheetID int32           `json:"sheetId"`
	Title   string          `json:"title"`
	Index   int             `json:"index"`
	Type    string          `json:"sheetType,omitempty"`
	Grid    *gridProperties `json:"gridProperties,omitempty"`
	Hidden  bool            `json:"hidden,omitempty"`
}

type gridProperties struct {
	RowCount          int `json:"rowCount,omitempty"`
	ColumnCount       int `json:"columnCount,omitempty"`
	FrozenRowCount    int `json:"frozenRowCount,omitempty"`
	FrozenColumnCount int `json:"frozenColumnCount,omitempty"`
}

type rowData struct {
	Values []cellData `json:"values"`
}

type cellData struct {
	Value  *extendedValue `json:"userEnteredValue"`
	Format *cellFormat    `json:"userEnteredFormat"`
}

type extendedValue struct {
	String  *string  `json:"stringValue,omitempty"`
	Number  *float64 `json:"numberValue,omitempty"`
	Bool    *bool    `json:"boolValue,omitempty"`
	Formula *string  `json:"formulaValue,omitempty"`
}

type cellFormat struct {
	Number *numberFormat `json:"numberFormat,omitempty"`
	Text   *textFormat   `json:"textFormat,omitempty"`
}

type numberFormat struct {
	Type    string `json:"type,omitempty"`
	Pattern string `json:"pattern,omitempty"`
}

type textFormat struct {
	Bold bool `json:"bold,omitempty"`
}

type gridCoordinate struct {
	SheetID int32 `json:"sheetId"`
	Row     int   `json:"rowIndex"`
	Column  int   `json:"columnIndex"`
}

type gridRange struct {
	SheetID     int32 `json:"sheetId"`
	StartRow    int   `json:"startRowIndex"`
	EndRow      *int  `json:"endRowIndex"`
	StartColumn int   `json:"startColumnIndex"`
	EndColumn   *int  `json:"endColumnIndex"`
}

type dimensionRange struct {
	SheetID   int32  `json:"sheetId"`
	Dimension string `json:"dimension"`
	Start     int    `json:"startIndex"`
	End       int    `json:"endIndex"`
}

type developerMetadata struct {
	ID         int32     `json:"metadataId"`
	Key        string    `json:"metadataKey"`
	Value      string    `json:"metadataValue,omitempty"`
	Location   *location `json:"location"`
	Visibility string    `json:"visibility"`
}

type location struct {
	Type        string          `json:"locationType,omitempty"`
	Spreadsheet bool            `json:"spreadsheet,omitempty"`
	SheetID     *int32          `json:"sheetId,omitempty"`
	Dimension   *dimensionRange `json:"dimensionRange,omitempty"`
}

type dataFilter struct {
	A1     string          `json:"a1Range,omitempty"`
	Grid   *gridRange      `json:"gridRange,omitempty"`
	Lookup *metadataLookup `json:"developerMetadataLookup,omitempty"`
}

type metadataLookup struct {
	ID           int32     `json:"metadataId,omitempty"`
	Key          string    `json:"metadataKey,omitempty"`
	Value        string    `json:"metadataValue,omitempty"`
	Visibility   string    `json:"visibility,omitempty"`
	LocationType string    `json:"locationType,omitempty"`
	Location     *location `json:"metadataLocation,omitempty"`
	Strategy     string    `json:"locationMatchingStrategy,omitempty"`
}

// sheet returns the id of the tab that the metadata is on; false if it is on the whole spreadsheet.
func (m *developerMetadata) sheet() (int32, bool) {
	switch {
	case m.Location.Dimension != nil:
		return m.Location.Dimension.SheetID, true
	case m.Location.SheetID != nil:
		return *m.Location.SheetID, true
	}
	return 0, false
}

func (m *developerMetadata) on(tab int32) bool {
	id, ok := m.sheet()
	return ok && id == tab
}

func (m *developerMetadata) size() int { return units(m.Key) + units(m.Value) }
