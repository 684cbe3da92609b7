package sagemaker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSplit: what the SDK makes of the places where addresses are configured.
func TestSplit(t *testing.T) {
	const runtime = "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME="
	const all = "SageMaker, CloudWatch, Application Auto Scaling"
	for _, tt := range []struct {
		name           string
		env            []string
		host           string // "": nothing is split
		planes         string
		private, local bool
	}{
		{"nothing configured", nil, "", "", false, false},
		{"one address for all", []string{"AWS_ENDPOINT_URL=http://127.0.0.1:4566"}, "", "", false, false},
		{"the runtime alone, on this machine", []string{runtime + "http://127.0.0.1:4566/x"}, "127.0.0.1:4566", all, false, true},
		{"by its name", []string{runtime + "http://localhost:4566"}, "localhost:4566", all, false, true},
		{"on this machine, IPv6", []string{runtime + "http://[::1]:4566"}, "[::1]:4566", all, false, true},
		{
			"a VPC endpoint",
			[]string{runtime + "https://vpce-1.runtime.sagemaker.us-east-1.vpce.amazonaws.com"},
			"vpce-1.runtime.sagemaker.us-east-1.vpce.amazonaws.com", all, true, false,
		},
		{"a name of the user's own", []string{runtime + "https://user:secret@models.example.test"}, "models.example.test", all, false, false},
		{"some are told", []string{runtime + "http://127.0.0.1:1", "AWS_ENDPOINT_URL_SAGEMAKER=http://127.0.0.1:1"}, "127.0.0.1:1", "CloudWatch, Application Auto Scaling", false, true},
		{"all are told", []string{
			runtime + "http://127.0.0.1:1", "AWS_ENDPOINT_URL_SAGEMAKER=http://127.0.0.1:1", "AWS_ENDPOINT_URL_CLOUDWATCH=http://127.0.0.1:1",
			"AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING=http://127.0.0.1:1",
		}, "", "", false, false},
		{"both", []string{runtime + "http://127.0.0.1:1", "AWS_ENDPOINT_URL=http://127.0.0.1:2"}, "", "", false, false},
		{"ignored", []string{runtime + "http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}, "", "", false, false},
		{"a profile's services", []string{"AWS_PROFILE=lab"}, "lab.test:9000", all, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config")
			const profile = "[profile lab]\nregion = us-east-1\nservices = lab\n[services lab]\nsagemaker_runtime =\n  endpoint_url = http://lab.test:9000\n"
			if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
				t.Fatal(err)
			}
			sealed(t, append([]string{"AWS_CONFIG_FILE=" + file}, tt.env...)...)
			for _, name := range []string{"AWS_ENDPOINT_URL"} { // that it is set, to nothing, counts for the SDK
				if os.Getenv(name) == "" {
					_ = os.Unsetenv(name)
				}
			}
			control, err := Connect(t.Context(), ControlOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer control.Close()
			target, err := New(t.Context(), Options{Endpoint: "e"})
			if err != nil {
				t.Fatal(err)
			}
			s := control.Split()
			if tt.host == "" {
				if s != nil || target.Split() != nil {
					t.Fatalf("split as %v and %v, want not at all", s, target.Split())
				}
				if err := s.RefuseChange(); err != nil {
					t.Errorf("RefuseChange: %v", err)
				}
				return
			}
			if s == nil || s.Host != tt.host || strings.Join(s.Planes, ", ") != tt.planes || s.Private() != tt.private || s.Local() != tt.local {
				t.Fatalf("split as %+v, want %s next to %s", s, tt.host, tt.planes)
			}
			if got := target.Split(); got == nil || got.String() != s.String() {
				t.Errorf("the target is split as %v, the control as %v", got, s)
			}
			if err := s.RefuseChange(); (err != nil) != tt.local || err != nil && !strings.Contains(err.Error(), "set AWS_ENDPOINT_URL to") {
				t.Errorf("RefuseChange: %v", err)
			}
			if text := s.Warning(); !strings.Contains(text, tt.host) || strings.Contains(text, "secret") {
				t.Errorf("Warning: %s", text)
			}
		})
	}
}
