//go:build !race

package labtest_test

const raceDetector = false // not built in
