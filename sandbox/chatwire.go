package sandbox

// The JSON of the Open API. Fields are named as there; empty values drop their key, truth values never do.

type wireChat struct {
	ID                      string         `json:"id"`
	ChannelID               string         `json:"channelId"`
	ContactMediumType       string         `json:"contactMediumType,omitempty"`
	State                   string         `json:"state"`
	Managed                 bool           `json:"managed"`
	Priority                string         `json:"priority,omitempty"`
	UserID                  string         `json:"userId"`
	XerID                   string         `json:"xerId,omitempty"`
	Name                    string         `json:"name,omitempty"`
	Title                   string         `json:"title,omitempty"`
	Description             string         `json:"description,omitempty"`
	SubtextType             string         `json:"subtextType,omitempty"`
	Handling                *wireHandling  `json:"handling,omitempty"`
	Source                  wireSource     `json:"source"`
	ManagerIDs              []string       `json:"managerIds,omitempty"`
	AssigneeID              string         `json:"assigneeId,omitempty"`
	TeamID                  string         `json:"teamId,omitempty"`
	Tags                    []string       `json:"tags,omitempty"`
	Profile                 map[string]any `json:"profile,omitempty"`
	GoalState               string         `json:"goalState,omitempty"`
	FirstOpenedAt           int64          `json:"firstOpenedAt,omitempty"`
	OpenedAt                int64          `json:"openedAt,omitempty"`
	FirstQueuedAt           int64          `json:"firstQueuedAt,omitempty"`
	QueuedAt                int64          `json:"queuedAt,omitempty"`
	CreatedAt               int64          `json:"createdAt"`
	UpdatedAt               int64          `json:"updatedAt"`
	FrontMessageID          string         `json:"frontMessageId,omitempty"`
	FrontUpdatedAt          int64          `json:"frontUpdatedAt,omitempty"`
	DeskMessageID           string         `json:"deskMessageId,omitempty"`
	DeskUpdatedAt           int64          `json:"deskUpdatedAt,omitempty"`
	UserLastMessageID       string         `json:"userLastMessageId,omitempty"`
	FirstAssigneeIDAfter    string         `json:"firstAssigneeIdAfterOpen,omitempty"`
	FirstRepliedAt          int64          `json:"firstRepliedAt,omitempty"`
	FirstRepliedAtAfterOpen int64          `json:"firstRepliedAtAfterOpen,omitempty"`
	OneStop                 bool           `json:"oneStop"`
	WaitingTime             int64          `json:"waitingTime,omitempty"`
	AvgReplyTime            int64          `json:"avgReplyTime,omitempty"`
	TotalReplyTime          int64          `json:"totalReplyTime,omitempty"`
	ReplyCount              int            `json:"replyCount,omitempty"`
	ResolutionTime          int64          `json:"resolutionTime,omitempty"`
	OperationWaitingTime    int64          `json:"operationWaitingTime,omitempty"`
	OperationReplyCount     int            `json:"operationReplyCount,omitempty"`
	AskedAt                 int64          `json:"askedAt,omitempty"`
	FirstAskedAt            int64          `json:"firstAskedAt,omitempty"`
	ClosedAt                int64          `json:"closedAt,omitempty"`
	SnoozedAt               int64          `json:"snoozedAt,omitempty"`
	ExpiresAt               int64          `json:"expiresAt,omitempty"`
	Version                 int64          `json:"version"`
}

type wireHandling struct {
	ID    string `json:"id,omitempty"`
	Type  string `json:"type,omitempty"`
	State string `json:"state,omitempty"`
}

type wireSource struct {
	Page         string            `json:"page,omitempty"`
	Workflow     *wireWorkflow     `json:"workflow,omitempty"`
	AppMessenger *wireAppMessenger `json:"appMessenger,omitempty"`
	Medium       wireMedium        `json:"medium"`
}

type wireWorkflow struct {
	ID          string   `json:"id"`
	RevisionID  string   `json:"revisionId,omitempty"`
	SectionPath []string `json:"sectionPath,omitempty"`
	CauseOfEnd  string   `json:"causeOfEnd,omitempty"`
}

