package hosting

import (
	"math"
	"strconv"
	"strings"
)

// capacity is what an instance has to offer, or an inference component asks for.
type capacity struct {
	cores        float64
	memoryMiB    float64
	accelerators float64
}

func (c capacity) minus(o capacity) capacity {
	return capacity{c.cores - o.cores, c.memoryMiB - o.memoryMiB, c.accelerators - o.accelerators}
}

func (c capacity) holds(o capacity) bool {
	return o.cores <= c.cores && o.memoryMiB <= c.memoryMiB && o.accelerators <= c.accelerators
}

// times is how often something fits, at least once.
func (c capacity) times(o capacity) int {
	n := math.Inf(1)
	for _, pair := range [][2]float64{{c.cores, o.cores}, {c.memoryMiB, o.memoryMiB}, {c.accelerators, o.accelerators}} {
		if pair[1] > 0 {
			n = min(n, pair[0]/pair[1])
		}
	}
	return int(max(1, min(n, 1<<20)))
}

// capacityOf is what an instance type has, "ml.m5.xlarge", by the rules that EC2's
// names follow: an xlarge has 4 cores, an Nxlarge 4N; memory by family. It is not a
// price list: families with odd sizes are rounded to the rule.
func capacityOf(instanceType string) capacity {
	parts := strings.Split(instanceType, ".")
	if len(parts) != 3 {
		return capacity{cores: 1, memoryMiB: 4096}
	}
	family, size := parts[1], parts[2]
	cores := coresOf(size)
	return capacity{cores: cores, memoryMiB: cores * gibPerCore(family) * 1024, accelerators: acceleratorsOf(family, size)}
}

func coresOf(size string) float64 {
	switch size {
	case "medium":
		return 1
	case "large":
		return 2
	case "xlarge":
		return 4
	}
	if n, err := strconv.Atoi(strings.TrimSuffix(size, "xlarge")); err == nil && n > 0 {
		return 4 * float64(n)
	}
	return 1
}

func gibPerCore(family string) float64 {
	switch {
	case strings.HasPrefix(family, "c"):
		return 2
	case strings.HasPrefix(family, "r"), strings.HasPrefix(family, "x"), strings.HasPrefix(family, "p"):
		return 8
	}
	return 4
}

// acceleratorsOf follows the tables of "Accelerated computing" in EC2's user guide.
func acceleratorsOf(family, size string) float64 {
	type sizes = map[string]float64
	tables := []struct {
		prefix string
		other  float64 // of the sizes that are not in the table
		sizes  sizes
	}{
		{"g4dn", 1, sizes{"12xlarge": 4}},
		{"g5", 1, sizes{"12xlarge": 4, "24xlarge": 4, "48xlarge": 8}},
		{"g6", 1, sizes{"12xlarge": 4, "24xlarge": 4, "48xlarge": 8}},
		{"p2", 1, sizes{"8xlarge": 8, "16xlarge": 16}},
		{"p3", 1, sizes{"8xlarge": 4, "16xlarge": 8}},
		{"p", 8, sizes{"4xlarge": 1}},
		{"inf1", 1, sizes{"6xlarge": 4, "24xlarge": 16}},
		{"inf2", 1, sizes{"24xlarge": 6, "48xlarge": 12}},
		{"trn1", 1, sizes{"32xlarge": 16}},
	}
	for _, t := range tables {
		if !strings.HasPrefix(family, t.prefix) {
			continue
		}
		if n, ok := t.sizes[size]; ok {
			return n
		}
		return t.other
	}
	return 0
}
