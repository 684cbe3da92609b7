package capacity

import (
	"math"
	"slices"
)

// USL is the Universal Scalability Law, fitted to a throughput X over the number
// of requests in flight N:
//
//	X(N) = λ·N / (1 + σ·(N−1) + κ·N·(N−1))
//
// λ is the throughput of one request at a time, σ the contention (the share of the
// work that has to wait its turn) and κ the coherency (what each pair costs). With
// κ > 0 and σ < 1 the throughput is highest at
//
//	N* = √((1−σ)/κ)
//
// and falls beyond (N. Gunther, Guerrilla Capacity Planning, 2007, eq. 4.31 and 4.33).
// It describes a closed loop, and knows nothing of latency's tail.
type USL struct {
	Lambda, Sigma, Kappa       float64 // λ per second; σ and κ not negative
	LambdaSE, SigmaSE, KappaSE float64 // standard errors
	Peak, PeakRate             float64 // N* and X(N*); 0: the law has no peak
	// RMS is the root of the mean square of the relative residuals X/X(N) − 1.
	RMS    float64
	Points int // that it is fitted to

	noise float64 // the same of the measurements' standard errors
}

// scalePoint is a throughput to fit to, with its relative standard error.
type scalePoint struct{ n, x, se float64 }

// misfit is the part of the residuals that noise does not explain.
func (u USL) misfit() float64 { return math.Sqrt(max(0, u.RMS*u.RMS-u.noise*u.noise)) }

// At is the throughput by the law with n ≥ 1 in flight.
func (u USL) At(n float64) float64 {
	return u.Lambda * n / (1 + u.Sigma*(n-1) + u.Kappa*n*(n-1))
}

const (
	uslTerms = 3
	// leastScalePoints leaves the fit two degrees of freedom.
	leastScalePoints = uslTerms + 2
	// lawError is how well the law can be expected to describe a server at all; no
	// point weighs more than by this.
	lawError = 0.01
	// rounding is what a coefficient of zero may come out as.
	rounding = 1e-9
)

// fitUSL fits the law by least squares. N/X is linear in 1/λ, σ/λ and κ/λ, and
// with the weight (X/N)² its residuals are the relative ones of X, so that small
// and large throughputs count alike. Of the fits with and without σ and κ the best
// one counts whose coefficients are not negative: below zero they mean nothing
// here (Gunther's superlinear case does not occur with one server). It is false for
// fewer than five different points.
func fitUSL(points []scalePoint) (USL, bool) {
	points = slices.DeleteFunc(slices.Clone(points), func(p scalePoint) bool { return !(p.n >= 1) || !(p.x > 0) })
	if len(points) < leastScalePoints {
		return USL{}, false
	}
	whole, ok := fitTerms(points, [uslTerms]bool{true, true, true})
	if !ok {
		return USL{}, false
	}
	best, found := whole, whole.feasible()
	if !found {
		for _, use := range [][uslTerms]bool{{true, true, false}, {true, false, true}, {true, false, false}} {
			if f, ok := fitTerms(points, use); ok && f.feasible() && (!found || f.sum < best.sum) {
				best, found = f, true
			}
		}
	}
	if !found {
		return USL{}, false
	}
	return best.law(whole, points), true
}

// linearFit is N/X = c₀ + c₁·(N−1) + c₂·N·(N−1), with the covariance of c.
type linearFit struct {
	use   [uslTerms]bool
	c     [uslTerms]float64
	cov   [uslTerms][uslTerms]float64
	sum   float64 // of the weighted squares of the relative residuals
	count int
}

func (f linearFit) feasible() bool { return f.c[0] > 0 && f.c[1] >= 0 && f.c[2] >= 0 }

func uslTermsAt(n float64) [uslTerms]float64 { return [uslTerms]float64{1, n - 1, n * (n - 1)} }

