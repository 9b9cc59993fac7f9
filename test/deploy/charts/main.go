// Lints, renders and checks a chart with Helm's own packages and Kubernetes' own types, as `helm lint`, `helm template` and a strict API
// server would.
//
//	charts lint CHART [VALUES...]
//	charts render CHART RELEASE NAMESPACE [VALUES...]
//	charts check < MANIFESTS
//
// Prints one JSON object. Values are files of YAML, of which later ones rule.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/values"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

type told struct {
	Manifests string   `json:"manifests"`
	Notes     string   `json:"notes"`
	Failures  []string `json:"failures"`
	// Kinds that neither Kubernetes nor Prometheus' operator defines; nobody has checked those.
	Unknown []string `json:"unknown"`
}

func main() {
	answer := told{Failures: []string{}, Unknown: []string{}}
	switch arguments := os.Args[1:]; arguments[0] {
	case "lint":
		answer.lint(arguments[1], arguments[2:])
	case "render":
		answer.render(arguments[1], chartutil.ReleaseOptions{Name: arguments[2], Namespace: arguments[3], Revision: 1, IsInstall: true}, arguments[4:])
	case "check":
		text, err := io.ReadAll(os.Stdin)
		answer.note("", err)
		answer.check("", string(text))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		panic(err)
	}
}

func (t *told) note(where string, err error) {
	if err != nil {
		t.Failures = append(t.Failures, strings.TrimSpace(where+" "+err.Error()))
	}
}

func (t *told) lint(chart string, valueFiles []string) {
	given, err := (&values.Options{ValueFiles: valueFiles}).MergeValues(nil)
	t.note("values", err)
	for _, message := range lint.All(chart, given, "default", true).Messages {
		if message.Severity >= support.WarningSev {
			t.note(message.Path, message.Err)
		}
	}
}

func (t *told) render(path string, release chartutil.ReleaseOptions, valueFiles []string) {
	chart, err := loader.Load(path)
	if err != nil {
		t.note(path, err)
		return
	}
	given, err := (&values.Options{ValueFiles: valueFiles}).MergeValues(nil)
	t.note("values", err)
	// Checks them by values.schema.json too.
	all, err := chartutil.ToRenderValues(chart, given, release, chartutil.DefaultCapabilities)
	if err != nil {
		t.note("values", err)
		return
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		t.note("templates", err)
		return
	}
	names := []string{}
	for name, text := range files {
		switch {
		case strings.HasSuffix(name, "NOTES.txt"):
			t.Notes = text
		case strings.HasSuffix(name, ".tpl"):
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		t.check(name, files[name])
	}
}

func (t *told) check(name string, text string) {
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := releaseutil.SplitManifests(text)
	keys := make([]string, 0, len(documents))
	for key := range documents {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return index(a) - index(b) })
	for _, key := range keys {
		document := documents[key]
		var head struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := yaml.Unmarshal([]byte(document), &head); err != nil {
			t.note(name, err)
			continue
		}
		if head.Kind == "" {
			continue
		}
		t.Manifests += "---\n" + strings.TrimSpace(document) + "\n"
		where := fmt.Sprintf("%s %s", name, head.Kind)
		switch head.Kind {
		case "ServiceMonitor":
			t.note(where, yaml.UnmarshalStrict([]byte(document), &monitoring.ServiceMonitor{}))
		case "PrometheusRule":
			t.note(where, yaml.UnmarshalStrict([]byte(document), &monitoring.PrometheusRule{}))
		default:
			if !scheme.Scheme.IsVersionRegistered(groupVersion(head.APIVersion)) {
				t.Unknown = append(t.Unknown, head.Kind)
				continue
			}
			_, _, err := decoder.Decode(bytes.TrimSpace([]byte(document)), nil, nil)
			t.note(where, err)
		}
	}
}

func groupVersion(text string) schema.GroupVersion {
	parsed, err := schema.ParseGroupVersion(text)
	if err != nil {
		return schema.GroupVersion{}
	}
	return parsed
}

// SplitManifests names documents manifest-0, manifest-1, ...
func index(key string) int {
	number := 0
	fmt.Sscanf(key, "manifest-%d", &number)
	return number
}
