package channeltalk_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"talkrelay/channeltalk"
)

// pageOf returns a page of n chats as Channel Talk writes them, about 3 kB a chat with its message and user.
func pageOf(n int) []byte {
	var chats, users, messages []string
	for i := range n {
		chats = append(chats, fmt.Sprintf(`{"id":"66412345%016d","channelId":"12345","contactMediumType":"native","state":"opened","managed":true,
			"userId":"66400000%016d","xerId":"66400000%016d","name":"손님 %d","title":"배송 문의","handling":{"type":"workflow","state":"none"},
			"source":{"page":"https://shop.example.com/products/%d?utm_source=mail","workflow":{"id":"9001","revisionId":"3","sectionPath":["a","b"]},"medium":{"mediumType":"native"}},
			"managerIds":["101","102"],"assigneeId":"101","teamId":"7","tags":["배송","환불"],"profile":{"grade":"gold"},"goalState":"none",
			"firstOpenedAt":1731000000000,"openedAt":1731000000000,"createdAt":1730999990000,"updatedAt":1731000100000,"frontMessageId":"67%014d",
			"frontUpdatedAt":1731000050000,"deskMessageId":"67%014d","deskUpdatedAt":1731000050000,"userLastMessageId":"67%014d",
			"firstAskedAt":1731000000000,"askedAt":1731000000000,"waitingTime":0,"version":17310001000000000%d}`, i, i, i, i, i, i, i, i, i))
		users = append(users, fmt.Sprintf(`{"id":"66400000%016d","channelId":"12345","memberId":"member-%d","veilId":"veil-%d","type":"member","name":"손님 %d",
			"profile":{"name":"손님 %d","email":"guest%d@example.com","mobileNumber":"+821012345678","grade":"gold","orders":%d,"subscribed":true},
			"tags":["단골"],"unsubscribeEmail":false,"unsubscribeTexting":false,"hasChat":true,"language":"ko","country":"KR","city":"Seoul",
			"latitude":37.5665,"longitude":126.978,"web":{"device":"desktop","os":"Windows","osName":"10","browser":"Chrome","browserName":"129","sessionsCount":12,"lastSeenAt":1731000000000},
			"sessionsCount":12,"lastSeenAt":1731000000000,"createdAt":1720000000000,"updatedAt":1731000000000,"version":1731000,"member":true,
			"email":"guest%d@example.com","mobileNumber":"+821012345678","avatarUrl":"https://cf.channel.io/avatar/%d.png"}`, i, i, i, i, i, i, i, i, i))
		text := strings.Repeat("주문한 상품이 아직 도착하지 않았어요. 확인 부탁드립니다.", 3)
		messages = append(messages, fmt.Sprintf(`{"chatKey":"userChat-66412345%016d","id":"67%014d","channelId":"12345","chatType":"userChat","chatId":"66412345%016d",
			"personType":"user","personId":"66400000%016d","requestId":"desk-web-%d","language":"ko","createdAt":1731000000000,"version":17310000,
			"blocks":[{"type":"text","value":"%s"}],"plainText":"%s\n","updatedAt":1731000000000,"state":"sent","options":[],"files":[]}`, i, i, i, i, i, text, text))
	}
	page := fmt.Sprintf(`{"messages":[%s],"sessions":[],"userChats":[%s],"users":[%s],"managers":[{"id":"101","name":"김상담","email":"kim@example.com"}],"chatTags":[],"next":"1731000000000-x"}`,
		strings.Join(messages, ","), strings.Join(chats, ","), strings.Join(users, ","))
	return []byte(strings.NewReplacer("\n\t\t\t", "").Replace(page))
}

// replay answers every request with the same body, without a network.
type replay []byte

func (b replay) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: 200, Header: http.Header{}, Request: req, ContentLength: int64(len(b)),
		Body: io.NopCloser(bytes.NewReader(b)),
	}, nil
}

func BenchmarkDecodePage(b *testing.B) {
	for _, rows := range []int{25, 500} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			body := pageOf(rows)
			c := channeltalk.New(channeltalk.Config{AccessKey: "k", AccessSecret: "s", ListRequestsPerSecond: 1e9, Transport: replay(body)})
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				page, err := c.UserChats(context.Background(), channeltalk.Query{Limit: rows})
				if err != nil || len(page.UserChats) != rows {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*rows), "µs/chat")
		})
	}
}
