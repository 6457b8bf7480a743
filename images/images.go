// Package images holds the boot programs the lab ships, and patches a run's nonce into them.
package images