func fitTerms(points []scalePoint, use [uslTerms]bool) (linearFit, bool) {
	var normal [uslTerms][uslTerms]float64
	var right [uslTerms]float64
	for _, p := range points {
		terms, w := uslTermsAt(p.n), p.weight()*(p.x/p.n)*(p.x/p.n)
		for a := range uslTerms {
			right[a] += w * terms[a] * p.n / p.x
			for b := range uslTerms {
				normal[a][b] += w * terms[a] * terms[b]
			}
		}
	}
	inverse, ok := invert(normal, use)
	if !ok {
		return linearFit{}, false
	}
	f := linearFit{use: use, count: len(points)}
	for a := range uslTerms {
		for b := range uslTerms {
			f.c[a] += inverse[a][b] * right[b]
		}
	}
	free := len(points)
	for _, used := range use {
		if used {
			free--
		}
	}
	for _, p := range points {
		r := f.residual(p)
		f.sum += p.weight() * r * r
	}
	for a := range uslTerms {
		for b := range uslTerms {
			f.cov[a][b] = inverse[a][b] * f.sum / float64(free)
		}
	}
	return f, true
}

func (p scalePoint) weight() float64 { return 1 / (lawError*lawError + p.se*p.se) }

// residual is 1 − X/X(N), nearly the relative error of X.
func (f linearFit) residual(p scalePoint) float64 {
	terms, d := uslTermsAt(p.n), 0.0
	for a := range uslTerms {
		d += f.c[a] * terms[a]
	}
	return 1 - p.x*d/p.n
}

// law turns the coefficients into those of the law; standard errors by the delta
// method, of a coefficient that was left out by the fit of all.
func (f linearFit) law(whole linearFit, points []scalePoint) USL {
	u := USL{Lambda: 1 / f.c[0], Sigma: f.c[1] / f.c[0], Kappa: f.c[2] / f.c[0], Points: f.count}
	u.LambdaSE = math.Sqrt(f.cov[0][0]) / (f.c[0] * f.c[0])
	ratioSE := func(a int) float64 {
		from := f
		if !f.use[a] {
			from = whole
		}
		share := from.c[a] / from.c[0]
		return math.Sqrt(max(0, from.cov[a][a]-2*share*from.cov[0][a]+share*share*from.cov[0][0])) / math.Abs(from.c[0])
	}
	u.SigmaSE, u.KappaSE = ratioSE(1), ratioSE(2)
	if u.Kappa > rounding && u.Sigma < 1-rounding {
		if n := math.Sqrt((1 - u.Sigma) / u.Kappa); n >= 1 && !math.IsInf(n, 0) {
			u.Peak, u.PeakRate = n, u.At(n)
		}
	}
	for _, p := range points {
		r := p.x/u.At(p.n) - 1
		u.RMS += r * r / float64(len(points))
		u.noise += p.se * p.se / float64(len(points))
	}
	u.RMS, u.noise = math.Sqrt(u.RMS), math.Sqrt(u.noise)
	return u
}

// invert inverts the rows and columns of a positive definite matrix that are used,
// and leaves the others zero; false where it is singular. Scaled by its diagonal
// first: the terms differ by the square of N.
func invert(m [uslTerms][uslTerms]float64, use [uslTerms]bool) (out [uslTerms][uslTerms]float64, ok bool) {
	var scale [uslTerms]float64
	for a := range uslTerms {
		scale[a] = math.Sqrt(m[a][a])
		if use[a] && !(scale[a] > 0) {
			return out, false
		}
	}
	for a := range uslTerms {
		for b := range uslTerms {
			switch {
			case use[a] && use[b]:
				m[a][b] /= scale[a] * scale[b]
			case a == b:
				m[a][b] = 1
			default:
				m[a][b] = 0
			}
		}
		out[a][a] = 1
	}
	for p := range uslTerms {
		pivot := m[p][p]
		if !(pivot > 1e-12) {
			return out, false
		}
		for b := range uslTerms {
			m[p][b] /= pivot
			out[p][b] /= pivot
		}
		for r := range uslTerms {
			f := m[r][p]
			if r == p || f == 0 {
				continue
			}
			for b := range uslTerms {
				m[r][b] -= f * m[p][b]
				out[r][b] -= f * out[p][b]
			}
		}
	}
	for a := range uslTerms {
		for b := range uslTerms {
			if use[a] && use[b] {
				out[a][b] /= scale[a] * scale[b]
			} else {
				out[a][b] = 0
			}
		}
	}
	return out, true
}
