// Judges the notes, checkpoints, proofs and keys of the corpus with golang.org/x/mod: notes by its package note, with a
// verifier of our own for cosignatures (type 0x04), proofs by its package tlog.
//
// It prints a JSON object: for each file "holds", "refused: why", or "not judged: why".
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type testCase struct {
	Kind, File, Leaf, Policy string
	NotAfter                 string `json:"not_after"`
	Keys                     []string
}

type index struct {
	Keys  map[string]string
	Cases []testCase
}

// errNotJudged is of what this program leaves to other verifiers.
var errNotJudged = errors.New("not judged")

// cosigner verifies cosignature/v1, of which x/mod knows nothing.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }
func (c *cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(sig)
	if time > 1<<63-1 {
		return false
	}
	signed := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, msg)
	return ed25519.Verify(c.key, []byte(signed), sig[8:])
}

func verifierOf(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) == 3 {
		raw, err := base64.StdEncoding.DecodeString(parts[2])
		if err == nil && len(raw) > 0 && raw[0] == 6 {
			return nil, fmt.Errorf("%w: a key of type 6", errNotJudged)
		}
		if err == nil && len(raw) == 33 && raw[0] == 4 {
			digest := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
			hash := binary.BigEndian.Uint32(digest[:])
			if fmt.Sprintf("%08x", hash) != parts[1] {
				return nil, errors.New("the key id is another's")
			}
			return &cosigner{parts[0], hash, raw[1:]}, nil
		}
	}
	return note.NewVerifier(vkey)
}

func open(raw []byte, keys []string) (*note.Note, error) {
	var verifiers []note.Verifier
	for _, vkey := range keys {
		verifier, err := verifierOf(vkey)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(raw, note.VerifierList(verifiers...))
	if err != nil {
		return nil, err
	}
	for _, sig := range opened.Sigs {
		if sig.Name == verifiers[0].Name() && sig.Hash == verifiers[0].KeyHash() {
			return opened, nil
		}
	}
	return nil, errors.New("the first key did not sign")
}

func head(raw []byte, keys []string) (size int64, root tlog.Hash, err error) {
	opened, err := open(raw, keys)
	if err != nil {
		return 0, root, err
	}
	lines := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	for _, line := range lines {
		if line == "" {
			return 0, root, errors.New("an empty line")
		}
	}
	if len(lines) < 3 {
		return 0, root, errors.New("less than three lines")
	}
	whole, err := strconv.ParseUint(lines[1], 10, 64)
	if err != nil || strconv.FormatUint(whole, 10) != lines[1] {
		return 0, root, errors.New("no size")
	}
	root, err = tlog.ParseHash(lines[2])
	return int64(whole), root, err
}

func proof(raw, leaf []byte, keys []string) error {
	before, after, parted := strings.Cut(string(raw), "\n\n")
	lines := strings.Split(before, "\n")
	if !parted || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no proof")
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		if _, err := base64.StdEncoding.DecodeString(lines[0][len("extra "):]); err != nil {
			return err
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return errors.New("no index")
	}
	text := lines[0][len("index "):]
	at, err := strconv.ParseUint(text, 10, 63)
	if err != nil || strconv.FormatUint(at, 10) != text {
		return errors.New("no index")
	}
	var hashes tlog.RecordProof
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	size, root, err := head([]byte(after), keys)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(hashes, size, root, int64(at), tlog.RecordHash(leaf))
}

func judge(folder string, c testCase, keys []string) error {
	raw, err := os.ReadFile(filepath.Join(folder, c.File))
	if err != nil {
		return err
	}
	if c.Policy != "" || c.NotAfter != "" {
		return fmt.Errorf("%w: a policy or a time", errNotJudged)
	}
	switch c.Kind {
	case "key":
		_, err = verifierOf(string(raw))
	case "note":
		_, err = open(raw, keys)
	case "checkpoint":
		_, _, err = head(raw, keys)
	case "proof":
		leaf, missing := os.ReadFile(filepath.Join(folder, c.Leaf))
		if missing != nil {
			return missing
		}
		err = proof(raw, leaf, keys)
	default:
		err = fmt.Errorf("%w: of another kind", errNotJudged)
	}
	return err
}

func main() {
	folder := os.Args[1]
	raw, err := os.ReadFile(filepath.Join(folder, "index.json"))
	if err != nil {
		panic(err)
	}
	var all index
	if err := json.Unmarshal(raw, &all); err != nil {
		panic(err)
	}
	verdicts := map[string]string{}
	for _, c := range all.Cases {
		var keys []string
		for _, name := range c.Keys {
			keys = append(keys, all.Keys[name])
		}
		switch err := judge(folder, c, keys); {
		case err == nil:
			verdicts[c.File] = "holds"
		case errors.Is(err, errNotJudged):
			verdicts[c.File] = err.Error()
		default:
			verdicts[c.File] = "refused: " + err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		panic(err)
	}
}
