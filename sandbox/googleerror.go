package sandbox

import (
	"fmt"
	"net/http"
)

// googleError is a refusal in the shape of Google's APIs.
type googleError struct {
	code    int
	status  string
	message string
	details []any
}

func (e googleError) answer() answer {
	inner := map[string]any{"code": e.code, "message": e.message, "status": e.status}
	if e.details != nil {
		inner["details"] = e.details
	}
	return answer{
		status: e.code, header: http.Header{"Content-Type": {"application/json; charset=UTF-8"}},
		body: encode(map[string]any{"error": inner}),
	}
}

func badRequest(format string, args ...any) *googleError {
	return &googleError{http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf(format, args...), nil}
}

func errorInfo(reason string, metadata map[string]string) map[string]any {
	return map[string]any{
		"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": metadata,
	}
}

func unauthenticated() *googleError {
	return &googleError{
		http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token, " +
			"login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
		[]any{errorInfo("ACCESS_TOKEN_INVALID", map[string]string{"service": "sheets.googleapis.com"})},
	}
}

func scopeInsufficient() *googleError {
	return &googleError{
		http.StatusForbidden, "PERMISSION_DENIED", "Request had insufficient authentication scopes.",
		[]any{errorInfo("ACCESS_TOKEN_SCOPE_INSUFFICIENT", map[string]string{"service": "sheets.googleapis.com"})},
	}
}

func serviceDisabled() *googleError {
	return &googleError{
		http.StatusForbidden, "PERMISSION_DENIED", "Google Sheets API has not been used in project 1 before or it is disabled. Enable it by " +
			"visiting https://console.developers.google.com/apis/api/sheets.googleapis.com/overview?project=1 then retry.",
		[]any{errorInfo("SERVICE_DISABLED", map[string]string{"service": "sheets.googleapis.com", "consumer": "projects/1"})},
	}
}

// quotaExceeded is for kind "Read" or "Write".
func quotaExceeded(kind string) *googleError {
	metric := map[string]string{"Read": "read_requests", "Write": "write_requests"}[kind]
	return &googleError{
		http.StatusTooManyRequests, "RESOURCE_EXHAUSTED",
		fmt.Sprintf("Quota exceeded for quota metric '%s requests' and limit '%s requests per minute per user' of service "+
			"'sheets.googleapis.com' for consumer 'project_number:1'.", kind, kind),
		[]any{errorInfo("RATE_LIMIT_EXCEEDED", map[string]string{
			"consumer": "projects/1", "service": "sheets.googleapis.com",
			"quota_limit": kind + "RequestsPerMinutePerUser", "quota_metric": "sheets.googleapis.com/" + metric,
		})},
	}
}
