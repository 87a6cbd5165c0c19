package poller

import (
	"context"

	"talkrelay/channeltalk"
)

// API is what a Poller asks of Channel Talk. *channeltalk.Client is one.
type API interface {
	UserChats(ctx context.Context, q channeltalk.Query) (*channeltalk.ChatPage, error)
	UserChat(ctx context.Context, id string) (*channeltalk.UserChat, error)
	User(ctx context.Context, id string) (*channeltalk.User, error)
	Messages(ctx context.Context, chatID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error)
	Groups(ctx context.Context, since string, limit int) (*channeltalk.GroupPage, error)
	GroupMessages(ctx context.Context, groupID string, q channeltalk.MessageQuery) (*channeltalk.MessagePage, error)
	Managers(ctx context.Context, since string, limit int) (*channeltalk.ManagerPage, error)
}
