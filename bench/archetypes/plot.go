package main

import (
	"fmt"
	"math"
	"strings"
)

// The plot's frame, in units of its view box, and the ranges of its two
// logarithmic axes.
const (
	left, right, top, bottom = 62.0, 690.0, 24.0, 360.0
	fastest, slowest         = 30.0, 600.0
	least, most              = 0.005, 0.3
)

func across(seconds float64) float64 {
	return left + (right-left)*math.Log(seconds/fastest)/math.Log(slowest/fastest)
}

func down(share float64) float64 {
	share = math.Max(least, math.Min(share, most))
	return bottom - (bottom-top)*math.Log(share/least)/math.Log(most/least)
}

// drawPlot shows the median error over the median time, with a whisker up to the
// error that 95 % of the runs stay below.
func drawPlot(all []outcome) string {
	plain := strings.NewReplacer("&", "&amp;", "<", "&lt;")
	var out strings.Builder
	out.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 410" font-family="sans-serif" font-size="12" role="img" aria-label="error against time">` + "\n")
	out.WriteString("<style>svg{background:#fff}.g{stroke:#ddd}.p{stroke:#0a5;fill:none;stroke-width:2}</style>\n")
	for _, s := range []float64{30, 60, 90, 120, 180, 300, 600} {
		fmt.Fprintf(&out, `<path class="g" d="M%.1f %.1fV%.1f"/><text x="%.1f" y="%.1f" text-anchor="middle">%.0f</text>`+"\n", across(s), top, bottom, across(s), bottom+16, s)
	}
	for _, e := range []float64{0.005, 0.01, 0.02, 0.05, 0.1, 0.2} {
		fmt.Fprintf(&out, `<path class="g" d="M%.1f %.1fH%.1f"/><text x="%.1f" y="%.1f" text-anchor="end">%g %%</text>`+"\n", left, down(e), right, left-6, down(e)+4, 100*e)
	}
	fmt.Fprintf(&out, `<text x="%.0f" y="398" text-anchor="middle">seconds (median)</text><text x="%.0f" y="14">error: median, and what 95 %% of the runs stay below</text>`+"\n", (left+right)/2, left)
	var line []string
	for _, o := range all {
		s := summarize(o.runs)
		x, y := across(s.seconds), down(s.median)
		colour, name := "#a33", plain.Replace(o.name)
		if o.ours {
			colour, name = "#0a5", ""
			line = append(line, fmt.Sprintf("%.1f %.1f", x, y))
		}
		fmt.Fprintf(&out, `<g stroke="%s"><title>%s: median %.1f %%, 95 %% below %.1f %%, %.0f s</title><path d="M%.1f %.1fV%.1fm-4 0h8"/><circle cx="%.1f" cy="%.1f" r="4" fill="%s"/></g>`,
			colour, plain.Replace(o.name), 100*s.median, 100*s.p95, s.seconds, x, y, down(s.p95), x, y, colour)
		fmt.Fprintf(&out, `<text x="%.1f" y="%.1f" fill="%s">%s</text>`+"\n", x+7, y+4, colour, name)
	}
	if len(line) > 0 {
		fmt.Fprintf(&out, `<path class="p" d="M%s"/><text x="%.0f" y="%.1f" fill="#0a5">plimsoll</text>`+"\n", strings.Join(line, "L"), left+20, bottom-60)
	}
	out.WriteString("</svg>\n")
	return out.String()
}
