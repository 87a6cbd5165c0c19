package alert

// words are the texts of one language. A thing is what is wrong with one condition: its title names it, its remedy says
// what to do, naming the settings as the config file spells them. %s is the condition's name, %d its count.
type words struct {
	raised    string // headings, with the number of conditions
	standing  string
	recovered string
	test      string // the whole text of a test

	testSubject string
	more        string // behind the first title of a subject: how many others
	since       string // %s is a time
	span        string // two times
	cause       string
	remedy      string

	things map[Kind]thing
}

type thing struct {
	title  string // a sentence with one %s
	count  string // added to it where the condition has a count; may be empty
	remedy string // may have one %s
}

func wordsOf(language string) *words {
	switch language {
	case "en":
		return &english
	case "ja":
		return &japanese
	}
	return &korean
}

var korean = words{
	raised: "🔴 문제 %d건", standing: "🟡 아직 해결되지 않음 %d건", recovered: "🟢 복구됨 %d건",
	test:        "✅ 시험 알림입니다. talkrelay에 문제가 생기면 여기로 알려 드립니다. 지금은 할 일이 없습니다.",
	testSubject: "시험 알림", more: " 외 %d건", since: "%s부터", span: "%s ~ %s", cause: "원인", remedy: "할 일",
	things: map[Kind]thing{
		Refused: {"채널톡 채널 %s의 API 키가 거부되었습니다", "",
			"[[channel]] %s의 access_key와 access_secret을 채널톡의 '보안 및 개발 > API 인증 및 관리'에서 확인해 바꾸고 'talkrelay check'로 시험한 뒤 다시 읽게 하세요 (systemctl reload talkrelay)."},
		Paused: {"전달 대상 %s(으)로 보내지 못하고 있습니다", " (대기 %d건)",
			"대상 %s의 토큰·키와 채널·시트를 확인하세요. 'talkrelay check'가 바꿀 설정을 알려 줍니다. 대기 중인 것은 고치면 순서대로 전달됩니다."},
		NoPoll: {"채널톡 채널 %s을(를) 제때 읽지 못하고 있습니다", "",
			"이 컴퓨터의 인터넷 연결과 [network] 설정, 채널톡 상태를 확인하세요. 자세한 것은 'talkrelay status'에 있습니다. 채널: %s"},
		Queue: {"전달 대상 %s의 대기가 길어지고 있습니다", " (대기 %d건)",
			"'talkrelay status'에서 %s 줄의 이유를 보세요. 서비스 장애라면 기다리면 되고, 잃어버리는 것은 없습니다."},
		Dead: {"대상 %s에 전달할 수 없는 메시지가 있습니다", " (%d건)",
			"'talkrelay queue list --dead --sink %s'로 이유를 보고 retry 또는 drop 하세요."},
		Disk: {"상태 파일이 있는 디스크가 거의 찼습니다: %s", " (%d MiB 남음)",
			"%s의 공간을 비우세요. 가득 차면 새 문의를 기록할 수 없어 수집이 멈춥니다."},
	},
}

var english = words{
	raised: "🔴 %d problem(s)", standing: "🟡 %d still not mended", recovered: "🟢 %d recovered",
	test:        "✅ A test. When something is wrong with talkrelay, it is told here. There is nothing to do now.",
	testSubject: "test alert", more: " and %d more", since: "since %s", span: "%s to %s", cause: "cause", remedy: "to do",
	things: map[Kind]thing{
		Refused: {"Channel Talk refuses the API key of channel %s", "",
			"Check access_key and access_secret of [[channel]] %s in Channel Talk under Security and development > API key management, change them, try them with 'talkrelay check', and reload (systemctl reload talkrelay)."},
		Paused: {"Nothing can be delivered to %s", " (%d waiting)",
			"Check the token or key of %s, and its channel or sheet: 'talkrelay check' names the setting to change. What waits is delivered in order once it is mended."},
		NoPoll: {"Channel Talk channel %s has not been read in time", "",
			"Check this machine's connection, the [network] settings, and whether Channel Talk is up; 'talkrelay status' says more about %s."},
		Queue: {"Deliveries to %s wait for long", " (%d waiting)",
			"See why in the line of %s in 'talkrelay status'. If the service is down, wait: nothing gets lost."},
		Dead: {"Messages for %s cannot be delivered", " (%d)",
			"See why with 'talkrelay queue list --dead --sink %s', then retry or drop them."},
		Disk: {"The disk of the state file is nearly full: %s", " (%d MiB left)",
			"Make room in %s. When it is full nothing new can be written down, and polling stops."},
	},
}

var japanese = words{
	raised: "🔴 問題 %d件", standing: "🟡 未解決 %d件", recovered: "🟢 復旧 %d件",
	test:        "✅ テスト通知です。talkrelayに問題が起きるとここへお知らせします。今することはありません。",
	testSubject: "テスト通知", more: " ほか%d件", since: "%sから", span: "%s ～ %s", cause: "原因", remedy: "対処",
	things: map[Kind]thing{
		Refused: {"Channel Talkのチャンネル %s のAPIキーが拒否されました", "",
			"[[channel]] %s のaccess_keyとaccess_secretをChannel Talkの「セキュリティと開発 > APIキーの管理」で確認して変更し、'talkrelay check'で試してから再読み込みしてください (systemctl reload talkrelay)。"},
		Paused: {"送信先 %s に送れません", "（待ち%d件）",
			"送信先 %s のトークンやキー、チャンネルやシートを確認してください。変更すべき設定は'talkrelay check'が示します。待っているものは直り次第、順に送られます。"},
		NoPoll: {"Channel Talkのチャンネル %s を時間内に読めていません", "",
			"このコンピューターの接続、[network]の設定、Channel Talkの稼働状況を確認してください。詳細は'talkrelay status'の %s の行にあります。"},
		Queue: {"送信先 %s の待ちが長くなっています", "（待ち%d件）",
			"'talkrelay status'の %s の行で理由を確認してください。サービス障害なら待つだけで、失われるものはありません。"},
		Dead: {"送信先 %s に送れないメッセージがあります", "（%d件）",
			"'talkrelay queue list --dead --sink %s'で理由を確認し、retryまたはdropしてください。"},
		Disk: {"状態ファイルのディスクがほぼ一杯です: %s", "（残り%d MiB）",
			"%s の空きを増やしてください。一杯になると新しい問い合わせを記録できず、取得が止まります。"},
	},
}
