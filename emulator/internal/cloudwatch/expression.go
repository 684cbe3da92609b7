package cloudwatch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The functions of metric math that are emulated. AWS has about forty more.
const functions = "AVG, FILL, IF, MAX, METRICS, MIN, PERIOD, RATE and SUM"

// maxDepth bounds how deeply an expression may be nested.
const maxDepth = 100

// node is one operation of a metric math expression.
type node struct {
	op     string // operator, "number", "text", "name", "list" or "call"
	number float64
	text   string // a name, a function's name or the text between quotes
	args   []*node
}

// parseExpression reads metric math, of which the operators + - * / and the
// comparisons, AND and OR, lists and the functions above are emulated.
func parseExpression(text string) (*node, error) {
	p := parser{text: text}
	p.next()
	if strings.EqualFold(p.token, "SELECT") {
		return nil, fmt.Errorf("SELECT: Metrics Insights queries are not emulated")
	}
	n, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	switch p.token {
	case "":
		return n, nil
	case "^":
		return nil, fmt.Errorf("operator ^ is not emulated")
	}
	return nil, fmt.Errorf("unexpected %q", p.token)
}

// parser is a recursive descent over the tokens of an expression.
type parser struct {
	text  string
	token string // the present one; empty at the end
	depth int
}

// next moves on by one token: a number, a name, a quoted text with its first quote, or
// an operator.
func (p *parser) next() {
	p.text = strings.TrimLeft(p.text, " \t\r\n")
	n := 0
	switch c := first(p.text); {
	case c == 0:
	case c == '"' || c == '\'':
		n = len(p.text) // without an end: the whole rest, which text refuses
		if end := strings.IndexByte(p.text[1:], c); end >= 0 {
			n = end + 2
		}
	case isDigit(c) || c == '.':
		n = numberLength(p.text)
	case isLetter(c):
		for n < len(p.text) && (isLetter(p.text[n]) || isDigit(p.text[n])) {
			n++
		}
	default:
		n = 1
		if len(p.text) > 1 && slices.Contains([]string{"<=", ">=", "==", "!=", "&&", "||"}, p.text[:2]) {
			n = 2
		}
	}
	p.token, p.text = p.text[:n], p.text[n:]
}

func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c == '_' || (c|0x20 >= 'a' && c|0x20 <= 'z') }

// numberLength is how much of a text is a number, with an exponent.
func numberLength(s string) int {
	n := 0
	for n < len(s) && (isDigit(s[n]) || s[n] == '.') {
		n++
	}
	if n < len(s) && s[n]|0x20 == 'e' {
		exponent := n + 1
		if exponent < len(s) && (s[exponent] == '+' || s[exponent] == '-') {
			exponent++
		}
		if exponent < len(s) && isDigit(s[exponent]) {
			for n = exponent; n < len(s) && isDigit(s[n]); {
				n++
			}
		}
	}
	return n
}

// precedence has the operators from the loosest to the tightest, each with its spellings.
func precedence(level int) []string {
	switch level {
	case 0:
		return []string{"||", "OR"}
	case 1:
		return []string{"&&", "AND"}
	case 2:
		return []string{"<", ">", "<=", ">=", "==", "!="}
	case 3:
		return []string{"+", "-"}
	case 4:
		return []string{"*", "/"}
	}
	return nil
}

// expression reads operators of a level and tighter ones, from the left.
func (p *parser) expression(level int) (*node, error) {
	operators := precedence(level)
	if operators == nil {
		return p.unary()
	}
	left, err := p.expression(level + 1)
	for err == nil && slices.Contains(operators, p.token) {
		n := &node{op: p.token, args: []*node{left}}
		p.next()
		var right *node
		if right, err = p.expression(level + 1); err == nil {
			n.args = append(n.args, right)
			left = n
		}
	}
	return left, err
}

func (p *parser) unary() (*node, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("more than %d levels deep", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.token != "-" {
		return p.primary()
	}
	p.next()
	n, err := p.unary()
	return &node{op: "-", args: []*node{{op: "number"}, n}}, err
}

func (p *parser) primary() (*node, error) {
	token := p.token
	p.next()
	switch c := first(token); {
	case c == 0:
		return nil, fmt.Errorf("unexpected end")
	case isDigit(c) || c == '.':
		number, err := strconv.ParseFloat(token, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", token)
		}
		return &node{op: "number", number: number}, nil
	case c == '"' || c == '\'':
		if len(token) < 2 || token[len(token)-1] != c {
			return nil, fmt.Errorf("no end of %s", token)
		}
		return &node{op: "text", text: token[1 : len(token)-1]}, nil
	case c == '(':
		n, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case c == '[':
		return p.arguments(&node{op: "list"}, "]")
	case isLetter(c) && p.token == "(":
		p.next()
		return p.arguments(&node{op: "call", text: token}, ")")
	case isLetter(c):
		return &node{op: "name", text: token}, nil
	}
	return nil, fmt.Errorf("unexpected %q", token)
}

// arguments reads what stands between commas up to a closing bracket.
func (p *parser) arguments(n *node, closing string) (*node, error) {
	for p.token != closing {
		arg, err := p.expression(0)
		if err != nil {
			return nil, err
		}
		n.args = append(n.args, arg)
		if p.token != "," {
			break
		}
		p.next()
	}
	return n, p.expect(closing)
}

func (p *parser) expect(token string) error {
	if p.token != token {
		return fmt.Errorf("want %q, not %q", token, p.token)
	}
	p.next()
	return nil
}
