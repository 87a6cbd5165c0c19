package sink

var korean = Words{
	NewInquiry:     "새 문의",
	Reopened:       "다시 열린 문의",
	ContactAdded:   "연락처 등록",
	ContactChanged: "연락처 변경",

	Customer:   "고객",
	Team:       "팀",
	Assignee:   "담당",
	Unassigned: "미배정",
	Tags:       "상담 태그",
	Page:       "유입 페이지",
	Phone:      "전화번호",
	Mobile:     "휴대폰 번호",
	Landline:   "유선전화 번호",
	Email:      "이메일",
	Message:    "문의 내용",
	Answer:     "채널톡에서 답변하기",
	Received:   "접수",
	Changed:    "변경",

	None:   "없음",
	NoName: "이름 없는 고객",
	NoText: "(내용 없음)",

	InquiriesTab: "문의",
	ChangesTab:   "변경이력",
	Inquiries: InquiryHeaders{
		ChatID: "상담ID", ReceivedAt: "접수일시", Status: "상태", Customer: "고객명",
		Phone: "전화번호", Email: "이메일", FirstMessage: "첫 문의 내용", Tags: "상담 태그",
		Team: "팀", Assignee: "담당자", Service: "서비스", Page: "유입 페이지",
		FirstReply: "첫 응대(분)", ClosedAt: "종료일시", Link: "상담 링크", SyncedAt: "최종 반영",
	},
	Changes: ChangeHeaders{
		ChangedAt: "변경일시", ChatID: "상담ID", Customer: "고객명", Field: "항목", Old: "이전 값", New: "새 값",
	},

	files:    "첨부파일 %d개",
	waiting:  "%s째 대기",
	soon:     "1분 미만 대기",
	days:     "%d일",
	hours:    "%d시간",
	minutes:  "%d분",
	gap:      " ",
	weekdays: [7]string{"일", "월", "화", "수", "목", "금", "토"},
	when:     "1/2(WD) 15:04",

	states: [...]string{"시작 전", "진행중", "대기중", "보류중", "종료됨", "부재중"},
	media:  [...]string{"채팅", "전화", "이메일", "외부 메신저"},
}