type wireAppMessenger struct {
	ID          string `json:"id"`
	MediumType  string `json:"mediumType,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
}

type wireMedium struct {
	MediumType string `json:"mediumType"`
	MediumID   string `json:"mediumId,omitempty"`
	Primitive  bool   `json:"primitive"`
}

type wireMessage struct {
	ChatKey        string      `json:"chatKey"`
	ID             string      `json:"id"`
	MainKey        string      `json:"mainKey"`
	FrontKey       string      `json:"frontKey,omitempty"`
	ChannelID      string      `json:"channelId"`
	ChatType       string      `json:"chatType"`
	ChatID         string      `json:"chatId"`
	PersonType     string      `json:"personType"`
	PersonID       string      `json:"personId"`
	Language       string      `json:"language,omitempty"`
	CreatedAt      int64       `json:"createdAt"`
	Version        int64       `json:"version"`
	Blocks         []wireBlock `json:"blocks,omitempty"`
	PlainText      string      `json:"plainText,omitempty"`
	UpdatedAt      int64       `json:"updatedAt"`
	Files          []wireFile  `json:"files,omitempty"`
	Log            *wireLog    `json:"log,omitempty"`
	State          string      `json:"state"`
	Options        []string    `json:"options,omitempty"`
	Workflow       *wireIDOnly `json:"workflow,omitempty"`
	Alf            *wireAlf    `json:"alf,omitempty"`
	WritingType    string      `json:"writingType,omitempty"`
	ThreadRoot     bool        `json:"threadRoot"`
	ThreadMsg      bool        `json:"threadMsg"`
	BroadcastedMsg bool        `json:"broadcastedMsg"`
	RemovedWriter  bool        `json:"removedByWriter"`
}

type wireBlock struct {
	Type     string      `json:"type"`
	Language string      `json:"language,omitempty"`
	Value    string      `json:"value,omitempty"`
	Blocks   []wireBlock `json:"blocks,omitempty"`
}

type wireFile struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Name        string `json:"name"`
	Size        int64  `json:"size"`
	ContentType string `json:"contentType"`
	Bucket      string `json:"bucket"`
	Key         string `json:"key"`
	ChannelID   string `json:"channelId"`
	ChatType    string `json:"chatType"`
	ChatID      string `json:"chatId"`
}

type wireLog struct {
	Action      string   `json:"action"`
	Values      []string `json:"values,omitempty"`
	TriggerType string   `json:"triggerType,omitempty"`
	TriggerID   string   `json:"triggerId,omitempty"`
}

type wireIDOnly struct {
	ID string `json:"id"`
}

type wireAlf struct {
	HandlingID string `json:"handlingId,omitempty"`
	Type       string `json:"type,omitempty"`
}

type wireUser struct {
	ID                    string         `json:"id"`
	ChannelID             string         `json:"channelId"`
	MemberID              string         `json:"memberId,omitempty"`
	VeilID                string         `json:"veilId,omitempty"`
	UnifiedID             string         `json:"unifiedId,omitempty"`
	Type                  string         `json:"type"`
	Name                  string         `json:"name,omitempty"`
	MobileNumberQualified bool           `json:"mobileNumberQualified"`
	EmailQualified        bool           `json:"emailQualified"`
	Profile               map[string]any `json:"profile,omitempty"`
	Tags                  []string       `json:"tags,omitempty"`
	Blocked               bool           `json:"blocked"`
	UnsubscribeEmail      bool           `json:"unsubscribeEmail"`
	UnsubscribeTexting    bool           `json:"unsubscribeTexting"`
	HasChat               bool           `json:"hasChat"`
	HasPushToken          bool           `json:"hasPushToken"`
	Language              string         `json:"language,omitempty"`
	Country               string         `json:"country,omitempty"`
	TimeZone              string         `json:"timeZone,omitempty"`
	Province              string         `json:"province,omitempty"`
	City                  string         `json:"city,omitempty"`
	Latitude              float64        `json:"latitude,omitempty"`
	Longitude             float64        `json:"longitude,omitempty"`
	Web                   wireWeb        `json:"web"`
	SessionsCount         int            `json:"sessionsCount,omitempty"`
	LastSeenAt            int64          `json:"lastSeenAt,omitempty"`
	CreatedAt             int64          `json:"createdAt"`
	UpdatedAt             int64          `json:"updatedAt"`
	Version               int64          `json:"version"`
	Named                 bool           `json:"named"`
	Member                bool           `json:"member"`
	Email                 string         `json:"email,omitempty"`
	MobileNumber          string         `json:"mobileNumber,omitempty"`
	AvatarURL             string         `json:"avatarUrl,omitempty"`
	LandlineNumber        string         `json:"landlineNumber,omitempty"`
	Constrainted          bool           `json:"constrainted"`
	SystemLanguage        string         `json:"systemLanguage,omitempty"`
}

// wireUserAlone is a user as GET /users/{id} shows it: with one flag more than lists have.
type wireUserAlone struct {
	wireUser
	UnsubscribeAppPush bool `json:"unsubscribeAppPush"`
	Alert              int  `json:"alert"`
	Unread             int  `json:"unread"`
}

type wireWeb struct {
	Device        string `json:"device,omitempty"`
	OS            string `json:"os,omitempty"`
	OSName        string `json:"osName,omitempty"`
	Browser       string `json:"browser,omitempty"`
	BrowserName   string `json:"browserName,omitempty"`
	SessionsCount int    `json:"sessionsCount,omitempty"`
	LastSeenAt    int64  `json:"lastSeenAt,omitempty"`
}

type wireManager struct {
	ID                   string         `json:"id"`
	ChannelID            string         `json:"channelId"`
	AccountID            string         `json:"accountId"`
	Name                 string         `json:"name"`
	Profile              map[string]any `json:"profile,omitempty"`
	Email                string         `json:"email,omitempty"`
	ShowEmailToFront     bool           `json:"showEmailToFront"`
	RoleID               string         `json:"roleId,omitempty"`
	Removed              bool           `json:"removed"`
	CreatedAt            int64          `json:"createdAt"`
	DisplayAsChannel     bool           `json:"displayAsChannel"`
	DefaultUserChatWatch string         `json:"defaultUserChatWatch,omitempty"`
	OperatorScore        float64        `json:"operatorScore,omitempty"`
	Operator             bool           `json:"operator"`
	DoNotDisturb         bool           `json:"doNotDisturb"`
	ManagerID            string         `json:"managerId"`
	AvatarURL            string         `json:"avatarUrl,omitempty"`
}

type wireGroup struct {
	ID         string   `json:"id"`
	ChannelID  string   `json:"channelId"`
	Title      string   `json:"title"`
	Scope      string   `json:"scope"`
	ManagerIDs []string `json:"managerIds,omitempty"`
	Icon       string   `json:"icon,omitempty"`
	ArchivedAt int64    `json:"archivedAt,omitempty"`
	CreatedAt  int64    `json:"createdAt"`
	UpdatedAt  int64    `json:"updatedAt"`
	Name       string   `json:"name"`
	Active     bool     `json:"active"`
}

type wireBot struct {
	ID        string `json:"id"`
	ChannelID string `json:"channelId"`
	Name      string `json:"name"`
	Color     string `json:"color,omitempty"`
	CreatedAt int64  `json:"createdAt"`
	AI        bool   `json:"ai"`
}

type wireTag struct {
	ID           string `json:"id"`
	ChannelID    string `json:"channelId"`
	ColorVariant string `json:"colorVariant"`
	Name         string `json:"name"`
	Key          string `json:"key"`
	CreatedAt    int64  `json:"createdAt"`
}

type wireChannel struct {
	ID             string      `json:"id"`
	Name           string      `json:"name"`
	BotName        string      `json:"botName"`
	Color          string      `json:"color"`
	TimeZone       string      `json:"timeZone"`
	Country        string      `json:"country"`
	Domain         string      `json:"domain"`
	HomepageURL    string      `json:"homepageUrl"`
	State          string      `json:"state"`
	BizGrade       string      `json:"bizGrade"`
	WelcomeMessage wireWelcome `json:"welcomeMessage"`
	FollowUpTexts  bool        `json:"followUpTexting"`
	FollowUpEmail  bool        `json:"followUpEmail"`
	TutorialDone   bool        `json:"baseTutorialCompleted"`
	Working        bool        `json:"working"`
	InOperation    bool        `json:"inOperation"`
	CreatedAt      int64       `json:"createdAt"`
	UTCOffset      string      `json:"utcOffset"`
	SystemLanguage string      `json:"systemLanguage"`
}

type wireWelcome struct {
	Blocks []wireBlock `json:"blocks,omitempty"`
}

type wireOnline struct {
	ChannelID  string `json:"channelId"`
	PersonType string `json:"personType"`
	PersonID   string `json:"personId"`
	ID         string `json:"id"`
}
