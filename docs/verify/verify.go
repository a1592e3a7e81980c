// Verifies Aragora webhook deliveries. Copy this file, change the package's name and drop main; it
// needs Go 1.21 and nothing else.
//
//	err := Verify(StandardWebhooks, []string{"your-hmac-secret"}, request.Header, body, time.Now(), DefaultMaxAge)
//	if err != nil {
//		http.Error(response, err.Error(), http.StatusUnauthorized)
//		return
//	}
//
// Run as a program it reads one case a line, as JSON, and prints one answer a line:
// {"scheme", "secrets", "headers", "body_base64", "now", "max_age_seconds"}.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Scheme says which of a delivery's signatures is checked.
type Scheme string

const (
	// StandardWebhooks is webhook-id, webhook-timestamp and webhook-signature.
	StandardWebhooks Scheme = "standard_webhooks"
	// Timestamped is X-Aragora-Signature-Timestamped.
	Timestamped Scheme = "timestamped"
	// Body is X-Aragora-Signature (or X-Signature-SHA256) with X-Aragora-Timestamp, which it does not cover.
	Body Scheme = "body"
)

// DefaultMaxAge is how old a delivery may be unless there is a reason for another limit.
const DefaultMaxAge = 300 * time.Second

const maxAheadSeconds = 60

// The checks that can fail. Each error's text is the check's word.
var (
	ErrNoSecret            = errors.New("no_secret")
	ErrHeaderMissing       = errors.New("header_missing")
	ErrHeaderMalformed     = errors.New("header_malformed")
	ErrTimestampNotANumber = errors.New("timestamp_not_a_number")
	ErrTooOld              = errors.New("too_old")
	ErrTooFarAhead         = errors.New("too_far_ahead")
	ErrMismatch            = errors.New("mismatch")
)

// signed is what a scheme finds: the timestamp, the signatures, and how a secret signs.
type signed struct {
	timestamp  string
	signatures []string
	sign       func(secret string) string
}

// Verify returns nil for a valid delivery, else the error of the first check that failed.
//
// secrets is every secret that is live, more than one during a rotation; body is the request's
// bytes as they came, before any parsing.
func Verify(scheme Scheme, secrets []string, header http.Header, body []byte, now time.Time, maxAge time.Duration) error {
	var live []string
	for _, secret := range secrets {
		if secret != "" && secret != "whsec_" {
			live = append(live, secret)
		}
	}
	if len(live) == 0 {
		return ErrNoSecret
	}
	var found signed
	var err error
	switch scheme {
	case StandardWebhooks:
		found, err = standardWebhooks(header, body)
	case Timestamped:
		found, err = timestamped(header, body)
	case Body:
		found, err = bodyOnly(header, body)
	default:
		return fmt.Errorf("there is no scheme %q", scheme)
	}
	if err != nil {
		return err
	}
	if err := checkAge(found.timestamp, now.Unix(), int64(maxAge/time.Second)); err != nil {
		return err
	}
	return checkSignatures(found, live)
}

func standardWebhooks(header http.Header, body []byte) (signed, error) {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	value := header.Get("webhook-signature")
	if id == "" || timestamp == "" || value == "" {
		return signed{}, ErrHeaderMissing
	}
	var signatures []string
	for _, entry := range strings.Split(value, " ") {
		if signature, isV1 := strings.CutPrefix(entry, "v1,"); isV1 {
			signatures = append(signatures, signature)
		}
	}
	if len(signatures) == 0 {
		return signed{}, ErrHeaderMalformed
	}
	sign := func(secret string) string {
		return base64.StdEncoding.EncodeToString(mac(standardKey(secret), id+"."+timestamp+".", body))
	}
	return signed{timestamp, signatures, sign}, nil
}

