package slack

import "regexp"

// class is what one answer of Slack, or the lack of one, means for the request.
type class int

const (
	unclear     class = iota // may have been applied
	applied                  // HTTP 200 and ok:true; whether the rest of the answer holds is the caller's to see
	notSent                  // no connection was had, so nothing was sent
	later                    // refused for now: the same request will do later
	throttled                // refused by a rate limit, for every channel of the token
	destination              // refused until somebody mends the channel or the app's place in it
	credential               // refused until somebody mends the token
	badMessage               // refused because of what the message is
	ourBug                   // refused for a reason that no message and no setting explains
)

// codeClasses holds every error code that chat.postMessage, chat.update, chat.delete and conversations.history document, except
// those of features not used here. A code that is not here is ourBug: it stops the sink loudly and costs no message.
var codeClasses = map[string]class{
	"ratelimited":            throttled,
	"rate_limited":           throttled,
	"message_limit_exceeded": throttled, // the workspace's quota: see quotaHold

	"team_added_to_org":          later,
	"org_login_required":         later,
	"external_channel_migrating": later,
	"update_failed":              later, // of chat.update

	"fatal_error":                 unclear, // "possible some aspect of the operation succeeded"
	"internal_error":              unclear,
	"service_unavailable":         unclear,
	"request_timeout":             unclear,
	"duplicate_message_not_found": unclear,
	"duplicate_channel_not_found": unclear,

	"channel_not_found":                        destination,
	"not_in_channel":                           destination,
	"is_archived":                              destination,
	"is_inactive":                              destination,
	"restricted_action":                        destination,
	"restricted_action_read_only_channel":      destination,
	"restricted_action_thread_only_channel":    destination,
	"messages_tab_disabled":                    destination,
	"ekm_access_denied":                        destination,
	"team_not_found":                           destination,
	"channel_is_limited_access":                destination,
	"posting_to_channel_denied":                destination,
	"method_not_supported_for_channel_type":    destination,
	"cannot_reply_to_message":                  destination, // these three are about the thread, if the
	"restricted_action_thread_locked":          destination, // message was for one: see threadCodes
	"restricted_action_non_threadable_channel": destination,

	"msg_too_long":                      badMessage,
	"msg_blocks_too_long":               badMessage,
	"no_text":                           badMessage,
	"invalid_blocks":                    badMessage,
	"invalid_blocks_format":             badMessage,
	"invalid_attachments":               badMessage,
	"attachment_payload_limit_exceeded": badMessage,
	"too_many_attachments":              badMessage,
	"too_many_contact_cards":            badMessage,
	"metadata_too_large":                badMessage,
	"invalid_metadata_format":           badMessage,
	"invalid_metadata_schema":           badMessage,
	"markdown_text_conflict":            badMessage,
	"block_mismatch":                    badMessage,

	"not_authed":                     credential,
	"invalid_auth":                   credential,
	"account_inactive":               credential,
	"token_revoked":                  credential,
	"token_expired":                  credential,
	"missing_scope":                  credential,
	"no_permission":                  credential, // or the channel's: Send asks auth.test which
	"not_allowed_token_type":         credential,
	"access_denied":                  credential,
	"accesslimited":                  credential,
	"app_access_restricted":          credential,
	"two_factor_setup_required":      credential,
	"enterprise_is_restricted":       credential,
	"is_bot":                         credential,
	"as_user_not_supported":          credential,
	"send_on_behalf_not_allowed":     credential,
	"metadata_must_be_sent_from_app": credential,

	"invalid_arg_name":    ourBug,
	"invalid_arguments":   ourBug,
	"invalid_array_arg":   ourBug,
	"invalid_charset":     ourBug,
	"invalid_form_data":   ourBug,
	"invalid_post_type":   ourBug,
	"missing_post_type":   ourBug,
	"unknown_method":      ourBug,
	"method_deprecated":   ourBug,
	"deprecated_endpoint": ourBug,
	"invalid_ts_latest":   ourBug,
	"invalid_ts_oldest":   ourBug,
}

// threadCodes are those that say of a reply that its thread takes none: the message is posted in the channel then.
var threadCodes = []string{"cannot_reply_to_message", "restricted_action_thread_locked", "restricted_action_non_threadable_channel", "invalid_thread_ts"}

// frozenCodes are those that say of a message that it can never be changed any more.
var frozenCodes = []string{"message_not_found", "cant_update_message", "edit_window_closed"}

// classOf looks a code up. Slack keeps adding reasons why a shared channel refuses something, under one pattern.
func classOf(code string) class {
	if c, ok := codeClasses[code]; ok {
		return c
	}
	if sharedChannelBlock.MatchString(code) {
		return destination
	}
	return ourBug
}

var sharedChannelBlock = regexp.MustCompile(`^slack_connect_[a-z_]+_blocked$`)
