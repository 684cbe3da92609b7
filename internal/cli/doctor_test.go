package cli

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"plimsoll/diagnosis"
)

// TestDoctorPageHasEveryField: docs/formats/doctor.md has the fields of the document, and
// no others; the statuses too.
func TestDoctorPageHasEveryField(t *testing.T) {
	content, err := os.ReadFile("../../docs/formats/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	page, unexplained := string(content), map[string]bool{}
	for line := range strings.Lines(page) {
		if row, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ := strings.Cut(row, "`")
			unexplained[name] = true
		}
	}
	for _, of := range []reflect.Type{reflect.TypeFor[diagnosed](), reflect.TypeFor[diagnosis.Check]()} {
		for field := range of.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !unexplained[name] {
				t.Errorf("docs/formats/doctor.md has no row for %s of %s", name, of)
			}
			delete(unexplained, name)
		}
	}
	for name := range unexplained {
		t.Errorf("docs/formats/doctor.md explains %s, which the document does not have", name)
	}
	for _, status := range []diagnosis.Status{diagnosis.OK, diagnosis.Warn, diagnosis.Fail, diagnosis.NotKnown} {
		if !strings.Contains(page, "`"+string(status)+"`") {
			t.Errorf("docs/formats/doctor.md does not name the status %s", status)
		}
	}
}