func timestamped(header http.Header, body []byte) (signed, error) {
	value := first(header, "x-aragora-signature-timestamped", "x-agenta-signature")
	if value == "" {
		return signed{}, ErrHeaderMissing
	}
	var timestamps, signatures []string
	for _, element := range strings.Split(value, ",") {
		key, value, hasValue := strings.Cut(strings.TrimLeft(element, " \t"), "=")
		if !hasValue {
			return signed{}, ErrHeaderMalformed
		}
		switch key {
		case "t":
			timestamps = append(timestamps, value)
		case "v1":
			signatures = append(signatures, value)
		}
	}
	// With two timestamps nobody knows which one was signed.
	if len(timestamps) != 1 || len(signatures) == 0 {
		return signed{}, ErrHeaderMalformed
	}
	sign := func(secret string) string {
		return hex.EncodeToString(mac([]byte(secret), timestamps[0]+".", body))
	}
	return signed{timestamps[0], signatures, sign}, nil
}

func bodyOnly(header http.Header, body []byte) (signed, error) {
	signature := first(header, "x-aragora-signature", "x-signature-sha256", "x-webhook-signature")
	timestamp := first(header, "x-aragora-timestamp", "x-webhook-timestamp")
	if signature == "" || timestamp == "" {
		return signed{}, ErrHeaderMissing
	}
	if !strings.HasPrefix(signature, "sha256=") {
		return signed{}, ErrHeaderMalformed
	}
	sign := func(secret string) string {
		return "sha256=" + hex.EncodeToString(mac([]byte(secret), "", body))
	}
	return signed{timestamp, []string{signature}, sign}, nil
}

// first returns the first of the named headers that is there: one header and its other names.
func first(header http.Header, names ...string) string {
	for _, name := range names {
		if value := header.Get(name); value != "" {
			return value
		}
	}
	return ""
}

func checkAge(timestamp string, now, maxAgeSeconds int64) error {
	// Digits only: ParseInt alone takes a sign.
	if len(timestamp) > 18 || strings.Trim(timestamp, "0123456789") != "" {
		return ErrTimestampNotANumber
	}
	sent, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return ErrTimestampNotANumber
	}
	if now-sent > maxAgeSeconds {
		return ErrTooOld
	}
	if sent-now > maxAheadSeconds {
		return ErrTooFarAhead
	}
	return nil
}

func checkSignatures(found signed, secrets []string) error {
	// Compares all with all, each in constant time, so that the time taken tells nothing.
	matches := 0
	for _, secret := range secrets {
		expected := []byte(found.sign(secret))
		for _, signature := range found.signatures {
			matches += subtle.ConstantTimeCompare(expected, []byte(signature))
		}
	}
	if matches == 0 {
		return ErrMismatch
	}
	return nil
}

func mac(key []byte, prefix string, body []byte) []byte {
	hash := hmac.New(sha256.New, key)
	hash.Write([]byte(prefix))
	hash.Write(body)
	return hash.Sum(nil)
}

// standardKey is the base64 behind whsec_, decoded; else the secret's own bytes.
func standardKey(secret string) []byte {
	if encoded, isWhsec := strings.CutPrefix(secret, "whsec_"); isWhsec {
		key, err := base64.StdEncoding.DecodeString(encoded)
		// DecodeString skips line ends; only the one proper spelling is a key.
		if err == nil && base64.StdEncoding.EncodeToString(key) == encoded {
			return key
		}
	}
	return []byte(secret)
}

func main() {
	cases := json.NewDecoder(os.Stdin)
	for {
		var given struct {
			Scheme        Scheme            `json:"scheme"`
			Secrets       []string          `json:"secrets"`
			Headers       map[string]string `json:"headers"`
			Body          []byte            `json:"body_base64"`
			Now           int64             `json:"now"`
			MaxAgeSeconds int64             `json:"max_age_seconds"`
		}
		if err := cases.Decode(&given); err == io.EOF {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		header := http.Header{}
		for name, value := range given.Headers {
			header.Set(name, value)
		}
		maxAge := time.Duration(given.MaxAgeSeconds) * time.Second
		if err := Verify(given.Scheme, given.Secrets, header, given.Body, time.Unix(given.Now, 0), maxAge); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("valid")
		}
	}
}
