package images

import (
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
)

// SecondFile is the name under which a run serves its second file.
const SecondFile = "second.bin"

// secondSize is not a multiple of any usual TFTP block size (512, 1024, 1428, 1456, 1468, 8192).
const secondSize = 20000

// Second gives the data file a probe fetches after it has started: always the same for a nonce, so that its CRC
// tells whether the probe fetched the file of this run and no other.
func Second(nonce string) []byte {
	data := make([]byte, secondSize)
	// Read never fails and its bytes are a documented function of the seed.
	rand.NewChaCha8(sha256.Sum256([]byte(nonce))).Read(data)
	return data
}

// CRC32 is the IEEE CRC-32 of b in the form the report uses: 8 lower case hexadecimal digits.
func CRC32(b []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(b)) }
