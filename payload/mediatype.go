package payload

import (
	"path/filepath"
	"strings"
)

const (
	typeJSON      = "application/json"
	typeJSONLines = "application/jsonlines" // SageMaker's name for several JSON values in one body
	typeBinary    = "application/octet-stream"
)

// guessType is the content type of a file by its extension. It does not ask
// mime.TypeByExtension, whose answers depend on the machine's own tables.
func guessType(path string) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return typeJSON
	case ".jsonl", ".ndjson":
		return typeJSONLines
	case ".csv":
		return "text/csv"
	case ".txt":
		return "text/plain"
	case ".npy":
		return "application/x-npy"
	case ".parquet":
		return "application/x-parquet"
	case ".png":
		return "image/png"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".gif":
		return "image/gif"
	case ".webp":
		return "image/webp"
	case ".bmp":
		return "image/bmp"
	case ".tif", ".tiff":
		return "image/tiff"
	default:
		return typeBinary
	}
}

// isLines reports whether a file's extension says that it holds a body a line.
func isLines(path string) bool { return guessType(path) == typeJSONLines }

// describesLines reports whether a content type describes a file of JSON Lines
// as a whole, so that it is not the type of one of its lines.
func describesLines(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "application/jsonl", "application/x-ndjson":
		return true
	default:
		return false
	}
}
