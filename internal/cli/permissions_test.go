package cli

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPermissionsPage: the policy that is to be pasted is JSON, and has every action that
// the page's table names.
func TestPermissionsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/permissions.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```json\n")
	text, _, _ = strings.Cut(text, "```")
	var policy struct {
		Statement []struct{ Action any }
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for _, s := range policy.Statement {
		switch actions := s.Action.(type) {
		case string:
			allowed = append(allowed, actions)
		case []any:
			for _, a := range actions {
				allowed = append(allowed, a.(string)) //nolint:forcetypeassert // a test may panic
			}
		}
	}
	named := regexp.MustCompile("`([a-z-]+|…):([A-Za-z]+)`")
	service := ""
	for _, m := range named.FindAllStringSubmatch(string(page), -1) {
		if m[1] != "…" {
			service = m[1]
		}
		if action := service + ":" + m[2]; !slices.Contains(allowed, action) {
			t.Errorf("the policy does not allow %s", action)
		}
	}
}
