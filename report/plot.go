package report

import (
	"fmt"
	"html"
	"html/template"
	"slices"
	"strings"
)

// plot is a chart under construction: inline SVG whose colours are classes of
// the page's style sheet, so that it follows the reader's light or dark theme.
type plot struct {
	b             strings.Builder
	width, height float64
	x, y          axis
}

// Margins around the plotting area, in pixels. The top has two rows of labels.
const (
	marginLeft   = 62
	marginRight  = 18
	marginTop    = 44
	marginBottom = 46
)

// newPlot lays out a chart and draws its grid.
func newPlot(width, height float64, x, y axis) *plot {
	x.from, x.to = marginLeft, width-marginRight
	y.from, y.to = height-marginBottom, marginTop
	p := &plot{width: width, height: height, x: x, y: y}
	for _, t := range y.ticks {
		at := y.at(t.value)
		p.line("grid", x.from, at, x.to, at)
		p.text("tick", "end", x.from-8, at+4, t.label)
	}
	for _, t := range x.ticks {
		at := x.at(t.value)
		p.line("stub", at, y.from, at, y.from+5)
		p.text("tick", "middle", at, y.from+19, t.label)
	}
	p.line("axis", x.from, y.from, x.to, y.from)
	p.text("axis-title", "end", x.to, height-6, x.title)
	p.text("axis-title", "start", 4, 14, y.title)
	return p
}

// svg closes the chart. label is its finding in one sentence, for readers who
// do not see it.
func (p *plot) svg(label string) template.HTML {
	// Every text that went in was escaped by text, title or this line.
	return template.HTML(fmt.Sprintf(`<svg viewBox="0 0 %s %s" role="img" aria-label="%s">%s</svg>`,
		px(p.width), px(p.height), html.EscapeString(printable(label)), p.b.String()))
}

// px writes a pixel with one decimal at most.
func px(v float64) string { return trim(fmt.Sprintf("%.1f", v)) }

func (p *plot) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(&p.b, `<path class="%s" d="M%s %sL%s %s"/>`, class, px(x1), px(y1), px(x2), px(y2))
}

func (p *plot) text(class, anchor string, x, y float64, words string) {
	if words != "" {
		fmt.Fprintf(&p.b, `<text class="%s" text-anchor="%s" x="%s" y="%s">%s</text>`, class, anchor, px(x), px(y), html.EscapeString(printable(words)))
	}
}

func (p *plot) rect(class string, x1, y1, x2, y2 float64, title string) {
	fmt.Fprintf(&p.b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s">%s</rect>`,
		class, px(min(x1, x2)), px(min(y1, y2)), px(max(x1, x2)-min(x1, x2)), px(max(y1, y2)-min(y1, y2)), tooltip(title))
}

func tooltip(title string) string {
	if title == "" {
		return ""
	}
	return "<title>" + html.EscapeString(printable(title)) + "</title>"
}

// point is a place in the plane of the data.
type point struct{ x, y float64 }

// curve joins points in their order.
func (p *plot) curve(class string, points []point) {
	if len(points) < 2 {
		return
	}
	var d strings.Builder
	for i, at := range points {
		d.WriteByte("ML"[min(i, 1)])
		d.WriteString(px(p.x.at(at.x)) + " " + px(p.y.at(at.y)))
	}
	fmt.Fprintf(&p.b, `<path class="%s" d="%s"/>`, class, d.String())
}

// area fills what lies between two curves over the same x.
func (p *plot) area(class string, low, high []point) {
	if len(low) < 2 {
		return
	}
	var d strings.Builder
	for i, at := range high {
		d.WriteByte("ML"[min(i, 1)])
		d.WriteString(px(p.x.at(at.x)) + " " + px(p.y.at(at.y)))
	}
	for _, at := range slices.Backward(low) {
		d.WriteString("L" + px(p.x.at(at.x)) + " " + px(p.y.at(at.y)))
	}
	fmt.Fprintf(&p.b, `<path class="%s" d="%sZ"/>`, class, d.String())
}

// Shapes of markers; they tell series apart where colours do not.
const (
	circle  = "M-4.2 0a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0 -8.4 0Z"
	diamond = "M0 -5.6L5.6 0L0 5.6L-5.6 0Z"
	square  = "M-4 -4H4V4H-4Z"
	cross   = "M-4.2 -4.2L4.2 4.2M-4.2 4.2L4.2 -4.2"
)

// mark draws a marker with a tooltip.
func (p *plot) mark(shape, class string, at point, title string) {
	fmt.Fprintf(&p.b, `<path class="mark %s" transform="translate(%s %s)" d="%s">%s</path>`,
		class, px(p.x.at(at.x)), px(p.y.at(at.y)), shape, tooltip(title))
}

// upright marks a value of x over the whole height, its name in a row above.
func (p *plot) upright(class string, v float64, row int, name string) {
	at, above := p.x.at(v), p.row(row)
	p.line(class, at, above+4, at, p.y.from)
	p.text("label "+class, anchorNear(at, p.x), at, above, name)
}

// row is the baseline of a row of labels above the plotting area.
func (p *plot) row(n int) float64 { return marginTop - 24 + 15*float64(n) }

// anchorNear keeps a label that is centred at a pixel within an axis.
func anchorNear(at float64, a axis) string {
	const half = 70
	switch {
	case at+half > a.to+marginRight:
		return "end"
	case at-half < a.from:
		return "start"
	}
	return "middle"
}

// level marks a value of y over the whole width, its name above the line's left end.
func (p *plot) level(class string, v float64, name string) {
	at := p.y.at(v)
	p.line(class, p.x.from, at, p.x.to, at)
	p.text("label "+class, "start", p.x.from+6, at-6, name)
}

// swatch is a marker or a line as it looks in a chart, for its legend.
func swatch(shape, class string) template.HTML {
	// Both come from constants of this package.
	return template.HTML(fmt.Sprintf(`<svg class="swatch" viewBox="-12 -8 24 16" aria-hidden="true"><path class="%s" d="%s"/></svg>`, class, shape))
}

const dash = "M-11 0H11"
