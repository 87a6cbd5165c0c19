package sandbox

import "strings"

// AddPerson adds a member of the workspace with an e-mail address, and returns their id.
func (s *Slack) AddPerson(name, email string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := slackPerson{id: "U" + s.names.upper(10), name: name, email: email}
	s.people = append(s.people, p)
	return p.id
}

// slackPerson is a member of the workspace.
type slackPerson struct{ id, name, email string }

func peopleScope(*Slack, args) []string { return []string{"users:read.email"} }

// lookupByEmail finds a member by their address, in capitals or not.
func (s *Slack) lookupByEmail(r *Request, a args) map[string]any {
	if a["email"] == "" {
		s.violate(r, "no email")
		return slackError("invalid_arguments")
	}
	for _, p := range s.people {
		if !strings.EqualFold(p.email, a["email"]) {
			continue
		}
		return map[string]any{"user": map[string]any{
			"id": p.id, "team_id": s.TeamID, "name": strings.ToLower(p.id), "deleted": false, "real_name": p.name, "is_bot": false,
			"profile": map[string]any{"real_name": p.name, "display_name": p.name, "email": p.email, "team": s.TeamID},
		}}
	}
	return slackError("users_not_found")
}
