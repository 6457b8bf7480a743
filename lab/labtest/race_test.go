//go:build race

package labtest_test

const raceDetector = true // built in
