package sink

var japanese = Words{
	NewInquiry:     "新規問い合わせ",
	Reopened:       "再開された問い合わせ",
	ContactAdded:   "連絡先の登録",
	ContactChanged: "連絡先の変更",

	Customer:   "お客様",
	Team:       "チーム",
	Assignee:   "担当者",
	Unassigned: "未割り当て",
	Tags:       "タグ",
	Page:       "流入ページ",
	Phone:      "電話番号",
	Mobile:     "携帯電話番号",
	Landline:   "固定電話番号",
	Email:      "メール",
	Message:    "お問い合わせ内容",
	Answer:     "チャネルトークで返信",
	Received:   "受付",
	Changed:    "変更",

	None:   "なし",
	NoName: "お名前なし",
	NoText: "（本文なし）",

	InquiriesTab: "お問い合わせ",
	ChangesTab:   "変更履歴",
	Inquiries: InquiryHeaders{
		ChatID: "チャットID", ReceivedAt: "受付日時", Status: "状態", Customer: "お客様名",
		Phone: "電話番号", Email: "メール", FirstMessage: "最初のお問い合わせ内容", Tags: "タグ",
		Team: "チーム", Assignee: "担当者", Service: "サービス", Page: "流入ページ",
		FirstReply: "初回返信（分）", ClosedAt: "終了日時", Link: "チャットのリンク", SyncedAt: "最終反映",
	},
	Changes: ChangeHeaders{
		ChangedAt: "変更日時", ChatID: "チャットID", Customer: "お客様名", Field: "項目", Old: "変更前", New: "変更後",
	},

	files:    "添付ファイル %d件",
	waiting:  "待ち時間 %s",
	soon:     "待ち時間 1分未満",
	days:     "%d日",
	hours:    "%d時間",
	minutes:  "%d分",
	gap:      "",
	weekdays: [7]string{"日", "月", "火", "水", "木", "金", "土"},
	when:     "1/2(WD) 15:04",

	states: [...]string{"開始前", "対応中", "待機中", "保留中", "終了", "不在"},
	media:  [...]string{"チャット", "電話", "メール", "外部メッセンジャー"},
}
