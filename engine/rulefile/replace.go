package rulefile

import (
	"os"
	"path/filepath"
)

// ReplaceFile atomically replaces the text of a file: a concurrent reader, or one after a
// crash, finds either the old text or the new one. A symbolic link remains a link.
func ReplaceFile(name string, text []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	writable, err := os.OpenFile(name, os.O_WRONLY, 0) // renaming would replace even a read-only file
	if err != nil {
		return err
	}
	info, err := writable.Stat()
	writable.Close()
	if err != nil {
		return err
	}
	return PutFile(name, text, info.Mode().Perm())
}

// PutFile atomically writes a file, which need not exist yet.
func PutFile(name string, text []byte, mode os.FileMode) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), ".heed-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	err = fill(temporary, text, mode)
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}

func fill(file *os.File, text []byte, mode os.FileMode) error {
	if _, err := file.Write(text); err != nil {
		return err
	}
	if err := file.Chmod(mode); err != nil {
		return err
	}
	return file.Sync()
}
