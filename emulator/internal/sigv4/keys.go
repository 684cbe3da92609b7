package sigv4

import "sync"

// keyID is what a signing key is derived from, besides the secret.
type keyID struct{ accessKey, day, region, service string }

type derived struct {
	secret string
	key    [32]byte
}

// maxKeys bounds the cache: clients choose the region of their scope.
const maxKeys = 1024

// keyCache keeps signing keys, which last a day and cost more than a signature. When
// it is full it starts anew.
type keyCache struct {
	mu   sync.RWMutex
	keys map[keyID]derived
}

func (c *keyCache) get(id keyID, secret string) [32]byte {
	c.mu.RLock()
	known, ok := c.keys[id]
	c.mu.RUnlock()
	if ok && known.secret == secret {
		return known.key
	}
	made := derived{secret: secret, key: derive(id, secret)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxKeys {
		c.keys = make(map[keyID]derived)
	}
	c.keys[id] = made
	return made.key
}

func derive(id keyID, secret string) [32]byte {
	key := []byte("AWS4" + secret)
	for _, part := range [...]string{id.day, id.region, id.service, terminator} {
		key = sign(key, []byte(part))
	}
	return [32]byte(key)
}
